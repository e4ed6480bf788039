"""What the nodes have counted, by thread, and since when."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core import memory
from weft.core.graph import Instance
from weft.core.model import model
from weft.core.node import Kind
from weft.core.runtime import MAX_ERRORS, MAX_NEXTS, MAX_NODES, NodeRuntime, runtimes, threads_in_use, workers

if TYPE_CHECKING:
    from weft.core.engine import Engine

PERIOD = 10.0  #: seconds over which rates are taken
_COUNTS = struct.Struct("<5q")
_CALLS = NodeRuntime.fields["calls"].offset


class NodeStatistics(Struct, frozen=True):
    """A node's calls in one thread. ``max_clocks`` is the longest call's, which had ``max_vectors`` packets."""

    instance: Instance
    calls: int
    vectors: int
    clocks: int
    max_clocks: int
    max_vectors: int

    @property
    def clocks_each(self) -> float:
        """Clocks for a packet; for a call, where there were no packets."""
        return self.clocks / (self.vectors or self.calls or 1)

    @property
    def vectors_each(self) -> float:
        return self.vectors / self.calls if self.calls else 0.0


@dataclass
class Interval:
    """One thread in the last period: loops a second and packets for each call of a node."""

    loops: float = 0.0
    vector_rate: float = 0.0


@model
class Statistics:
    """Reads and clears what is counted in ``NodeRuntime`` and ``Worker``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.since = engine.timers.seconds
        self._last: dict[int, tuple[float, int, int, int]] = {}
        self._intervals: dict[int, Interval] = {}
        self._sample()
        engine.timers.every(PERIOD, self._sample)

    def nodes(self, thread: int) -> list[NodeStatistics]:
        """All nodes of a thread, by name."""
        graph = self._engine.graph
        first = thread * MAX_NODES
        return [
            NodeStatistics(
                instance, *_COUNTS.unpack(memory.read(runtimes[first + instance.index].address + _CALLS, _COUNTS.size))
            )
            for _, instance in sorted(graph.by_name.items())
        ]

    def vectors(self, name: str) -> int:
        """Packets that a node has had, all threads together; 0 if there is no such node."""
        if name not in self._engine.graph.by_name:
            return 0
        return sum(self._engine.graph.runtime(name, thread).vectors for thread in threads_in_use())

    def interval(self, thread: int) -> Interval:
        """Rates of the last whole period; since the start, before one has passed."""
        return self._intervals.get(thread) or self._difference(thread, self._now(thread))

    def _now(self, thread: int) -> tuple[float, int, int, int]:
        inner = [each for each in self.nodes(thread) if each.instance.node.kind is not Kind.INPUT]
        calls, vectors = sum(each.calls for each in inner), sum(each.vectors for each in inner)
        return self._engine.timers.seconds, workers[thread].loops, calls, vectors

    def _difference(self, thread: int, now: tuple[float, int, int, int]) -> Interval:
        seconds, loops, calls, vectors = (new - old for new, old in zip(now, self._last[thread], strict=True))
        return Interval(loops / seconds if seconds > 0 else 0.0, vectors / calls if calls > 0 else 0.0)

    def _sample(self) -> None:
        for thread in threads_in_use():
            now = self._now(thread)
            if thread in self._last:
                self._intervals[thread] = self._difference(thread, now)
            self._last[thread] = now

    def clear(self) -> None:
        """Forget what the nodes have counted: calls, packets, clocks."""
        with self._engine.workers.barrier():
            for thread in threads_in_use():
                for instance in self._engine.graph.by_name.values():
                    rt = runtimes[thread * MAX_NODES + instance.index]
                    memory.fill(rt.address + _CALLS, 0, _COUNTS.size)
                    memory.fill(rt.next_vectors.address, 0, 8 * MAX_NEXTS)
        self.since = self._engine.timers.seconds
        self._last.clear()
        self._intervals.clear()
        self._sample()

    def errors(self, thread: int) -> dict[int, int]:
        """Error number -> count in one thread, without those that are 0."""
        counts = memoryview(memory.read(workers[thread].errors.address, 8 * MAX_ERRORS)).cast("q")
        return {number: count for number, count in enumerate(counts) if count}

    def clear_errors(self) -> None:
        with self._engine.workers.barrier():
            for thread in threads_in_use():
                memory.fill(workers[thread].errors.address, 0, 8 * MAX_ERRORS)
