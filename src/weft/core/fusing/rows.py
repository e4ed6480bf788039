"""Fusions in the graph: each in a row of its first node's, undone before what it takes for constant is written to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weft.core import memory
from weft.core.fusing.code import MOST_FUSIONS, NO_SLOT, NOBODY, Fusions, Row, run
from weft.core.fusing.fusion import Fusion
from weft.core.graph import Instance
from weft.core.runtime import MAX_NODES, NodeRuntime, runtimes, threads_in_use

if TYPE_CHECKING:
    from weft.core.engine import Engine


@dataclass(eq=False)
class Installed:
    """A fusion in the graph."""

    fusion: Fusion
    row: Row

    @property
    def lines(self) -> set[int]:
        """The cache lines of what it takes for constant."""
        return {fact.address >> 6 for fact in self.fusion.facts}

    def depends_on(self, start: int, end: int) -> bool:
        """Whether it takes something there for constant."""
        return any(fact.address < end and start < fact.address + fact.bits // 8 for fact in self.fusion.facts)


class Rows:
    """All that are in the graph. ``changed`` is called when one is undone."""

    def __init__(self, engine: Engine, changed: Callable[[], None]) -> None:
        self._engine, self._graph, self._changed = engine, engine.graph, changed
        self.installed: list[Installed] = []
        #: Rows have become free that workers may still read.
        self._retired = False
        self._fusions: dict[int, Fusions] = {}
        self._watched: dict[int, list[Installed]] = {}
        self._run = 0
        self._graph.leaving.append(self._leaves)

    def install(self, fusion: Fusion, function: int) -> None:
        """Let packets go by a fusion, instead of another for the same ones."""
        head = fusion.head
        per, key = head.node.per, head.key
        for other in list(self.installed):
            if (other.fusion.head.index, other.fusion.head.key) == (head.index, key):
                self.undo(other)
        row = self._row(head.index)
        for number, stage in enumerate(fusion.stages):
            place = row.stages[number]
            last = number == len(fusion.stages) - 1
            counts = stage.node.counts
            place.node = stage.index
            place.slot = NO_SLOT if last else stage.slot
            place.counts = 0 if counts is None else int(counts) + 1
            place.weight = self._weight(stage.index)
        row.per, row.function, row.count = int(per), function, len(fusion.stages)
        memory.fence()
        row.key = key
        installed = Installed(fusion, row)
        self.installed.append(installed)
        for line in installed.lines:
            self._watched.setdefault(line, []).append(installed)
        self._watch()
        for rt in _runtimes(head.index):
            rt.fusions = self._fusions[head.index].address
            memory.fence()
            rt.function = self._runner()

    def _weight(self, index: int) -> int:
        """A node's clocks a packet, in sixteenths, as far as is known."""
        clocks, vectors = sum(rt.clocks for rt in _runtimes(index)), sum(rt.vectors for rt in _runtimes(index))
        return max(1, min(16 * clocks // vectors, 1 << 16)) if vectors else 1

    def _row(self, head: int) -> Row:
        """A free row for fusions that begin with a node; if there is none, that of the oldest."""
        engine = self._engine
        if head not in self._fusions:
            self._fusions[head] = Fusions(engine.arena.allocate(Fusions.size))
            self._fusions[head].plain = self._graph.function_of(self._graph.instances[head].node.name)
        fusions = self._fusions[head]
        own = [each for each in self.installed if each.fusion.head.index == head]
        if len(own) == MOST_FUSIONS:
            self.undo(own.pop(0))
        if self._retired:
            engine.workers.quiesce()
            self._retired = False
        taken = {each.row.address for each in own}
        number = next(number for number in range(MOST_FUSIONS) if fusions.rows[number].address not in taken)
        row = fusions.rows[number]
        row.key = NOBODY
        fusions.count = max(fusions.count, number + 1)
        return row

    def _runner(self) -> int:
        """The address of ``run``."""
        if not self._run:
            self._run = self._engine.address_of(run)
        return self._run

    def undo(self, installed: Installed) -> None:
        """Let no more packets go by a fusion. Workers may still be in it: its row is not used again before they are
        not.
        """
        installed.row.key = NOBODY
        self.installed.remove(installed)
        self._retired = True
        for line in installed.lines:
            self._watched[line].remove(installed)
            if not self._watched[line]:
                del self._watched[line]
        self._watch()

    def _watch(self) -> None:
        self._engine.arena.static.region.watcher = self._written if self._watched else None

    def _written(self, address: int, size: int) -> None:
        """The control side is about to write: what took that for constant ends."""
        for line in range(address >> 6, ((address + size - 1) >> 6) + 1):
            for installed in list(self._watched.get(line, ())):
                if installed.depends_on(address, address + size):
                    self.undo(installed)
                    self._changed()

    def _leaves(self, instance: Instance) -> None:
        """A node goes: so do the fusions that it is part of."""
        gone = [each for each in self.installed if instance.index in (stage.index for stage in each.fusion.stages)]
        for each in gone:
            self.undo(each)
        fusions = self._fusions.pop(instance.index, None)
        if fusions is not None:
            for rt in _runtimes(instance.index):
                rt.function = fusions.plain
            self._engine.workers.quiesce()
            self._engine.arena.release(fusions.address)
        elif gone:
            self._engine.workers.quiesce()


def _runtimes(index: int) -> list[NodeRuntime]:
    """A node's in all threads."""
    return [runtimes[thread * MAX_NODES + index] for thread in threads_in_use()]
