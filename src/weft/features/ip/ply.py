"""Plies: what tries are made of, the 256 leaves of eight bits, as runs of equal ones.

A leaf (i32) is the number of a route, or, if it is negative, leads to another ply. A ply has a bit for each leaf that
differs from the one before, and the value of each run. A ply of up to seven runs is one cache line, and so are most
plies of a large table.

Plies never change while workers can see them, but for the links in them. The main thread builds a new one beside the
old, and links it with a single store; what is not linked any more is used again after the workers have let go.
"""

from __future__ import annotations

from weft.core import arena
from weft.core.memory import count_bits, fence
from weft.core.node import inline, routine
from weft.core.view import Array, Bytes, View, i32, i64, times, u8, u32

MAX_FIBS = 4096  #: tables of a family
ROOT_BITS = 16  #: of an address, that the first step of a lookup goes by
ROOT = 1 << ROOT_BITS
LEAVES = 256
MAX_LINES = 1 << 25
LINE = 64
MOST_LINES = 17  #: of one ply: all its leaves differ
MOST_RETIRED = 1 << 22  #: lines; so many are never short


class Ply(View):
    """The leaves of eight more bits, as ``lookup`` reads them."""

    changes: Array[i64] = times(4)  # a bit for each leaf: it differs from the one before; the first always does
    slots: Array[i32] = times(0)  # slot 0 is PlyCounts.before; from 1 on the runs


class PlyCounts(View):
    """The same."""

    changes: Array[i64] = times(4)
    before: Array[u8] = times(4)  # changes in the words before each


class Line(View):
    """What plies are made of."""

    bytes: Bytes = times(LINE)


class Pool(View):
    """Lines of plies: those never used, chains of free plies by their size, and the chain of those that will be."""

    used: i64
    retired: i64
    retired_lines: i64
    live: i64  # lines of plies that are linked
    free: Array[u32] = times(MOST_LINES + 1)


class Leaves(View):
    """A ply at length, while it is being changed."""

    leaves: Array[i32] = times(LEAVES)


lines = arena.table("ply-lines", Line, MAX_LINES)
chain = arena.table("ply-chain", u32, MAX_LINES)
pool = arena.root("ply-pool", Pool)


@inline
def ply_of(link: int) -> Ply:
    """The ply that a negative leaf leads to."""
    return Ply(lines.address - (link << 6))


@inline
def slot_of(ply: Ply, at: int) -> int:
    """The slot of the run that the leaf belongs to."""
    word = at >> 6
    return PlyCounts(ply.address).before[word] + count_bits(ply.changes[word] << (63 - (at & 63)))


@inline
def leaf_of(link: int, at: int) -> int:
    """A leaf of the ply that a negative leaf leads to."""
    ply = ply_of(link)
    return ply.slots[slot_of(ply, at)]


# --- plies; of the main thread


@inline
def lines_for(runs: int) -> int:
    """How many lines a ply of so many runs takes."""
    return (36 + 4 * runs + LINE - 1) >> 6


@inline
def runs_of(ply: Ply) -> int:
    return slot_of(ply, LEAVES - 1)


@routine
def take(size: int) -> int:
    """The number of the first of so many lines in a row."""
    number = pool.free[size]
    if number != 0:
        pool.free[size] = chain[number]
    else:
        number = pool.used + 1
        pool.used = pool.used + size
    pool.live = pool.live + size
    return number


@routine
def retire(link: int) -> int:
    """A leaf leads to its ply no more, if it did."""
    if link < 0:
        size = lines_for(runs_of(ply_of(link)))
        chain[-link] = pool.retired
        pool.retired = -link
        pool.retired_lines = pool.retired_lines + size
        pool.live = pool.live - size
    return 0


@routine
def recycle() -> int:
    """The workers have let go of all that is retired."""
    while pool.retired != 0:
        number = pool.retired
        pool.retired = chain[number]
        size = lines_for(runs_of(ply_of(-number)))
        chain[number] = pool.free[size]
        pool.free[size] = number
    pool.retired_lines = 0
    return 0


@routine
def expand(leaf: int, into: Leaves) -> int:
    """Write a ply at length; that of a leaf which leads to none is the leaf 256 times."""
    leaves = into.leaves
    if leaf >= 0:
        for at in range(LEAVES):
            leaves[at] = leaf
        return 0
    ply = ply_of(leaf)
    slots = ply.slots
    slot = 0
    for word in range(4):
        changes = ply.changes[word]
        for bit in range(64):
            slot += (changes >> bit) & 1
            leaves[(word << 6) + bit] = slots[slot]
    return 0


@routine
def compress(source: Leaves) -> int:
    """The leaf that leads to a new ply of these leaves, ready to be linked; the leaf itself if all are one."""
    leaves = source.leaves
    runs = 1
    for at in range(1, LEAVES):
        runs += leaves[at] != leaves[at - 1]
    if runs == 1:
        return leaves[0]
    number = take(lines_for(runs))
    ply = ply_of(-number)
    slots = ply.slots
    counts = PlyCounts(ply.address).before
    last = 0
    slot = 0
    for word in range(4):
        counts[word] = slot
        changes = 0
        for bit in range(64):
            at = (word << 6) + bit
            leaf = leaves[at]
            if at == 0 or leaf != last:
                changes |= 1 << bit
                slot += 1
                slots[slot] = leaf
                last = leaf
        ply.changes[word] = changes
    fence()
    return -number
