"""Load-balances: what a lookup finds. One for each route, with one way on or buckets of several.

The ways of a prefix stand in its load-balance itself if there is one, else in a block of buckets that all routes with
the same paths share. Changing either is one store of eight bytes, so forwarding never waits.
"""

from __future__ import annotations

from weft.core import arena
from weft.core.counters import combined
from weft.core.memory import atomic_store
from weft.core.node import inline, routine
from weft.core.view import Array, View, i64, times, u8, u16, u32

MAX_ROUTES = 1 << 21
MAX_BUCKETS = 1024


class Dpo(View):
    """Where packets go on (VPP's data-path object): a node, and what it is to know them by."""

    next: u32  # DIRECT | node
    index: u32


class Buckets(View):
    """The ways on of routes with several paths."""

    mask: u32  # their number, a power of two, less one
    pad: u32
    dpos: Array[Dpo] = times(0)


class LoadBalance(View):
    """A route as packets see it. Index 0 is never a route: it drops."""

    next: u32  # as Dpo, if there is one way on
    index: u32
    buckets: i64  # 0, or the address of Buckets


class LoadBalanceWords(View):
    """The same, as it is written."""

    dpo: i64
    buckets: i64


# Route.flags
CONNECTED = 1 << 0  #: a subnet of an interface
ATTACHED = 1 << 1  #: hosts that are reached without a router
LOCAL = 1 << 2  #: an address of this machine
DROPS = 1 << 3  #: nobody is reached by it


class Route(View):
    """What is known of a load-balance beside where it leads: for lookups that do not forward."""

    length: u8  # of the prefix
    flags: u8
    pad: u16
    sw_if_index: u32  # of its first path; all ones: none


load_balances = arena.table("load-balances", LoadBalance, MAX_ROUTES)
routes = arena.table("routes", Route, MAX_ROUTES)
#: Packets and bytes that routes have forwarded; ``via``: packets that this machine has made itself.
to_counters = combined("/net/route/to", MAX_ROUTES)
via_counters = combined("/net/route/via", MAX_ROUTES)

BUCKETS_OFFSET = LoadBalance.fields["buckets"].offset


@inline
def choose(lb: LoadBalance, flow_hash: int) -> Dpo:
    """The bucket of a flow, where there are several."""
    block = Buckets(lb.buckets)
    return block.dpos[flow_hash & block.mask]


@routine
def assign(index: int, dpo: int, buckets: int) -> int:
    """Let a load-balance lead elsewhere. Whoever sees no buckets sees the new way on."""
    words = LoadBalanceWords(load_balances[index].address)
    atomic_store(words.address, dpo)
    atomic_store(words.address + BUCKETS_OFFSET, buckets)
    return 0


class IndexAt(View):
    """One of the indices that ``assign_many`` gets."""

    value: u32


@routine
def assign_many(indices: int, count: int, dpo: int, buckets: int, flags: int) -> int:
    """Let ``count`` load-balances, whose indices (u32) stand at ``indices``, lead elsewhere."""
    for i in range(count):
        index = IndexAt(indices + 4 * i).value
        assign(index, dpo, buckets)
        routes[index].flags = flags
    return count


def spread(weights: list[int]) -> list[int]:
    """How many buckets each path gets: a power of two in all, as few as match the weights to a tenth."""
    total = sum(weights)
    size = 1
    while size < len(weights):
        size *= 2
    while True:
        shares = [size * weight / total for weight in weights]
        counts = [max(1, int(share)) for share in shares]
        order = sorted(range(len(weights)), key=lambda position: counts[position] - shares[position])
        for position in order[: max(0, size - sum(counts))]:
            counts[position] += 1
        while sum(counts) > size:
            counts[max(range(len(counts)), key=lambda position: counts[position] - shares[position])] -= 1
        wrong = sum(abs(count - share) for count, share in zip(counts, shares, strict=True)) / size
        if wrong <= 0.1 or size >= MAX_BUCKETS:
            return counts
        size *= 2
