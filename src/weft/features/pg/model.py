"""Packet-generator interfaces, their streams, and what they have captured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weft.core import arena, memory
from weft.core.model import Invalid, model
from weft.core.runtime import DIRECT, Queue
from weft.core.view import Array, View, i64, times, u8, u32
from weft.features.interface.address import parse_mac
from weft.features.interface.model import LINK_UP, DeviceClass, Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine

MAX_STREAMS = 1024
MAX_PG = 1024
MAX_PACKET = 65535
CAPTURE_SIZE = 8 << 20


class Template(View):
    """One packet of a stream; its bytes follow."""

    length: u32
    pad: Array[u32] = times(15)
    data: Array[u8] = times(0)


class Stream(View):
    """A table of packets that ``pg-input`` sends round and round."""

    templates: i64  # the address of the first
    stride: i64  # bytes from one to the next
    count: i64
    position: i64
    left: i64  # packets still to send; negative: no end
    sw_if_index: u32
    next: u32  # DIRECT | node
    clocks: i64  # between packets; 0: as fast as possible
    due: i64
    sent: i64
    batch: i64


class Capture(View):
    """Where ``pg-tx`` puts what leaves by an interface: records of a length and that many bytes."""

    on: i64
    at: i64  # the address of the area
    used: i64
    room: i64
    packets: i64
    missed: i64


class Record(View):
    """One captured packet; its bytes follow."""

    length: u32
    pad: u32


streams = arena.table("pg-streams", Stream, MAX_STREAMS)
captures = arena.table("pg-captures", Capture, MAX_PG)


@dataclass
class RunningStream:
    """A stream that exists; enabled when a queue reads it."""

    name: str
    slot: int
    interface: Interface
    queue: Queue | None = None


def _delete(engine: Engine, interface: Interface) -> None:
    engine[PacketGenerator].forget(interface)


PG = DeviceClass("packet-generator", tx="pg-tx", delete=_delete)


@model
class PacketGenerator:
    """The control side: interfaces, streams, captures."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._interfaces = engine[Interfaces]
        self.streams: dict[str, RunningStream] = {}

    def create(self, name: str) -> Interface:
        """A packet-generator interface, ``pg0`` for one."""
        number = int(name[2:]) if name[:2] == "pg" and name[2:].isdigit() else -1
        if not 0 <= number < MAX_PG:
            raise Invalid(f"a packet-generator interface is named pg0 to pg{MAX_PG - 1}, not {name}")
        mac = parse_mac(f"02:fe:00:00:{number >> 8:02x}:{number & 255:02x}")
        memory.fill(captures[number].address, 0, Capture.size)
        return self._interfaces.add(name, PG, mac=mac, flags=LINK_UP, number=number)

    def forget(self, interface: Interface) -> None:
        """An interface goes: its streams and its capture end."""
        for stream in [each for each in self.streams.values() if each.interface is interface]:
            self.delete(stream.name)
        self.stop_capture(interface)

    # --- streams

    def add(
        self,
        name: str,
        interface: Interface,
        packets: Sequence[bytes],
        *,
        limit: int = 0,
        rate: float = 0,
        node: str = "ethernet-input",
        batch: int = 256,
    ) -> RunningStream:
        """A stream of these packets, disabled. ``limit``: how many in all (0: no end); ``rate``: packets a second."""
        if name in self.streams:
            raise Invalid(f"stream {name} already exists")
        if not packets or not all(0 < len(packet) <= MAX_PACKET for packet in packets):
            raise Invalid(f"a stream has packets of 1 to {MAX_PACKET} bytes")
        used = {stream.slot for stream in self.streams.values()}
        slot = next((slot for slot in range(MAX_STREAMS) if slot not in used), -1)
        if slot < 0:
            raise Invalid(f"there are {MAX_STREAMS} streams already")
        stride = -(-(64 + max(map(len, packets))) // 64) * 64
        address = self._engine.arena.allocate(stride * len(packets))
        for position, packet in enumerate(packets):
            template = Template(address + position * stride)
            template.length = len(packet)
            memory.write(template.data.address, packet)
        row = streams[slot]
        memory.fill(row.address, 0, Stream.size)
        row.templates, row.stride, row.count = address, stride, len(packets)
        row.left = limit or -1
        row.sw_if_index = interface.sw_if_index
        row.next = DIRECT | self._engine.graph[node].index
        row.clocks = int(self._engine.clocks_per_second / rate) if rate else 0
        row.batch = max(1, min(batch, 256))
        self.streams[name] = RunningStream(name, slot, interface)
        return self.streams[name]

    def enable(self, name: str, thread: int | None = None) -> None:
        """Let a stream run, on the first forwarding thread unless another is named."""
        stream = self._stream(name)
        if stream.queue is None:
            if thread is None:
                thread = self._engine.workers.forwarding[0]
            row = streams[stream.slot]
            stream.queue = self._engine.workers.place(thread, "pg-input", row.address, polling=True)
            self._engine.workers.wake(thread)

    def disable(self, name: str) -> None:
        stream = self._stream(name)
        if stream.queue is not None:
            self._engine.workers.displace(stream.queue)
            stream.queue = None

    def delete(self, name: str) -> None:
        self.disable(name)
        stream = self.streams.pop(name)
        self._engine.arena.release(streams[stream.slot].templates)

    def _stream(self, name: str) -> RunningStream:
        if name not in self.streams:
            raise Invalid(f"no stream `{name}'")
        return self.streams[name]

    # --- for programs: packets in, packets out

    def send(self, interface: Interface, packets: Sequence[bytes], *, node: str = "ethernet-input") -> None:
        """Let packets come in by an interface, and forward until nothing is left to do (engines without workers)."""
        self.add("*send*", interface, packets, limit=len(packets), node=node)
        try:
            self.enable("*send*")
            self._engine.step()
        finally:
            self.delete("*send*")

    def capture(self, interface: Interface) -> None:
        """From now on keep what leaves by an interface, for ``captured``."""
        capture = captures[interface.row.device]
        if not capture.at:
            capture.at, capture.room = self._engine.arena.allocate(CAPTURE_SIZE), CAPTURE_SIZE
        capture.on = 1

    def stop_capture(self, interface: Interface) -> None:
        capture = captures[interface.row.device]
        capture.on = 0
        if capture.at:
            self._engine.workers.quiesce()
            self._engine.arena.release(capture.at)
            memory.fill(capture.address, 0, Capture.size)

    def captured(self, interface: Interface) -> list[bytes]:
        """What has left by an interface since the last call."""
        capture = captures[interface.row.device]
        with self._engine.workers.barrier():
            data = memory.read(capture.at, capture.used) if capture.at else b""
            capture.used = capture.packets = 0
        packets = []
        at = 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 4], "little")
            packets.append(data[at + 8 : at + 8 + length])
            at += 8 + -(-length // 8) * 8
        return packets
