"""Packet-generator interfaces and their streams."""

from __future__ import annotations

import itertools
import struct
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from weft.core import memory
from weft.core.model import Invalid, model
from weft.core.runtime import DIRECT, FRAME_SIZE
from weft.features.interface.address import parse_mac
from weft.features.interface.model import LINK_UP, Interface, Interfaces
from weft.features.pcap.capture import Capture
from weft.features.pg import coalescing
from weft.features.pg.capturing import PERIOD, Capturing
from weft.features.pg.coalescing import captures
from weft.features.pg.device import PG, PG_IP, Mode, Options, is_pg, number_of, options_of
from weft.features.pg.edit import Range
from weft.features.pg.offload import owe
from weft.features.pg.stream import (
    ANYWHERE,
    CREDIT,
    FRAMES,
    LINE,
    MAX_STREAMS,
    MAX_TEMPLATES_SIZE,
    PACKETS,
    PgMeta,
    RunningStream,
    Stream,
    check_pace,
    sizes_of,
    streams,
    whole_lines,
)

if TYPE_CHECKING:
    from weft.core.engine import Engine

UNLIMITED = (1 << 32) - 1  #: packets of a capture


#: Nodes that take what an interface receives.
STARTS = {"ethernet-input": FRAMES, "ip4-input": PACKETS, "ip6-input": PACKETS}


@model
class PacketGenerator:
    """The control side: interfaces, streams, captures."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._interfaces = engine[Interfaces]
        self._interfaces.watch("removed", self.forget)
        self.streams: dict[str, RunningStream] = {}
        self._by_number: dict[int, Interface] = {}
        self._capturing: dict[int, Capturing] = {}
        self._numbers = itertools.count()
        self._known: OrderedDict[int, tuple[str, str]] = OrderedDict()
        engine.timers.every(PERIOD, self._tick)

    def create(self, name: str, options: Options | None = None) -> Interface:
        """A packet-generator interface, ``pg0`` for one; the one of that number, if it is the same."""
        number = number_of(name)
        options = options or Options()
        options.check()
        existing = self._by_number.get(number)
        if existing is not None:
            if options_of(existing) != options:
                raise Invalid(f"interface {existing.name} already exists, with other options", "IF_ALREADY_EXISTS")
            return existing
        memory.fill(captures[number].address, 0, Capture.size)
        made = self._by_number[number] = self._interfaces.add(
            name,
            PG if options.mode is Mode.ETHERNET else PG_IP,
            mac=parse_mac(f"02:fe:00:00:{number >> 8:02x}:{number & 255:02x}") if options.mode is Mode.ETHERNET else 0,
            flags=LINK_UP | options.flags,
            private=options,
            number=number,
        )
        return made

    def delete_interface(self, interface: Interface) -> None:
        """Delete a packet-generator interface, with its streams and captures."""
        self._check(interface)
        self._interfaces.remove(interface)

    def set_coalescing(self, interface: Interface, on: bool) -> None:
        """Let an interface with gso put TCP segments that leave together again, or no longer."""
        self._check(interface)
        options = options_of(interface)
        if not options.gso_size:
            raise Invalid(
                f"{interface.name} cannot coalesce: it was created without gso-enabled", "CANNOT_ENABLE_DISABLE_FEATURE"
            )
        if on:
            coalescing.start(self._engine, interface.row.device, ethernet=options.mode is Mode.ETHERNET)
        else:
            coalescing.stop(self._engine, interface.row.device)

    def _check(self, interface: Interface) -> None:
        if not is_pg(interface):
            raise Invalid(f"{interface.name} is no packet-generator interface", "INVALID_SW_IF_INDEX")

    def forget(self, interface: Interface) -> None:
        """An interface goes: its streams and its captures end."""
        for stream in [each for each in self.streams.values() if each.interface is interface]:
            self.delete(stream.name)
        if is_pg(interface):
            coalescing.stop(self._engine, interface.row.device)
            del self._by_number[interface.row.device]
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
        node: str | None = None,
        batch: int = FRAME_SIZE,
        thread: int | None = None,
    ) -> RunningStream:
        """A stream of these packets, disabled. ``limit``: how many in all (0: no end); ``rate``: packets a second (0:
        as fast as possible); ``node``: where they start (None: as what the interface receives); ``batch``: at a time;
        ``thread``: which one makes them (None: the first that forwards).
        """
        node = node or options_of(interface).mode.node
        if name in self.streams:
            raise Invalid(f"stream {name} already exists")
        sizes = sizes_of(packets)
        check_pace(limit, rate, batch)
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
        self._fill(row, interface, packets)
        row.number, row.batch = next(self._numbers), batch
        row.sw_if_index = interface.sw_if_index
        row.start = STARTS.get(node, ANYWHERE)
        row.next = DIRECT | self._engine.graph[node].index
        stream = self.streams[name] = RunningStream(name, slot, interface, node, sizes, packets[0], limit, rate, thread)
        self._pace(stream)
        self._known[row.number] = name, node
        if len(self._known) > 2 * MAX_STREAMS:
            self._known.popitem(last=False)
        return stream

    def _fill(self, row: Stream, interface: Interface, packets: Sequence[bytes]) -> None:
        """Put the packets of a stream into the arena, in one piece: their lengths, what they owe, their bytes."""
        options = options_of(interface)
        owing = [owe(packet, options) for packet in packets] if options.flags else []
        packets, owed = [packet for packet, _ in owing] or packets, b"".join(owed for _, owed in owing)
        count, stride = len(packets), whole_lines(max(map(len, packets)))
        lengths = whole_lines(4 * count)
        head = lengths + whole_lines(len(owed))
        if head + stride * count > MAX_TEMPLATES_SIZE:
            raise Invalid(f"{count} packets of up to {stride} bytes are more than {MAX_TEMPLATES_SIZE >> 20} MB")
        address = self._engine.arena.allocate(head + stride * count)
        memory.write(address, struct.pack(f"<{count}I", *map(len, packets)))
        memory.write(address + lengths, owed)
        many = max(1, (16 << 20) // stride)
        for start in range(0, count, many):
            block = b"".join([packet.ljust(stride, b"\0") for packet in packets[start : start + many]])
            memory.write(address + head + start * stride, block)
        row.lengths, row.templates = address, address + head
        row.owed = address + lengths if owed else 0
        row.stride, row.count = stride, count

    def _pace(self, stream: RunningStream) -> None:
        clocks = self._engine.clocks_per_second
        stream.row.price = max(1, round(clocks * CREDIT / stream.rate)) if stream.rate else 0

    def configure(
        self,
        name: str,
        *,
        limit: int | None = None,
        rate: float | None = None,
        batch: int | None = None,
        size: Range | None = None,
    ) -> None:
        """Change a stream's limit, which counts from when it is enabled, its rate, how many packets it sends at a time,
        or the sizes of its packets.
        """
        stream = self._stream(name)
        limit = stream.limit if limit is None else limit
        rate = stream.rate if rate is None else rate
        batch = stream.row.batch if batch is None else batch
        check_pace(limit, rate, batch)
        if size is not None:
            self._resize(stream, size, limit)
        stream.limit, stream.rate, stream.row.batch = limit, rate, batch
        self._pace(stream)

    def _resize(self, stream: RunningStream, size: Range, limit: int) -> None:
        if stream.remake is None:
            raise Invalid(f"stream {stream.name} has packets of its own sizes, not of a description")
        if stream.enabled:
            raise Invalid(f"stream {stream.name} is running: disable it, then change its size")
        packets = stream.remake(size, limit)
        self.disable(stream.name)
        old = stream.row.lengths.address
        self._fill(stream.row, stream.interface, packets)
        stream.row.position = 0
        stream.sizes, stream.sample = sizes_of(packets), packets[0]
        self._engine.arena.release(old)

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

    def named(self, name: str | None) -> list[str]:
        """A stream's name if there is one, or those of all. Raises Invalid."""
        return list(self.streams) if name is None else [self._stream(name).name]

    def _stream(self, name: str) -> RunningStream:
        if name not in self.streams:
            raise Invalid(f"no stream `{name}'")
        return self.streams[name]

    def known(self, number: int) -> tuple[str, str]:
        """The name and the node of a stream that a traced packet came from, which may be gone since."""
        return self._known.get(number, (f"#{number}", "unknown"))

    # --- for programs: packets in, packets out

    def send(self, interface: Interface, packets: Sequence[bytes], *, node: str | None = None) -> None:
        """Let packets come in by an interface, and forward until nothing is left to do (engines without workers)."""
        self.add("*send*", interface, packets, limit=len(packets), node=node)
        try:
            self.enable("*send*")
            self._engine.step()
        finally:
            self.delete("*send*")

    def _captures_of(self, interface: Interface) -> Capturing:
        self._check(interface)
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

    def capture_to(self, interface: Interface, path: Path, count: int = UNLIMITED) -> None:
        """From now on write what leaves by an interface into a file, so many packets at the most (0: all). The file is
        made with the first one.
        """
        self._captures_of(interface).write(path, count or UNLIMITED, options_of(interface).mode.link)

    def end_capture_to(self, interface: Interface) -> tuple[Path, int, int] | None:
        """Finish the file, if one is written: its name, packets in it, packets for which there was no room."""
        return self._captures_of(interface).end_write()

    def settle(self) -> None:
        """See to streams that have ended: what they have made has left, and is in the files."""
        ended = [stream for stream in self.streams.values() if stream.queue is not None and not stream.enabled]
        if ended:
            self._engine.workers.quiesce()
            self._drain()
        for stream in ended:
            self.disable(stream.name)

    def _tick(self) -> None:
        self.settle()
        self._drain()

    def _drain(self) -> None:
        for capturing in self._capturing.values():
            if capturing.file is not None:
                capturing.drain()

    def close(self) -> None:
        """Finish what is being written."""
        for capturing in self._capturing.values():
            capturing.end_write()


__all__ = ["LINE", "MAX_STREAMS", "PG", "Mode", "Options", "PacketGenerator", "PgMeta", "RunningStream", "Stream"]
