"""Packet-generator interfaces and their streams."""

from __future__ import annotations

import itertools
import struct
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from weft.core import arena, memory
from weft.core.model import Invalid, model
from weft.core.runtime import DIRECT, FRAME_SIZE, Queue
from weft.core.view import Rows, View, i64, u32
from weft.features.interface.address import parse_mac
from weft.features.interface.model import LINK_UP, DeviceClass, Interface, Interfaces
from weft.features.pcap.capture import Capture
from weft.features.pg.capturing import PERIOD, Capturing

if TYPE_CHECKING:
    from weft.core.engine import Engine

MAX_STREAMS = 1024
MAX_PG = 1024
MAX_PACKET = 65535
MAX_TEMPLATES_SIZE = 1 << 32  #: bytes of one stream's packets
LINE = 64
CREDIT = 256  #: parts of a clock in which a stream's rate is counted


class Stream(View):
    """A table of packets that ``pg-input`` sends round and round."""

    templates: i64  # the address of the first one's bytes
    lengths: Rows[u32]  # theirs
    stride: i64  # bytes from one to the next: a multiple of 64, so that whole cache lines can be copied
    count: i64
    position: i64
    left: i64  # packets still to send; negative: no end
    batch: i64  # at a time
    sw_if_index: u32
    next: u32  # DIRECT | node
    # the second cache line
    sent: i64
    price: i64  # of a packet, in clocks / CREDIT; 0: as fast as possible
    credit: i64
    last: i64  # clocks, when credit was given last; 0: never
    queue: i64  # the queue that reads this stream, to be switched off at its end
    number: i64  # of all streams there have been
    frames: i64  # they start at ethernet-input, as what an interface receives; others start further on


class PgMeta(View):
    """Over ``pkt.opaque2`` of traced packets, from ``pg-input`` to its trace."""

    stream: u32


streams = arena.table("pg-streams", Stream, MAX_STREAMS)
captures = arena.table("pg-captures", Capture, MAX_PG)


@dataclass
class RunningStream:
    """A stream that exists; enabled when a queue reads it."""

    name: str
    slot: int
    interface: Interface
    node: str
    sizes: tuple[int, int]  #: the shortest and the longest packet
    sample: bytes  #: its first packet
    limit: int = 0
    rate: float = 0
    thread: int | None = None  #: None: the first that forwards
    queue: Queue | None = None

    @property
    def row(self) -> Stream:
        row: Stream = streams[self.slot]
        return row

    @property
    def enabled(self) -> bool:
        """Whether it runs: one that has reached its limit does not."""
        return self.queue is not None and self.row.left != 0


def _delete(engine: Engine, interface: Interface) -> None:
    engine[PacketGenerator].forget(interface)


PG = DeviceClass("packet-generator", tx="pg-tx", delete=_delete)


@model
class PacketGenerator:
    """The control side: interfaces, streams, captures."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._interfaces = engine[Interfaces]
        self._interfaces.watch("removed", self.forget)
        self.streams: dict[str, RunningStream] = {}
        self._capturing: dict[int, Capturing] = {}
        self._numbers = itertools.count()
        self._known: OrderedDict[int, tuple[str, str]] = OrderedDict()
        engine.timers.every(PERIOD, self._drain)

    def create(self, name: str) -> Interface:
        """A packet-generator interface, ``pg0`` for one."""
        number = int(name[2:]) if name[:2] == "pg" and name[2:].isdecimal() and len(name) < 7 else -1
        if not 0 <= number < MAX_PG or name != f"pg{number}":
            raise Invalid(f"a packet-generator interface is named pg0 to pg{MAX_PG - 1}, not {name}")
        mac = parse_mac(f"02:fe:00:00:{number >> 8:02x}:{number & 255:02x}")
        memory.fill(captures[number].address, 0, Capture.size)
        return self._interfaces.add(name, PG, mac=mac, flags=LINK_UP, number=number)

    def forget(self, interface: Interface) -> None:
        """An interface goes: its streams and its captures end."""
        for stream in [each for each in self.streams.values() if each.interface is interface]:
            self.delete(stream.name)
        capturing = self._capturing.pop(interface.sw_if_index, None)
        if capturing is not None:
            capturing.stop()

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
        batch: int = FRAME_SIZE,
        thread: int | None = None,
    ) -> RunningStream:
        """A stream of these packets, disabled. ``limit``: how many in all (0: no end); ``rate``: packets a second (0:
        as fast as possible); ``batch``: at a time; ``thread``: which one makes them (None: the first that forwards).
        """
        if name in self.streams:
            raise Invalid(f"stream {name} already exists")
        sizes = (min(map(len, packets)), max(map(len, packets))) if packets else (0, 0)
        if sizes[0] < 1 or sizes[1] > MAX_PACKET:
            raise Invalid(f"a stream has packets of 1 to {MAX_PACKET} bytes")
        _check(limit, rate)
        if not 1 <= batch <= FRAME_SIZE:
            raise Invalid(f"a stream sends 1 to {FRAME_SIZE} packets at a time, not {batch}")
        if thread is not None and thread not in self._engine.workers.forwarding:
            raise Invalid(f"no worker {thread - 1}")
        if node not in self._engine.graph.by_name:
            raise Invalid(f"no node is named {node}")
        used = {stream.slot for stream in self.streams.values()}
        slot = next((slot for slot in range(MAX_STREAMS) if slot not in used), -1)
        if slot < 0:
            raise Invalid(f"there are {MAX_STREAMS} streams already")
        row = streams[slot]
        memory.fill(row.address, 0, Stream.size)
        self._fill(row, packets)
        row.number, row.batch = next(self._numbers), batch
        row.sw_if_index = interface.sw_if_index
        row.frames = int(node == "ethernet-input")
        row.next = DIRECT | self._engine.graph[node].index
        stream = self.streams[name] = RunningStream(name, slot, interface, node, sizes, packets[0], limit, rate, thread)
        self._pace(stream)
        self._known[row.number] = name, node
        if len(self._known) > 2 * MAX_STREAMS:
            self._known.popitem(last=False)
        return stream

    def _fill(self, row: Stream, packets: Sequence[bytes]) -> None:
        """Put the packets of a stream into the arena, in one piece: their lengths, then their bytes."""
        count, stride = len(packets), -(-max(map(len, packets)) // LINE) * LINE
        lengths = -(-4 * count // LINE) * LINE
        if lengths + stride * count > MAX_TEMPLATES_SIZE:
            raise Invalid(f"{count} packets of up to {stride} bytes are more than {MAX_TEMPLATES_SIZE >> 20} MB")
        address = self._engine.arena.allocate(lengths + stride * count)
        memory.write(address, struct.pack(f"<{count}I", *map(len, packets)))
        many = max(1, (16 << 20) // stride)
        for start in range(0, count, many):
            block = b"".join([packet.ljust(stride, b"\0") for packet in packets[start : start + many]])
            memory.write(address + lengths + start * stride, block)
        row.lengths, row.templates = address, address + lengths
        row.stride, row.count = stride, count

    def _pace(self, stream: RunningStream) -> None:
        clocks = self._engine.clocks_per_second
        stream.row.price = max(1, round(clocks * CREDIT / stream.rate)) if stream.rate else 0

    def configure(self, name: str, *, limit: int | None = None, rate: float | None = None) -> None:
        """Change a stream's limit, which counts from when it is enabled, or its rate."""
        stream = self._stream(name)
        _check(limit or 0, rate or 0)
        stream.limit = stream.limit if limit is None else limit
        stream.rate = stream.rate if rate is None else rate
        self._pace(stream)

    def enable(self, name: str, thread: int | None = None) -> None:
        """Let a stream run from its beginning, on a thread of its own choice unless another is named."""
        stream = self._stream(name)
        if stream.enabled:
            return
        self.disable(name)
        row = stream.row
        row.left = stream.limit or -1
        row.position = row.sent = row.credit = row.last = row.queue = 0
        thread = stream.thread if thread is None else thread
        if thread is None:
            thread = self._engine.workers.forwarding[0]
        stream.queue = self._engine.workers.place(thread, "pg-input", row.address, polling=True)
        row.queue = stream.queue.address
        self._engine.workers.wake(thread)

    def disable(self, name: str) -> None:
        stream = self._stream(name)
        if stream.queue is not None:
            self._engine.workers.displace(stream.queue)
            stream.queue = None

    def delete(self, name: str) -> None:
        self.disable(name)
        stream = self.streams.pop(name)
        self._engine.arena.release(stream.row.lengths.address)

    def _stream(self, name: str) -> RunningStream:
        if name not in self.streams:
            raise Invalid(f"no stream `{name}'")
        return self.streams[name]

    def known(self, number: int) -> tuple[str, str]:
        """The name and the node of a stream that a traced packet came from, which may be gone since."""
        return self._known.get(number, (f"#{number}", "unknown"))

    # --- for programs: packets in, packets out

    def send(self, interface: Interface, packets: Sequence[bytes], *, node: str = "ethernet-input") -> None:
        """Let packets come in by an interface, and forward until nothing is left to do (engines without workers)."""
        self.add("*send*", interface, packets, limit=len(packets), node=node)
        try:
            self.enable("*send*")
            self._engine.step()
        finally:
            self.delete("*send*")

    def _captures_of(self, interface: Interface) -> Capturing:
        if interface.device is not PG or interface.sup is not None:
            raise Invalid(f"{interface.name} is no packet-generator interface")
        row = captures[interface.row.device]
        return self._capturing.setdefault(interface.sw_if_index, Capturing(self._engine, row))

    def capture(self, interface: Interface) -> None:
        """From now on keep what leaves by an interface, for ``captured``."""
        self._captures_of(interface).keep()

    def captured(self, interface: Interface) -> list[bytes]:
        """What has left by an interface since the last call."""
        return self._captures_of(interface).captured()

    def stop_capture(self, interface: Interface) -> None:
        self._captures_of(interface).stop()

    def capture_to(self, interface: Interface, path: Path, count: int) -> None:
        """From now on write what leaves by an interface into a file, so many packets at the most."""
        self._captures_of(interface).write(path, count)

    def end_capture_to(self, interface: Interface) -> tuple[Path, int, int]:
        """Finish the file: its name, packets in it, packets for which there was no room."""
        return self._captures_of(interface).end_write()

    def _drain(self) -> None:
        for capturing in self._capturing.values():
            if capturing.file is not None:
                capturing.drain()

    def close(self) -> None:
        """Finish what is being written."""
        for capturing in self._capturing.values():
            if capturing.file is not None:
                capturing.end_write()


def _check(limit: int, rate: float) -> None:
    if limit < 0 or limit > 1 << 62:
        raise Invalid(f"a stream's limit is 0 (none) or a number of packets, not {limit}")
    if rate < 0 or (rate and not 0.001 <= rate <= 1e10):
        raise Invalid(f"a stream's rate is 0 (as fast as possible) or 0.001 to 1e10 packets a second, not {rate:g}")
