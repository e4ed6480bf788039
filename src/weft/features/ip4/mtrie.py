"""Longest-prefix match: a trie of three steps, 16, 8 and 8 bits, whose leaves are load-balances.

A leaf (i32) is the index of a load-balance, or, if it is negative, the number of a ply of 256 leaves for the next eight
bits. Each prefix owns the leaves that it covers and no longer prefix does. The main thread changes leaves by single
stores, and fills a ply before it links it; plies that have been unlinked are used again after the workers have let go.
"""

from __future__ import annotations

from weft.core import arena
from weft.core.memory import fence
from weft.core.node import inline, routine
from weft.core.view import Array, View, i32, i64, times, u32
from weft.features.fib.load_balance import routes

MAX_FIBS = 4096
MAX_PLIES = 1 << 22
ROOT_BITS = 16
ROOT = 1 << ROOT_BITS
LEAVES = 256
PLY = 0x7FFFFFFF  #: of a leaf that is negative: the ply's number
LINK = 1 << 31


class Ply(View):
    """The leaves of eight more bits."""

    leaves: Array[i32] = times(LEAVES)


class PlyPool(View):
    """Plies that are free, and those that will be when the workers have let go of them."""

    used: i64  # so many have ever been in use
    free: i64  # chain of free ones, by number; 0: none (number 0 is never used)
    retired: i64
    count: i64  # in use now


class PlyState(View):
    """What only the main thread wants to know of a ply."""

    owned: u32  # leaves that are links, or belong to prefixes longer than the ply's own
    next: u32  # in a chain


roots = arena.table("ip4-roots", i32, MAX_FIBS << ROOT_BITS)
plies = arena.table("ip4-plies", Ply, MAX_PLIES)
states = arena.table("ip4-ply-states", PlyState, MAX_PLIES)
pool = arena.root("ip4-ply-pool", PlyPool)


@inline
def lookup(fib_index: int, address: int) -> int:
    """The load-balance of the longest prefix of a table that an address (a number) lies in."""
    leaf = roots[(fib_index << ROOT_BITS) + (address >> 16)]
    if leaf < 0:
        leaf = plies[leaf & PLY].leaves[(address >> 8) & 0xFF]
        if leaf < 0:
            leaf = plies[leaf & PLY].leaves[address & 0xFF]
    return leaf


@routine
def find(fib_index: int, address: int) -> int:
    """``lookup`` for Python."""
    return lookup(fib_index, address)


# --- changes; of the main thread


@routine
def take_ply(leaf: int) -> int:
    """The number of a ply all of whose leaves are ``leaf``."""
    number = pool.free
    if number != 0:
        pool.free = states[number].next
    else:
        pool.used = pool.used + 1
        number = pool.used
    pool.count = pool.count + 1
    states[number].owned = 0
    ply = plies[number]
    for i in range(LEAVES):
        ply.leaves[i] = leaf
    fence()
    return number


@inline
def retire(number: int) -> None:
    """The ply is linked no more."""
    states[number].next = pool.retired
    pool.retired = number
    pool.count = pool.count - 1


@routine
def recycle() -> int:
    """The workers have let go of all that is retired."""
    while pool.retired != 0:
        number = pool.retired
        pool.retired = states[number].next
        states[number].next = pool.free
        pool.free = number
    return 0


@inline
def change(number: int, at: int, length: int, base: int, leaf: int) -> None:
    """Set a leaf of a ply whose prefix is ``base`` long, and keep count of whose leaves it has."""
    ply = plies[number]
    state = states[number]
    state.owned = state.owned + (length > base) - (routes[ply.leaves[at]].length > base)
    ply.leaves[at] = leaf


@routine
def cover_last(number: int, first: int, count: int, length: int, leaf: int) -> int:
    """Give leaves of a ply of the last step to a prefix, except those of longer ones."""
    ply = plies[number]
    for at in range(first, first + count):
        if routes[ply.leaves[at]].length <= length:
            change(number, at, length, 24, leaf)
    return 0


@routine
def cover_middle(number: int, first: int, count: int, length: int, leaf: int) -> int:
    """The same in a ply of the middle step, and in all below it."""
    ply = plies[number]
    for at in range(first, first + count):
        here = ply.leaves[at]
        if here < 0:
            cover_last(here & PLY, 0, LEAVES, length, leaf)
        elif routes[here].length <= length:
            change(number, at, length, 16, leaf)
    return 0


@routine
def insert(fib_index: int, address: int, length: int, leaf: int) -> int:
    """Enter a prefix that is not there. ``routes[leaf].length`` is set; there are two plies left at least."""
    first = (fib_index << ROOT_BITS) + (address >> 16)
    if length <= 16:
        for at in range(first, first + (1 << (16 - length))):
            here = roots[at]
            if here < 0:
                cover_middle(here & PLY, 0, LEAVES, length, leaf)
            elif routes[here].length <= length:
                roots[at] = leaf
        return 0
    if roots[first] >= 0:
        roots[first] = take_ply(roots[first]) | LINK
    middle = roots[first] & PLY
    at = (address >> 8) & 0xFF
    if length <= 24:
        return cover_middle(middle, at, 1 << (24 - length), length, leaf)
    here = plies[middle].leaves[at]
    if here >= 0:
        made = take_ply(here)
        if routes[here].length <= 16:
            states[middle].owned = states[middle].owned + 1
        here = made | LINK
        plies[middle].leaves[at] = here
    return cover_last(here & PLY, address & 0xFF, 1 << (32 - length), length, leaf)


@routine
def uncover_last(number: int, first: int, count: int, leaf: int, cover: int) -> int:
    """Give leaves of a ply of the last step back to the prefix around."""
    ply = plies[number]
    for at in range(first, first + count):
        if ply.leaves[at] == leaf:
            change(number, at, routes[cover].length, 24, cover)
    return 0


@routine
def uncover_middle(number: int, first: int, count: int, leaf: int, cover: int) -> int:
    """The same in a ply of the middle step; plies below that nobody needs any more go."""
    ply = plies[number]
    for at in range(first, first + count):
        here = ply.leaves[at]
        if here < 0:
            below = here & PLY
            uncover_last(below, 0, LEAVES, leaf, cover)
            collapse(number, at, below)
        elif here == leaf:
            change(number, at, routes[cover].length, 16, cover)
    return 0


@routine
def collapse(middle: int, at: int, below: int) -> int:
    """Replace a ply of the last step by a leaf, if all of it belongs to one prefix that is not longer than it."""
    if states[below].owned == 0:
        here = plies[below].leaves[0]
        plies[middle].leaves[at] = here
        if routes[here].length <= 16:
            states[middle].owned = states[middle].owned - 1
        retire(below)
    return 0


@routine
def remove(fib_index: int, address: int, length: int, leaf: int, cover: int) -> int:
    """Take a prefix out; ``cover`` is the load-balance of the longest prefix around it."""
    first = (fib_index << ROOT_BITS) + (address >> 16)
    if length <= 16:
        for at in range(first, first + (1 << (16 - length))):
            here = roots[at]
            if here == leaf:
                roots[at] = cover
            elif here < 0:
                uncover_middle(here & PLY, 0, LEAVES, leaf, cover)
                collapse_root(at, here & PLY)
        return 0
    middle = roots[first] & PLY
    at = (address >> 8) & 0xFF
    if length <= 24:
        uncover_middle(middle, at, 1 << (24 - length), leaf, cover)
    else:
        below = plies[middle].leaves[at] & PLY
        uncover_last(below, address & 0xFF, 1 << (32 - length), leaf, cover)
        collapse(middle, at, below)
    return collapse_root(first, middle)


@routine
def collapse_root(at: int, middle: int) -> int:
    """The same for a ply of the middle step."""
    if states[middle].owned == 0:
        roots[at] = plies[middle].leaves[0]
        retire(middle)
    return 0


@routine
def empty(fib_index: int) -> int:
    """Unlink all plies of a table that nobody looks in any more."""
    for at in range(fib_index << ROOT_BITS, (fib_index + 1) << ROOT_BITS):
        here = roots[at]
        if here < 0:
            middle = here & PLY
            for i in range(LEAVES):
                if plies[middle].leaves[i] < 0:
                    retire(plies[middle].leaves[i] & PLY)
            retire(middle)
            roots[at] = 0
    return 0
