"""Nodes in the statistics segment: ``/sys/node/*``, and each one's counters under ``/nodes/<name>/``.

Workers count in their nodes' runtimes, where they have them at hand; so these are copies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.counters import Cell, simple
from weft.core.node import routine
from weft.core.runtime import MAX_NODES, Worker, threads_in_use, workers
from weft.core.stats.names import names
from weft.core.stats.segment import Segment, component

if TYPE_CHECKING:
    from weft.core.engine import Engine

DELETED = "deleted"

node_names = names("/sys/node/names", MAX_NODES)
clocks = simple("/sys/node/clocks", MAX_NODES)
vectors = simple("/sys/node/vectors", MAX_NODES)
calls = simple("/sys/node/calls", MAX_NODES)
suspends = simple("/sys/node/suspends", MAX_NODES)  # of processes, which are not nodes here


@routine
def copy_node_counters(worker: Worker, count: int) -> int:
    """Copy what a thread's first ``count`` nodes have counted."""
    thread = worker.index
    for node in range(count):
        rt = worker.runtimes[node]
        Cell(clocks.vectors[thread] + (node << 3)).count = rt.clocks
        Cell(vectors.vectors[thread] + (node << 3)).count = rt.vectors
        Cell(calls.vectors[thread] + (node << 3)).count = rt.calls
    return count


class NodeEntries:
    """Nodes' names and counters. What has come or gone is noticed when they are collected."""

    COLUMNS = ("clocks", "vectors", "calls", "suspends")

    def __init__(self, engine: Engine, segment: Segment) -> None:
        self._engine, self._segment = engine, segment
        self.enabled = False
        self._entries: dict[str, int] = {}
        self._known: dict[int, tuple[str, list[int]]] = {}

    @property
    def paths(self) -> list[str]:
        """The counters of nodes."""
        return [f"/sys/node/{column}" for column in self.COLUMNS]

    def enable(self) -> None:
        """Make the entries."""
        self.enabled = True
        node_names.enter(self._segment)
        for column, path in zip(self.COLUMNS, self.paths, strict=True):
            self._entries[column] = self._segment.add_counter(path)

    def collect(self) -> None:
        graph = self._engine.graph
        count = len(graph.instances)
        for counter in (clocks, vectors, calls, suspends):
            counter.validate(count - 1)
        now = {instance.index: instance.name for instance in graph.by_name.values()}
        gone = [index for index, (name, _) in self._known.items() if now.get(index) != name]
        come = [index for index in now if index not in self._known or self._known[index][0] != now[index]]
        if gone or come:
            with self._segment.change():
                for index in gone:
                    self._forget(index)
                for index in come:
                    self._enter(index, now[index])
        for thread in threads_in_use():
            self._engine.call(copy_node_counters, workers[thread], count)

    def _enter(self, index: int, name: str) -> None:
        node_names.put(index, name)
        folder = f"/nodes/{component(name)}"
        links = ((f"{folder}/{column}", entry, index) for column, entry in self._entries.items())
        self._known[index] = name, self._segment.add_symlinks(links)

    def _forget(self, index: int) -> None:
        node_names.put(index, DELETED)
        for link in self._known.pop(index)[1]:
            self._segment.remove(link)
