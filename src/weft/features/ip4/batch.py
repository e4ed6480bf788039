"""Changes to a table, made by packet code: many at a time, so that a hundred thousand take a moment."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from weft.core import arena, memory
from weft.core.counters import Cell
from weft.core.memory import fence
from weft.core.model import Invalid
from weft.core.node import routine
from weft.core.runtime import threads_in_use
from weft.core.view import View, i64, u8, u16, u32
from weft.features.fib.load_balance import assign, routes, to_counters, via_counters
from weft.features.fib.path import PathList
from weft.features.ip4.mtrie import MAX_PLIES, insert, pool, remove

if TYPE_CHECKING:
    from weft.core.engine import Engine

# Change.what
INSERT, REMOVE, ASSIGN = 1, 2, 3

CHUNK = 8192  #: changes at a time


class Change(View):
    """One change: a prefix comes or goes, or its load-balance leads elsewhere."""

    what: u8
    length: u8
    flags: u16
    prefix: u32
    load_balance: u32
    other: u32  # INSERT, ASSIGN: sw_if_index of the first path; REMOVE: the load-balance of the prefix around
    dpo: i64
    buckets: i64


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
def apply(fib_index: int, count: int, threads: int) -> int:
    """Make the first ``count`` of ``changes``, in their order."""
    for i in range(count):
        each = changes[i]
        index = each.load_balance
        if each.what == REMOVE:
            remove(fib_index, each.prefix, each.length, index, each.other)
        else:
            route = routes[index]
            route.length = each.length
            route.flags = each.flags
            route.sw_if_index = each.other
            assign(index, each.dpo, each.buckets)
            if each.what == INSERT:
                clear_counters(index, threads)
                fence()
                insert(fib_index, each.prefix, each.length, index)
    return count


class Batch:
    """Changes to one table that are to be made. ``commit`` makes them."""

    def __init__(self, engine: Engine, fib_index: int) -> None:
        self._engine, self.fib_index = engine, fib_index
        self._words = array("Q")

    def insert(self, address: int, length: int, index: int, paths: PathList) -> None:
        self._words.extend(
            (
                INSERT | length << 8 | paths.flags << 16 | address << 32,
                paths.sw_if_index << 32 | index,
                paths.dpo,
                paths.buckets,
            )
        )

    def assign(self, address: int, length: int, index: int, paths: PathList) -> None:
        self._words.extend(
            (
                ASSIGN | length << 8 | paths.flags << 16 | address << 32,
                paths.sw_if_index << 32 | index,
                paths.dpo,
                paths.buckets,
            )
        )

    def remove(self, address: int, length: int, index: int, cover: int) -> None:
        self._words.extend((REMOVE | length << 8 | address << 32, cover << 32 | index, 0, 0))

    @property
    def full(self) -> bool:
        return len(self._words) >= 4 * CHUNK

    def commit(self) -> None:
        """Make the changes. There is room for them: see ``check_room``."""
        count = len(self._words) // 4
        for start in range(0, count, CHUNK):
            part = self._words[4 * start : 4 * (start + CHUNK)]
            memory.write(changes.address, part.tobytes())
            self._engine.call(apply, self.fib_index, len(part) // 4, len(threads_in_use()))
        del self._words[:]


def check_room(count: int) -> None:
    """Raises Invalid if so many more prefixes might not find room."""
    if pool.count + 2 * count >= MAX_PLIES:
        raise Invalid("the IPv4 tables are full", "TABLE_TOO_BIG")


assert Change.size == 32
