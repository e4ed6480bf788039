"""Longest-prefix match: a trie that goes by bytes, and past those at which its prefixes do not part.

The first step is 16 bits at once. Below it a leaf (i32) is the number of a route or, if it is negative, leads to a ply
of ``ip/ply.py``: the line's number, and in the bits above it which byte of the address chooses among the ply's leaves.
Bytes between are not looked at on the way down. So a lookup reads a line or two for each byte at which prefixes part,
few however long they are: ten thousand hosts of a subnet are two plies below the first step. (A hash by prefix length,
as VPP has, reads a line for each length that is in use, and a table of the Internet's routes uses forty.)

Because bytes are passed over, the address is compared in the end with what all addresses of the last ply begin with
(``regions``); that costs a line, which all routes of the ply share. If it begins otherwise, it parts from the trie's
prefixes at a byte that was passed over, and ``careful`` looks again: ``covers`` has for each ply the route of those
that come to it and begin otherwise.

A ply is made beside the one that it replaces, and linked with a single store; see ``ip/ply.py``.
"""

from __future__ import annotations

from weft.core import arena
from weft.core.graph import MAX_INTERFACES
from weft.core.memory import fence, shift_right
from weft.core.node import inline, routine
from weft.core.view import View, i32, i64
from weft.features.fib.load_balance import length_of
from weft.features.ip.ply import (
    LEAVES,
    MAX_FIBS,
    MAX_LINES,
    ROOT_BITS,
    Leaves,
    compress,
    expand,
    leaf_of,
    ply_of,
    retire,
    slot_of,
)
from weft.features.ip6.header import Ip6Address, Octets

LINE_BITS = 25
assert MAX_LINES == 1 << LINE_BITS
NUMBER = MAX_LINES - 1
BYTES = 16
BITS = 128


class Region(View):
    """What a ply's addresses begin with: the bits, and which of them count."""

    high: i64
    low: i64
    mask_high: i64
    mask_low: i64


#: A table's first step; behind all tables one leaf for each interface: the root of its link-local table.
roots = arena.table("ip6-roots", i32, (MAX_FIBS << ROOT_BITS) + MAX_INTERFACES)
regions = arena.table("ip6-ply-regions", Region, MAX_LINES)
covers = arena.table("ip6-ply-covers", i32, MAX_LINES)
#: The prefix that is being entered or taken out.
wanted = arena.root("ip6-wanted", Ip6Address)
#: Plies at length, by how deep they are, while they are being changed.
scratch = arena.table("ip6-leaves", Leaves, BYTES + 1)


@inline
def byte_of(link: int) -> int:
    """Which byte of an address chooses among the leaves of the ply that a negative leaf leads to."""
    return -link >> LINE_BITS


@inline
def number_of(link: int) -> int:
    """The number of that ply's first line."""
    return -link & NUMBER


@inline
def begins(address: Ip6Address, region: Region) -> int:
    """Whether an address begins as those of a ply do."""
    high = (address.high ^ region.high) & region.mask_high
    return high | ((address.low ^ region.low) & region.mask_low) == 0


@inline
def lookup(fib_index: int, address: Ip6Address) -> int:
    """The route of the longest prefix of a table that an address lies in."""
    return look_below(roots[(fib_index << ROOT_BITS) + shift_right(address.high, 64 - ROOT_BITS)], address)


@inline
def lookup_on_link(sw_if_index: int, address: Ip6Address) -> int:
    """The same in the table of an interface's link-local addresses."""
    return look_below(roots[(MAX_FIBS << ROOT_BITS) + sw_if_index], address)


@inline
def look_below(start: int, address: Ip6Address) -> int:
    if start >= 0:
        return start
    octets = Octets(address.address).bytes
    leaf = start
    link = start
    while leaf < 0:
        link = leaf
        leaf = leaf_of(-number_of(link), octets[byte_of(link)])
    return leaf if begins(address, regions[number_of(link)]) else careful(start, address)


@routine
def careful(start: int, address: Ip6Address) -> int:
    """The route of an address, every byte of which is looked at."""
    leaf = start
    octets = Octets(address.address).bytes
    while leaf < 0:
        if begins(address, regions[number_of(leaf)]) == 0:
            return covers[number_of(leaf)]
        leaf = leaf_of(-number_of(leaf), octets[byte_of(leaf)])
    return leaf


@routine
def parts_at(region: Region, address: Ip6Address, end: int) -> int:
    """The first byte before ``end`` in which an address differs from a ply's; ``end`` if none does."""
    high = region.high ^ address.high
    low = region.low ^ address.low
    for at in range(end):
        word = high if at < 8 else low
        if (word >> (56 - (at & 7) * 8)) & 0xFF:
            return at
    return end


@routine
def find(fib_index: int, high: int, low: int) -> int:
    """``lookup`` for Python."""
    wanted.high = high
    wanted.low = low
    return lookup(fib_index, wanted)


# --- changes; of the main thread


@inline
def upper_bits(count: int) -> int:
    """A word whose ``count`` upper bits are set."""
    if count <= 0:
        return 0
    return -1 if count >= 64 else -1 << (64 - count)


@inline
def octet(high: int, low: int, at: int) -> int:
    """A byte of an address."""
    return ((high if at < 8 else low) >> (56 - (at & 7) * 8)) & 0xFF


@routine
def linked(leaves: Leaves, at: int, cover: int, high: int, low: int) -> int:
    """The leaf that leads to a new ply of these leaves, of which byte ``at`` of an address chooses one, whose addresses
    begin as this one; the leaf itself if all are one.
    """
    made = compress(leaves)
    if made >= 0:
        return made
    region = regions[-made]
    region.mask_high = upper_bits(8 * at)
    region.mask_low = upper_bits(8 * at - 64)
    region.high = high & region.mask_high
    region.low = low & region.mask_low
    covers[-made] = cover
    fence()
    return made - (at << LINE_BITS)


@inline
def paints(leaf: int, length: int, old: int) -> int:
    """Whether a leaf goes over to a prefix that comes (``old`` is -1), or is the route ``old``, which goes."""
    return length_of[leaf] <= length if old < 0 else leaf == old


@routine
def paint(link: int, length: int, old: int, new: int, depth: int) -> int:
    """What becomes of a ply that lies wholly in a prefix which comes or goes, and of all below it."""
    number = number_of(link)
    if paints(covers[number], length, old):
        covers[number] = new
    leaves = scratch[depth]
    expand(-number, leaves)
    if paint_some(leaves, 0, LEAVES, length, old, new, depth) == 0:
        return link
    made = linked(leaves, byte_of(link), covers[number], regions[number].high, regions[number].low)
    retire(-number)
    return made


@routine
def paint_some(leaves: Leaves, first: int, count: int, length: int, old: int, new: int, depth: int) -> int:
    """The same for leaves of a ply at length, and what is below them. Whether one has changed."""
    changed = 0
    for at in range(first, first + count):
        leaf = leaves.leaves[at]
        if leaf < 0:
            made = paint(leaf, length, old, new, depth + 1)
        else:
            made = new if paints(leaf, length, old) else leaf
        leaves.leaves[at] = made
        changed |= made != leaf
    return changed


@inline
def last_byte(length: int) -> int:
    """The byte in which a prefix ends."""
    return (length - 1) >> 3


@inline
def width(length: int) -> int:
    """How many values of that byte lie in the prefix."""
    return 1 << (7 - ((length - 1) & 7))


@routine
def paint_wanted(leaves: Leaves, length: int, old: int, new: int, depth: int) -> int:
    """Paint those leaves of the ply in which ``wanted`` ends that lie in it."""
    first = octet(wanted.high, wanted.low, last_byte(length))
    return paint_some(leaves, first, width(length), length, old, new, depth)


@routine
def place(here: int, length: int, route: int, depth: int) -> int:
    """What a leaf becomes when the prefix ``wanted`` is entered, which is longer than the way to the leaf."""
    last = last_byte(length)
    leaves = scratch[depth]
    if here >= 0:
        expand(here, leaves)
        paint_wanted(leaves, length, -1, route, depth)
        return linked(leaves, last, here, wanted.high, wanted.low)
    region = regions[number_of(here)]
    at = parts_at(region, wanted, min(byte_of(here), last))
    if at < byte_of(here):
        # The prefix parts from the ply's addresses before these part from one another: a ply in front.
        cover = covers[number_of(here)]
        expand(cover, leaves)
        leaves.leaves[octet(region.high, region.low, at)] = here
        if at == last:
            paint_wanted(leaves, length, -1, route, depth)
        else:
            leaves.leaves[octet(wanted.high, wanted.low, at)] = place(cover, length, route, depth + 1)
        return linked(leaves, at, cover, wanted.high, wanted.low)
    if at == last:
        expand(-number_of(here), leaves)
        changed = paint_wanted(leaves, length, -1, route, depth)
        return relinked(here, leaves, changed)
    below = child(here)
    return exchange(here, below, place(below, length, route, depth + 1), leaves)


@inline
def child(here: int) -> int:
    """The leaf of a ply to which ``wanted`` leads."""
    return leaf_of(-number_of(here), octet(wanted.high, wanted.low, byte_of(here)))


@routine
def exchange(here: int, below: int, made: int, leaves: Leaves) -> int:
    """What leads to a ply when its leaf for ``wanted`` is another. A link is a run of its own: it can be exchanged
    where it is.
    """
    if made == below:
        return here
    at = octet(wanted.high, wanted.low, byte_of(here))
    if below < 0 and made < 0:
        ply = ply_of(-number_of(here))
        ply.slots[slot_of(ply, at)] = made
        return here
    expand(-number_of(here), leaves)
    leaves.leaves[at] = made
    return relinked(here, leaves, 1)


@routine
def relinked(here: int, leaves: Leaves, changed: int) -> int:
    """What leads to a ply when its leaves are these. A ply in which no prefix parts from another is left out."""
    region = regions[number_of(here)]
    cover = covers[number_of(here)]
    links = 0
    only = 0
    others = 0
    for at in range(LEAVES):
        leaf = leaves.leaves[at]
        if leaf < 0:
            links += 1
            only = leaf
        elif leaf != cover:
            others += 1
    if links == 1 and others == 0 and covers[number_of(only)] == cover:
        made = only
    elif changed:
        made = linked(leaves, byte_of(here), cover, region.high, region.low)
    else:
        return here
    retire(-number_of(here))
    return made


@routine
def take_out(here: int, length: int, route: int, cover: int, depth: int) -> int:
    """What a leaf becomes when the prefix ``wanted``, which is below it, goes."""
    if here >= 0:
        return here
    last = last_byte(length)
    leaves = scratch[depth]
    if byte_of(here) == last:
        expand(-number_of(here), leaves)
        changed = paint_wanted(leaves, length, route, cover, depth)
        return relinked(here, leaves, changed)
    if byte_of(here) > last:
        return paint(here, length, route, cover, depth)
    below = child(here)
    return exchange(here, below, take_out(below, length, route, cover, depth + 1), leaves)


@inline
def root_slot(fib_index: int) -> int:
    """Where the first step finds ``wanted``, if its prefix is longer than that step."""
    if fib_index >= MAX_FIBS:
        return (MAX_FIBS << ROOT_BITS) + fib_index - MAX_FIBS
    return (fib_index << ROOT_BITS) + shift_right(wanted.high, 64 - ROOT_BITS)


@inline
def root_slots(fib_index: int, length: int) -> int:
    """How many leaves of the first step a prefix has that is not longer."""
    return 1 if fib_index >= MAX_FIBS else 1 << (ROOT_BITS - length)


@routine
def insert(fib_index: int, length: int, route: int) -> int:
    """Enter the prefix ``wanted``, which is not there; ``length_of[route]`` is set."""
    first = root_slot(fib_index)
    if length > ROOT_BITS:
        roots[first] = place(roots[first], length, route, 0)
        return 0
    for at in range(first, first + root_slots(fib_index, length)):
        here = roots[at]
        if here < 0:
            roots[at] = paint(here, length, -1, route, 0)
        elif length_of[here] <= length:
            roots[at] = route
    return 0


@routine
def remove(fib_index: int, length: int, route: int, cover: int) -> int:
    """Take the prefix ``wanted`` out; ``cover`` is the route of the longest prefix around it."""
    first = root_slot(fib_index)
    if length > ROOT_BITS:
        roots[first] = take_out(roots[first], length, route, cover, 0)
        return 0
    for at in range(first, first + root_slots(fib_index, length)):
        here = roots[at]
        if here < 0:
            roots[at] = paint(here, length, route, cover, 0)
        elif here == route:
            roots[at] = cover
    return 0


@routine
def unlink(link: int, depth: int) -> int:
    """A ply and all below it are used no more."""
    leaves = scratch[depth]
    expand(-number_of(link), leaves)
    for at in range(LEAVES):
        if leaves.leaves[at] < 0:
            unlink(leaves.leaves[at], depth + 1)
    retire(-number_of(link))
    return 0


@routine
def empty(fib_index: int) -> int:
    """Unlink all plies of a table that nobody looks in any more."""
    wanted.high = 0
    first = root_slot(fib_index)
    for at in range(first, first + root_slots(fib_index, 0)):
        if roots[at] < 0:
            unlink(roots[at], 0)
            roots[at] = 0
    return 0
