"""The trie's changes, made by packet code: many at a time."""

from __future__ import annotations

from weft.core import arena
from weft.core.node import routine
from weft.features.ip.lpm import CHUNK, REMOVE, Change, Code, Lpm, publish
from weft.features.ip.ply import MOST_RETIRED, ROOT, pool
from weft.features.ip4.mtrie import NOBODY, change, empty, roots

changes = arena.table("ip4-changes", Change, CHUNK)


@routine
def apply(fib_index: int, start: int, count: int, threads: int) -> int:
    """Make ``changes`` from ``start`` to ``count``, in their order; how many are made now. There may be more to be
    done after ``recycle``.
    """
    for i in range(start, count):
        if pool.retired_lines > MOST_RETIRED:
            return i
        each = changes[i]
        if each.what == REMOVE:
            change(fib_index, each.low, each.length, each.route, each.other)
        elif publish(each, threads):
            change(fib_index, each.low, each.length, NOBODY, each.route)
    return count


class Trie(Lpm):
    """The trie of one table."""

    code = Code(apply, empty, changes)

    @property
    def root(self) -> int:
        return int(roots.address) + 4 * ROOT * self.fib_index
