"""Old neighbors: they are asked whether they are still there, and go if they do not answer.

Each family has its dynamic neighbors in a heap by when they were last heard of. Workers note what they hear in the
table only, so the heap is behind: what comes out of it is looked up and, if it was heard of since, put back.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weft.core.engine import Engine
    from weft.core.timers import Timer
    from weft.features.neighbor.neighbors import Neighbor, Neighbors

PROBES = 3  #: as VPP: unanswered, a second apart, before a neighbor is given up
PROBED_AT_ONCE = 512  #: neighbors of a family


class Ageing:
    """Who is to be asked, and who has been asked how often."""

    def __init__(self, engine: Engine, neighbors: Neighbors) -> None:
        self._engine, self._neighbors = engine, neighbors
        #: Family -> what asks a neighbor whether it is there.
        self.probe: dict[str, Callable[[Neighbor], None]] = {}
        self._oldest: dict[str, list[tuple[int, int, Neighbor]]] = {"ip4": [], "ip6": []}
        self._numbers = itertools.count()
        self._present: set[Neighbor] = set()
        self._asked: dict[str, dict[Neighbor, int]] = {"ip4": {}, "ip6": {}}
        self._timers: dict[str, Timer] = {}

    def add(self, neighbor: Neighbor) -> None:
        """A dynamic neighbor has come."""
        self._present.add(neighbor)
        self._push(neighbor)

    def remove(self, neighbor: Neighbor) -> None:
        """A neighbor goes. Its place in the heap is left until it comes out."""
        self._present.discard(neighbor)
        self._asked[neighbor.family].pop(neighbor, None)
        heap = self._oldest[neighbor.family]
        if len(heap) > 1024 and len(heap) > 4 * len(self._present):
            heap[:] = [each for each in heap if each[2] in self._present]
            heapq.heapify(heap)

    def recycle(self, family: str) -> bool:
        """Delete the neighbor that was heard of longest ago; False if all are static."""
        oldest = self._pop(family)
        if oldest is None:
            oldest = next(iter(self._asked[family]), None)
        if oldest is None:
            return False
        self._neighbors.discard(oldest)
        return True

    def reconfigured(self, family: str) -> None:
        """The age limit may have changed."""
        wanted = self._neighbors.config[family].age > 0
        if wanted and family not in self._timers:
            self._timers[family] = self._engine.timers.every(1.0, lambda: self._run(family))
        elif not wanted and family in self._timers:
            self._timers.pop(family).cancel()
            for neighbor in self._asked[family]:
                self._push(neighbor)
            self._asked[family].clear()

    def _push(self, neighbor: Neighbor) -> None:
        heapq.heappush(self._oldest[neighbor.family], (neighbor.entry.updated, next(self._numbers), neighbor))

    def _pop(self, family: str, before: int | None = None) -> Neighbor | None:
        """Take out the neighbor that was heard of longest ago, if that was before ``before`` (milliseconds)."""
        heap = self._oldest[family]
        while heap and (before is None or heap[0][0] < before):
            updated, _, neighbor = heapq.heappop(heap)
            if neighbor not in self._present or neighbor.static:
                continue
            if neighbor.entry.updated == updated:
                return neighbor
            self._push(neighbor)
        return None

    def _run(self, family: str) -> None:
        """Once a second: ask those who are too old, give up those who have not answered."""
        limit = int((self._engine.timers.seconds - self._neighbors.config[family].age) * 1000)
        asked = self._asked[family]
        for neighbor, probes in list(asked.items()):
            if neighbor.entry.updated >= limit or neighbor.static:
                del asked[neighbor]
                self._push(neighbor)
            elif probes >= PROBES:
                self._engine.log.info("neighbor %s has not answered and is forgotten", neighbor)
                self._neighbors.discard(neighbor)
            else:
                self._ask(neighbor, probes)
        while len(asked) < PROBED_AT_ONCE and (old := self._pop(family, limit)) is not None:
            self._ask(old, 0)

    def _ask(self, neighbor: Neighbor, before: int) -> None:
        self._asked[neighbor.family][neighbor] = before + 1
        probe = self.probe.get(neighbor.family)
        if probe is not None:
            probe(neighbor)
