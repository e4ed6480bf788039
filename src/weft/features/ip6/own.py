"""What packet code knows of an interface's IPv6: its table, its addresses, and how frames from it begin.

For each interface that has IPv6 a block on the heap, published as a whole: the link-local address first, then the
others, each with its prefix; and the Ethernet header that packets to a group begin with, tags included.
"""

from __future__ import annotations

from weft.core import arena
from weft.core.graph import MAX_INTERFACES
from weft.core.memory import count_bits
from weft.core.node import inline, routine
from weft.core.view import Array, Bytes, View, i64, mac, times, u16, u32
from weft.features.ip6.header import Ip6Address, is_link_local, is_multicast, same

MAX_HEADER = 24  #: room for an Ethernet header with two tags


class Ip6Interface(View, settled=True):
    """An interface as IPv6's packet code sees it."""

    fib_index: u32
    enabled: u32  # it takes packets


class OwnAddress(View):
    """One address of an interface, and the bits of it that its subnet has."""

    ip: Ip6Address
    mask: Ip6Address


class OwnBlock(View):
    """All of an interface."""

    count: u32  # of addresses
    header_length: u16
    pad: u16
    mac: mac
    pad2: u16
    header: Bytes = times(MAX_HEADER)
    addresses: Array[OwnAddress] = times(0)


interfaces6 = arena.table("ip6-interfaces", Ip6Interface, MAX_INTERFACES)
#: By sw_if_index, the addresses of blocks; 0: the interface has no IPv6.
own_blocks = arena.table("ip6-own-blocks", i64, MAX_INTERFACES)


@inline
def block_of(sw_if_index: int) -> OwnBlock:
    """An interface's block; at 0 if it has none."""
    return OwnBlock(own_blocks[sw_if_index] if sw_if_index < MAX_INTERFACES else 0)


@inline
def covers(own: OwnAddress, address: Ip6Address) -> int:
    """Whether an address is on the subnet of an interface's address."""
    high = (own.ip.high ^ address.high) & own.mask.high
    return high | ((own.ip.low ^ address.low) & own.mask.low) == 0


@routine
def is_own(sw_if_index: int, address: Ip6Address) -> int:
    """Whether this is an address of the interface."""
    block = block_of(sw_if_index)
    if block.address == 0:
        return 0
    for i in range(block.count):
        if same(block.addresses[i].ip, address):
            return 1
    return 0


@routine
def is_on_link(sw_if_index: int, address: Ip6Address) -> int:
    """Whether a host on the interface's link may have this address."""
    block = block_of(sw_if_index)
    if block.address == 0:
        return 0
    if is_link_local(address):
        return 1
    for i in range(block.count):
        if covers(block.addresses[i], address):
            return 1
    return 0


@routine
def source_address(sw_if_index: int, destination: Ip6Address) -> int:
    """Where the address of the interface stands that a packet to a destination is to come from: the link-local one for
    such and for groups; else the one whose subnet fits longest, or the first that is not link-local, or that (RFC 6724
    5, rules 2 and 8). 0 if it has none.
    """
    block = block_of(sw_if_index)
    if block.address == 0 or block.count == 0:
        return 0
    found = block.addresses[0]
    if is_link_local(destination) or is_multicast(destination):
        return found.ip.address
    best = 0
    for i in range(1, block.count):
        own = block.addresses[i]
        rank = 1
        if covers(own, destination):
            rank = 2 + count_bits(own.mask.high) + count_bits(own.mask.low)
        if rank > best:
            best = rank
            found = own
    return found.ip.address
