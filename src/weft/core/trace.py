"""Packet traces: what was recorded of traced packets, for people to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core import memory
from weft.core.buffer import Buffer
from weft.core.model import Invalid
from weft.core.runtime import DIRECT, TRACE_BEFORE, TRACE_DATA, TraceRecord, threads_in_use, workers

if TYPE_CHECKING:
    from weft.core.engine import Engine

RECORDS_PER_PACKET = 48
MAX_PACKETS = 10_000
#: The one way in which our packets are chosen for a trace or a capture, by VPP's name of its usual one.
FILTER_FUNCTION = "vnet_is_packet_traced"


def check_filter_function(name: str) -> None:
    """Raises Invalid if packets cannot be chosen so."""
    if name != FILTER_FUNCTION:
        raise Invalid(f"there is no filter function {name}; there is {FILTER_FUNCTION}")


class Entry(Struct, frozen=True):
    """One traced packet at one node: as the node left it, or as it got it, if the node takes whole frames."""

    engine: Engine
    node: str
    seconds: float  #: since the engine started
    #: The packet's metadata. Its ``data`` is gone: use ``Entry.data``.
    buffer: Buffer
    #: The address of the packet's first byte, in the record; ``TRACE_BEFORE`` bytes in front of it are there too.
    data: int
    #: Where the packet went next; None if nowhere.
    next: str | None
    record: TraceRecord

    def bytes(self, start: int, count: int) -> bytes:
        """What stands in the packet from ``start`` on; may be negative."""
        start = max(start, -TRACE_BEFORE)
        return memory.read(self.data + start, max(0, min(count, TRACE_DATA - TRACE_BEFORE - start)))


class Filter(Struct, frozen=True):
    """Which traced packets are shown: those that came by a node, or those that did not; so many of each thread."""

    node: str
    include: bool
    count: int


class Traced(Struct, frozen=True):
    """A traced packet's way, for people to read. ``position``: its place among its thread's."""

    thread: int
    position: int
    text: str


class Trace:
    """The traces of all threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._wanted: dict[str, int] = {}
        #: None: all packets are shown.
        self.filter: Filter | None = None

    def set_filter(self, node: str, include: bool, count: int) -> None:
        """Show only packets that came by a node (or did not), so many of each thread."""
        self._check(node)
        if count < 1:
            raise Invalid(f"a filter lets 1 packet or more through, not {count}")
        self.filter = Filter(node, include, count)

    def _check(self, node: str) -> None:
        if node not in self._engine.graph.by_name:
            raise Invalid(f"no node is named {node}", "NO_SUCH_NODE")

    def add(self, node: str, count: int) -> None:
        """Trace the next ``count`` packets that come to ``node``, in each thread; 0: no more of them."""
        self._check(node)
        if count < 0:
            raise Invalid(f"0 packets or more can be traced, not {count}")
        if count == 0:
            self._stop(node)
            return
        wanted = sum(self._wanted.values()) + count
        if wanted > MAX_PACKETS:
            raise Invalid(f"{wanted} packets are too many to trace at a time; {MAX_PACKETS} is the most")
        engine = self._engine
        instance = engine.graph[node]
        self._wanted[node] = self._wanted.get(node, 0) + count
        capacity = wanted * RECORDS_PER_PACKET
        for thread in threads_in_use():
            worker = workers[thread]
            if capacity > worker.trace_capacity:
                address = engine.arena.allocate(capacity * TraceRecord.size)
                with engine.workers.barrier():
                    old = worker.trace.address
                    if worker.trace_used:
                        memory.write(address, memory.read(old, worker.trace_used * TraceRecord.size))
                    worker.trace = address
                    worker.trace_capacity = capacity
                if old:
                    engine.arena.release(old)
            rt = engine.graph.runtime(instance.name, thread)
            rt.trace_wanted = rt.trace_wanted + count
            worker.tracing = 1

    def _stop(self, node: str) -> None:
        """Begin to trace no more packets at a node."""
        for thread in threads_in_use():
            if node in self._engine.graph.by_name:
                self._engine.graph.runtime(node, thread).trace_wanted = 0

    def clear(self) -> None:
        """Forget what was traced, and what was to be."""
        engine = self._engine
        for thread in threads_in_use():
            worker = workers[thread]
            with engine.workers.barrier():
                for node in self._wanted:
                    self._stop(node)
                old, worker.trace = worker.trace.address, 0
                worker.tracing = worker.trace_used = worker.trace_capacity = worker.trace_packets = 0
            if old:
                engine.arena.release(old)
        self._wanted.clear()

    def packets(self, thread: int) -> list[list[Entry]]:
        """Each traced packet's way through the graph, in the order in which tracing began."""
        ways: dict[int, list[Entry]] = {}
        for entry in self._entries(thread):
            ways.setdefault(entry.record.packet, []).append(entry)
        return [ways[packet] for packet in sorted(ways)]

    def _entries(self, thread: int) -> Iterator[Entry]:
        engine = self._engine
        worker = workers[thread]
        names = {instance.index: instance.name for instance in engine.graph.instances}
        for position in range(worker.trace_used):
            record = worker.trace[position]
            name = names.get(record.node, f"node-{record.node}")
            yield Entry(
                engine=engine,
                node=name,
                seconds=engine.seconds_at(record.clock),
                buffer=Buffer(record.metadata.address),
                data=record.data.address + TRACE_BEFORE,
                next=self._next(name, record.next, names),
                record=record,
            )

    def _next(self, node: str, next: int, names: dict[int, str]) -> str | None:
        if next & DIRECT:
            return names.get(next & (DIRECT - 1))
        instance = self._engine.graph.by_name.get(node)
        nexts = instance.nexts if instance else []
        return nexts[next] if next < len(nexts) else None

    def show(self, thread: int, most: int = 50) -> str:
        """The text of ``show trace`` for one thread."""
        engine = self._engine
        name = engine.workers.names[thread]
        lines = [f"------------------- Start of thread {thread} {name} -------------------"]
        packets = self._chosen(self.packets(thread))
        if not packets:
            return lines[0] + "\nNo packets in trace buffer\n"
        for number, way in enumerate(packets[:most], 1):
            lines += [f"Packet {number}", "", *_way(way), ""]
        if len(packets) > most:
            lines.append(f"Limiting display to {most} packets. To display more specify max.")
        return "\n".join(lines) + "\n"

    def dump(self) -> list[Traced]:
        """All traced packets that the filter lets through, by thread, in the order in which tracing began."""
        return [
            Traced(thread, position, "\n".join(_way(way)))
            for thread in threads_in_use()
            for position, way in enumerate(self._chosen(self.packets(thread)))
        ]

    def _chosen(self, packets: list[list[Entry]]) -> list[list[Entry]]:
        if self.filter is None:
            return packets
        node, include = self.filter.node, self.filter.include
        chosen = [way for way in packets if any(entry.node == node for entry in way) == include]
        return chosen[: self.filter.count]


def _way(way: list[Entry]) -> list[str]:
    """What a traced packet's way looks like."""
    return [line for entry in way for line in _lines(entry)]


def _lines(entry: Entry) -> list[str]:
    """What a traced packet's stay at a node looks like."""
    lines = [f"{clock(entry.seconds)}: {entry.node}"]
    instance = entry.engine.graph.by_name.get(entry.node)
    formatter = instance.node.format_trace if instance is not None else None
    if formatter is None:
        return lines
    text = formatter(entry)
    if text is None:
        return []
    return lines + [f"  {line}".rstrip() for line in text.splitlines()]


def unseen(entry: Entry) -> None:
    """The ``trace`` of a node that is no station on a packet's way, but part of the one before."""


def clock(seconds: float) -> str:
    """Hours, minutes, seconds and microseconds, as VPP prints the time of a trace."""
    whole, micro = divmod(round(seconds * 1e6), 1_000_000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}:{micro:06}"
