"""The trie's changes, made by packet code: many at a time."""

from __future__ import annotations

from weft.core import arena
from weft.core.node import routine
from weft.features.ip.lpm import CHUNK, REMOVE, Change, Code, Lpm, publish
from weft.features.ip.ply import MAX_FIBS, MOST_RETIRED, ROOT_BITS, pool
from weft.features.ip6.trie import empty, insert, remove, roots, wanted

changes = arena.table("ip6-changes", Change, CHUNK)


@routine
def apply(fib_index: int, start: int, count: int, threads: int) -> int:
    """Make ``changes`` from ``start`` to ``count``, in their order; how many are made now. There may be more to be
    done after ``recycle``.
    """
    for i in range(start, count):
        if pool.retired_lines > MOST_RETIRED:
            return i
        each = changes[i]
        wanted.high = each.high
        wanted.low = each.low
        if each.what == REMOVE:
            remove(fib_index, each.length, each.route, each.other)
        elif publish(each, threads):
            insert(fib_index, each.length, each.route)
    return count


class Trie6(Lpm):
    """The trie of one table; of a link-local one, whose number is MAX_FIBS and its interface's, the first step has one
    leaf.
    """

    code = Code(apply, empty, changes)

    @property
    def root(self) -> int:
        at = self.fib_index << ROOT_BITS
        if self.fib_index >= MAX_FIBS:
            at = (MAX_FIBS << ROOT_BITS) + self.fib_index - MAX_FIBS
        return int(roots.address) + 4 * at
