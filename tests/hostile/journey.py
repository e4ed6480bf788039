"""What became of packets, read from the trace: every buffer that a packet was in must end, and once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from weft import Engine
from weft.core import memory
from weft.core.buffer import Buffer
from weft.core.node import ERROR_OWNERS, ERRORS, NoError
from weft.core.runtime import CONSUMED, DIRECT, TRACE_BEFORE, TRACE_DATA, TraceRecord, workers

from .wellformed import check_routed, check_tunnelled, is_later_fragment

#: Nodes where packets end, but for those of interfaces.
DROP, PUNT, FRAGMENT, NOWHERE = "drop", "punt", "ip4-frag", "local0-tx"
FRAGMENTED = "fragmented"
#: How a packet may come to be dropped without an error, as in VPP: by a route, or where there is no IP.
SILENT = {f"{ip}-{node}" for ip in ("ip4", "ip6") for node in ("lookup", "load-balance", "not-enabled", "null")}
SILENT |= {"ip6-link-local"}
#: Where packets go that are to be dropped, or refused with word to the sender.
REFUSING = {f"{ip}-{node}" for ip in ("ip4", "ip6") for node in ("icmp-error", "drop", "punt")}
REFUSING |= {"error-punt", "error-drop", "drop"}


class Broken(AssertionError):
    """Something that must hold does not."""


@dataclass(frozen=True)
class Way:
    """What became of one buffer of a packet."""

    end: str  #: an interface, or "node: reason"
    nodes: tuple[str, ...]
    data: bytes | None = None  #: as it left


@dataclass
class Fate:
    """What became of one frame, and of all packets that were made because of it."""

    ways: list[Way] = field(default_factory=list)

    @property
    def ends(self) -> list[str]:
        return sorted(way.end for way in self.ways)


def reason(number: int) -> str:
    """An error as ``show errors`` names it."""
    return f"{ERROR_OWNERS[type(ERRORS[number])]}: {ERRORS[number].text}"


@dataclass
class Journey:
    """A buffer under way."""

    packet: int
    nodes: list[str] = field(default_factory=list)
    next: str = ""


class Journeys:
    """The ways of all packets that thread 0 has traced. ``outputs``: what each interface has sent."""

    def __init__(self, engine: Engine, outputs: dict[str, deque[bytes]]) -> None:
        self._engine, self._outputs = engine, outputs
        self._names = {instance.index: instance.name for instance in engine.graph.instances}
        self._under_way: dict[int, Journey] = {}
        self.fates: dict[int, Fate] = {}
        #: Pieces of packets but for the first: only that is traced.
        self.fragments = 0
        if workers[0].trace_used >= workers[0].trace_capacity:
            raise Broken("the trace is full: too many packets were made")
        for record in self._records():
            self._read(record)
        for buffer, journey in list(self._under_way.items()):
            if journey.next != FRAGMENT:
                raise Broken(f"a packet never ended: {' → '.join(journey.nodes)}")
            self._end(buffer, FRAGMENTED)
        for name, left in outputs.items():
            while left:
                self._take_fragment(name)

    def _records(self) -> Iterator[TraceRecord]:
        for position in range(workers[0].trace_used):
            yield workers[0].trace[position]

    def _read(self, record: TraceRecord) -> None:
        node, buffer = self._names[record.node], record.buffer
        journey = self._under_way.get(buffer)
        if journey is not None and journey.next == FRAGMENT and node != FRAGMENT:
            # It was freed there, and a piece of the next packet has got the buffer.
            self._end(buffer, FRAGMENTED)
            journey = None
        if journey is None:
            journey = self._under_way[buffer] = Journey(record.packet)
            self.fates.setdefault(record.packet, Fate())
        elif journey.packet != record.packet and record.next != CONSUMED:
            raise Broken(f"packet {journey.packet} became packet {record.packet} at {node}")
        journey.nodes.append(node)
        journey.next = self._next(node, record.next)
        if node.endswith("-tx") and node[:-3] in self._outputs:
            self._end(buffer, node[:-3], self._left(node[:-3], record))
        elif node == DROP:
            self._end(buffer, reason(Buffer(record.metadata.address).error))
        elif node == PUNT:
            self._end(buffer, "punted")
        elif node == FRAGMENT and record.next == CONSUMED:
            self._end(buffer, FRAGMENTED)
        elif node == NOWHERE:
            raise Broken("a packet left by local0")

    def _next(self, node: str, next: int) -> str:
        if next & DIRECT:
            return self._names.get(next & (DIRECT - 1), "")
        nexts = self._engine.graph[node].nexts
        return nexts[next] if next < len(nexts) else ""

    def _end(self, buffer: int, end: str, data: bytes | None = None) -> None:
        journey = self._under_way.pop(buffer)
        nodes = tuple(journey.nodes)
        if end == reason(NoError.NONE) and [node for node in nodes if node not in REFUSING][-1] not in SILENT:
            raise Broken(f"dropped without an error: {' → '.join(nodes)}")
        if data is not None:
            if len(data) < 14:
                raise Broken(f"{len(data)} bytes left by {end}: no Ethernet frame")
            if "ip4-rewrite" in nodes or "ip6-rewrite" in nodes:
                check_routed(self._engine, end, data)
            if "vxlan4-encap" in nodes or "vxlan6-encap" in nodes:
                check_tunnelled(end, data)
        self.fates[journey.packet].ways.append(Way(end, nodes, data))

    def _left(self, name: str, record: TraceRecord) -> bytes:
        """The bytes of a packet that has left by an interface."""
        length = Buffer(record.metadata.address).current_length
        start = memory.read(record.data.address + TRACE_BEFORE, min(length, TRACE_DATA - TRACE_BEFORE))
        outputs = self._outputs[name]
        while outputs and not outputs[0].startswith(start):
            self._take_fragment(name)
        if not outputs:
            raise Broken(f"a packet that {name} had was not captured")
        return outputs.popleft()

    def _take_fragment(self, name: str) -> None:
        data = self._outputs[name].popleft()
        if not is_later_fragment(data):
            raise Broken(f"{name} sent a packet that comes from nowhere: {data[:80].hex()}")
        check_routed(self._engine, name, data)
        self.fragments += 1
