"""Load-balances: where packets of a route go, one way on or buckets of several. Routes with the same paths share one.

What a lookup finds is a route; ``balance_of`` says which load-balance it has. A change of either is one store of at
most eight bytes, so forwarding never waits, and however many routes lead by a next hop, its changes cost the same.
"""

from __future__ import annotations

from weft.core import arena
from weft.core.counters import combined
from weft.core.memory import atomic_store, mix, prefetch, shift_right
from weft.core.node import inline, routine
from weft.core.view import Array, View, i64, times, u8, u32
from weft.features.fib.meta import IpMeta

MAX_ROUTES = 1 << 21
MAX_LOAD_BALANCES = 1 << 18
MAX_BUCKETS = 1024


class Dpo(View):
    """Where packets go on (VPP's data-path object): a node, and what it is to know them by."""

    next: u32  # DIRECT | node
    index: u32


class Buckets(View):
    """The ways on where there are several."""

    mask: u32  # their number, a power of two, less one
    pad: u32
    dpos: Array[Dpo] = times(0)


class LoadBalance(View):
    """Where packets go. Number 0 drops."""

    next: u32  # as Dpo, if there is one way on
    index: u32
    buckets: i64  # 0, or the address of Buckets
    flags: u32
    sw_if_index: u32  # of the first path; all ones: none
    pad: i64


class DpoWord(View):
    """A way on as one number, as it is read, since both parts change at once."""

    value: i64


class LoadBalanceWords(View):
    """The same, as it is written."""

    dpo: i64
    buckets: i64


# LoadBalance.flags
CONNECTED = 1 << 0  #: a subnet of an interface
ATTACHED = 1 << 1  #: hosts that are reached without a router
LOCAL = 1 << 2  #: an address of this machine
DROPS = 1 << 3  #: nobody is reached by it
RECURSIVE = 1 << 4  #: all go by another route, whose number is ``index``

load_balances = arena.table("load-balances", LoadBalance, MAX_LOAD_BALANCES)
#: Route -> its load-balance, and the length of its prefix. Route 0 drops.
balance_of = arena.table("route-load-balances", u32, MAX_ROUTES)
length_of = arena.table("route-lengths", u8, MAX_ROUTES)
#: Packets and bytes that routes have forwarded; ``via``: packets whose route this machine has looked up itself.
to_counters = combined("/net/route/to", MAX_ROUTES)
via_counters = combined("/net/route/via", MAX_ROUTES)

BUCKETS_OFFSET = LoadBalance.fields["buckets"].offset


@inline
def route_balance(route: int) -> LoadBalance:
    """The load-balance of a route."""
    return load_balances[balance_of[route]]


@inline
def ask_for(counters: int, route: int) -> None:
    """Ask for the memory of a route's load-balance, and of its counter among a thread's."""
    prefetch(counters + (route << 4))
    prefetch(balance_of.address + (route << 2))


@inline
def leaves_by(route: int) -> int:
    """The sw_if_index by which a route's packets leave, whatever routes are in between; all ones: by several, or none.
    (No route leads back to itself.)
    """
    balance = route_balance(route)
    while balance.flags & RECURSIVE:
        balance = route_balance(balance.index)
    return balance.sw_if_index


@inline
def choose(balance: LoadBalance, flow_hash: int) -> Dpo:
    """The bucket of a flow, where there are several."""
    block = Buckets(balance.buckets)
    return block.dpos[flow_hash & block.mask]


@inline
def apart(flow_hash: int, route: int) -> int:
    """Another hash of the same flow, for a route that others go by: flows that they have sent its way, because their
    hashes have bits in common, shall divide there still.
    """
    return mix(flow_hash << 32 ^ route)


@inline
def follow(way: int, meta: IpMeta) -> int:
    """Where a packet goes by the Dpo at an address, having noted what it is to be known by there."""
    word = DpoWord(way).value
    meta.adj_index = shift_right(word, 32)
    return word & 0xFFFFFFFF


@routine
def assign(index: int, dpo: int, buckets: int) -> int:
    """Let a load-balance lead elsewhere. Whoever sees no buckets sees the new way on."""
    words = LoadBalanceWords(load_balances[index].address)
    atomic_store(words.address, dpo)
    atomic_store(words.address + BUCKETS_OFFSET, buckets)
    return 0


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
            several = [position for position in range(len(counts)) if counts[position] > 1]
            counts[max(several, key=lambda position: counts[position] - shares[position])] -= 1
        wrong = sum(abs(count - share) for count, share in zip(counts, shares, strict=True)) / size
        if wrong <= 0.1 or size >= MAX_BUCKETS:
            return counts
        size *= 2
