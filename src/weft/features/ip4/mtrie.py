"""Longest-prefix match: a trie of three steps, 16, 8 and 8 bits, whose leaves are routes.

A leaf (i32) is the number of a route, or, if it is negative, leads to a *ply*: the 256 leaves of the next eight bits,
of ``ip/ply.py``. Each prefix owns the leaves that it covers and no longer prefix does.
"""

from __future__ import annotations

from weft.core import arena
from weft.core.node import inline, routine
from weft.core.view import i32
from weft.features.fib.load_balance import length_of
from weft.features.ip.ply import (
    LEAVES,
    MAX_FIBS,
    ROOT_BITS,
    Leaves,
    compress,
    expand,
    leaf_of,
    ply_of,
    retire,
    slot_of,
)

roots = arena.table("ip4-roots", i32, MAX_FIBS << ROOT_BITS)
middle_leaves = arena.root("ip4-middle-leaves", Leaves)
last_leaves = arena.root("ip4-last-leaves", Leaves)


@inline
def lookup(fib_index: int, address: int) -> int:
    """The route of the longest prefix of a table that an address (a number) lies in."""
    leaf = roots[(fib_index << ROOT_BITS) + (address >> 16)]
    if leaf < 0:
        leaf = leaf_of(leaf, (address >> 8) & 0xFF)
        if leaf < 0:
            leaf = leaf_of(leaf, address & 0xFF)
    return leaf


@routine
def find(fib_index: int, address: int) -> int:
    """``lookup`` for Python."""
    return lookup(fib_index, address)


# --- prefixes; of the main thread


NOBODY = -1


@inline
def gives(old: int, length: int, taken: int) -> int:
    """Whether a leaf changes: one of ``taken`` does, if that is taken out; else one whose prefix is no longer."""
    return length_of[old] <= length if taken == NOBODY else old == taken


@routine
def change_last(here: int, first: int, count: int, length: int, taken: int, leaf: int) -> int:
    """What a leaf of the middle step becomes when those below it that give way go to another prefix."""
    expand(here, last_leaves)
    leaves = last_leaves.leaves
    changed = 0
    for at in range(first, first + count):
        if gives(leaves[at], length, taken):
            leaves[at] = leaf
            changed = 1
    if changed == 0:
        return here
    made = compress(last_leaves)
    retire(here)
    return made


@routine
def change_middle(here: int, first: int, count: int, length: int, taken: int, leaf: int) -> int:
    """The same for a leaf of the root, and all below it."""
    expand(here, middle_leaves)
    leaves = middle_leaves.leaves
    changed = 0
    for at in range(first, first + count):
        old = leaves[at]
        if old < 0:
            made = change_last(old, 0, LEAVES, length, taken, leaf)
        else:
            made = leaf if gives(old, length, taken) else old
        leaves[at] = made
        changed |= made != old
    return replace(here, changed)


@routine
def replace(here: int, changed: int) -> int:
    """What a leaf of the root becomes when those in ``middle_leaves`` have changed."""
    if changed == 0:
        return here
    made = compress(middle_leaves)
    retire(here)
    return made


@routine
def change(fib_index: int, address: int, length: int, taken: int, leaf: int) -> int:
    """Enter a prefix that is not there, of which ``length_of[leaf]`` is set (``taken``: NOBODY). Or take the one of
    ``taken`` out; ``leaf`` is the route of the longest prefix around it then.
    """
    first = (fib_index << ROOT_BITS) + (address >> 16)
    if length <= 16:
        for at in range(first, first + (1 << (16 - length))):
            here = roots[at]
            if here < 0:
                roots[at] = change_middle(here, 0, LEAVES, length, taken, leaf)
            elif gives(here, length, taken):
                roots[at] = leaf
        return 0
    here = roots[first]
    at = (address >> 8) & 0xFF
    if length <= 24:
        roots[first] = change_middle(here, at, 1 << (24 - length), length, taken, leaf)
        return 0
    below = leaf_of(here, at) if here < 0 else here
    made = change_last(below, address & 0xFF, 1 << (32 - length), length, taken, leaf)
    return relink(first, at, below, made)


@routine
def relink(first: int, at: int, below: int, made: int) -> int:
    """Put another leaf into the middle step. A link to a ply is a run of its own: it can be exchanged where it is."""
    here = roots[first]
    if below < 0 and made < 0:
        ply = ply_of(here)
        ply.slots[slot_of(ply, at)] = made
        return 0
    expand(here, middle_leaves)
    middle_leaves.leaves[at] = made
    roots[first] = replace(here, made != below)
    return 0


@routine
def empty(fib_index: int) -> int:
    """Unlink all plies of a table that nobody looks in any more."""
    for at in range(fib_index << ROOT_BITS, (fib_index + 1) << ROOT_BITS):
        here = roots[at]
        if here < 0:
            expand(here, middle_leaves)
            for below in range(LEAVES):
                retire(middle_leaves.leaves[below])
            retire(here)
            roots[at] = 0
    return 0
