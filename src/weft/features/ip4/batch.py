"""Changes to a table, made by packet code: many at a time, so that a hundred thousand take a moment."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from weft.core import arena, memory
from weft.core.counters import Cell
from weft.core.memory import fence
from weft.core.node import routine
from weft.core.runtime import threads_in_use
from weft.core.view import View, u8, u16, u32
from weft.features.fib.load_balance import balance_of, length_of, to_counters, via_counters
from weft.features.fib.path import PathList
from weft.features.ip4.mtrie import MOST_RETIRED, insert, pool, recycle, remove

if TYPE_CHECKING:
    from weft.core.engine import Engine

# Change.what
INSERT, REMOVE, ASSIGN = 1, 2, 3

CHUNK = 8192  #: changes at a time


class Change(View):
    """One change: a prefix comes or goes, or its route leads elsewhere."""

    what: u8
    length: u8
    pad: u16
    prefix: u32
    route: u32
    other: u32  # INSERT, ASSIGN: the load-balance; REMOVE: the route of the prefix around


changes = arena.table("ip4-changes", Change, CHUNK)


@routine
def clear_counters(index: int, threads: int) -> int:
    """A route starts at zero."""
    for thread in range(threads):
        for half in range(2):
            Cell(to_counters.vectors[thread] + (index << 4) + (half << 3)).count = 0
            Cell(via_counters.vectors[thread] + (index << 4) + (half << 3)).count = 0
    return 0


@routine
def apply(fib_index: int, start: int, count: int, threads: int) -> int:
    """Make ``changes`` from ``start`` to ``count``, in their order; how many are made now. There may be more to be
    done after ``recycle``.
    """
    for i in range(start, count):
        if pool.retired_lines > MOST_RETIRED:
            return i
        each = changes[i]
        route = each.route
        if each.what == REMOVE:
            remove(fib_index, each.prefix, each.length, route, each.other)
        else:
            balance_of[route] = each.other
            if each.what == INSERT:
                length_of[route] = each.length
                clear_counters(route, threads)
                fence()
                insert(fib_index, each.prefix, each.length, route)
    return count


class Batch:
    """Changes to one table that are to be made. ``commit`` makes them."""

    def __init__(self, engine: Engine, fib_index: int) -> None:
        self._engine, self.fib_index = engine, fib_index
        self._words = array("Q")

    def insert(self, address: int, length: int, route: int, paths: PathList) -> None:
        self._words.extend((INSERT | length << 8 | address << 32, paths.index << 32 | route))

    def assign(self, address: int, length: int, route: int, paths: PathList) -> None:
        self._words.extend((ASSIGN | length << 8 | address << 32, paths.index << 32 | route))

    def remove(self, address: int, length: int, route: int, cover: int) -> None:
        self._words.extend((REMOVE | length << 8 | address << 32, cover << 32 | route))

    @property
    def full(self) -> bool:
        return len(self._words) >= 2 * CHUNK

    def commit(self) -> None:
        """Make the changes."""
        engine, threads = self._engine, len(threads_in_use())
        for start in range(0, len(self._words), 2 * CHUNK):
            part = self._words[start : start + 2 * CHUNK]
            memory.write(changes.address, part.tobytes())
            done = engine.call(apply, self.fib_index, 0, len(part) // 2, threads)
            while done < len(part) // 2:
                engine.workers.quiesce()
                engine.call(recycle)
                done = engine.call(apply, self.fib_index, done, len(part) // 2, threads)
        del self._words[:]


assert Change.size == 16
