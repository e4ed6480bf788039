"""What packet code knows of an interface's IPv4 addresses: who is local, who is on its subnets, whom to be.

For each interface that has ARP a block on the heap, published as a whole: the addresses with their masks, and the
Ethernet header that its ARP packets begin with (tags included, to everybody).
"""

from __future__ import annotations

from weft.core import arena
from weft.core.buffer import Buffer
from weft.core.graph import MAX_INTERFACES
from weft.core.memory import copy
from weft.core.node import inline, routine
from weft.core.view import Array, Bytes, View, i64, mac, times, u16, u32
from weft.features.arp.packet import ETHERNET, IP4_LENGTH, MAC_LENGTH, ArpHeader
from weft.features.ethernet.model import IP4
from weft.features.fib.load_balance import DROPS, LOCAL, length_of, route_balance
from weft.features.ip4.model import interfaces4, lookup

MAX_HEADER = 24  #: room for an Ethernet header with two tags


class LocalAddress(View):
    """One address of an interface."""

    ip: u32
    mask: u32


class ArpInterface(View):
    """An interface as ARP sees it."""

    count: u32  # of addresses
    header_length: u16
    pad: u16
    mac: mac
    pad2: u16
    header: Bytes = times(MAX_HEADER)
    addresses: Array[LocalAddress] = times(0)


class ProxyRange(View):
    """Addresses that an interface answers for."""

    low: u32
    high: u32


class ProxyRanges(View):
    """All ranges of an interface's table."""

    count: u32
    pad: u32
    ranges: Array[ProxyRange] = times(0)


#: By sw_if_index, the addresses of blocks; 0: the interface has no ARP, or no proxy ARP.
arp_interfaces = arena.table("arp-interfaces", i64, MAX_INTERFACES)
proxy_ranges = arena.table("arp-proxy-ranges", i64, MAX_INTERFACES)


@routine
def is_local(sw_if_index: int, address: int) -> int:
    """Whether this is an address of the interface."""
    block = ArpInterface(arp_interfaces[sw_if_index])
    if block.address == 0:
        return 0
    for i in range(block.count):
        if block.addresses[i].ip == address:
            return 1
    return 0


@routine
def is_on_subnet(sw_if_index: int, address: int) -> int:
    """Whether a host on one of the interface's subnets may have this address: not the subnet's own, nor its
    broadcast (RFC 1812 4.2.2.11), unless the subnet has two addresses only (RFC 3021).
    """
    block = ArpInterface(arp_interfaces[sw_if_index])
    if block.address == 0:
        return 0
    for i in range(block.count):
        own = block.addresses[i]
        mask = own.mask
        host = ~mask & 0xFFFFFFFF
        if (own.ip ^ address) & mask == 0:
            return (host <= 1) | ((address & host != 0) & (address & host != host))
    return 0


@routine
def is_behind(sw_if_index: int, address: int) -> int:
    """Whether a host that may have this address is behind the interface: on one of its subnets, or as a route says."""
    if is_on_subnet(sw_if_index, address):
        return 1
    route = lookup(interfaces4[sw_if_index].fib_index, address)
    balance = route_balance(route)
    here = (length_of[route] == HOST) & (balance.sw_if_index == sw_if_index)
    return here & (balance.flags & (LOCAL | DROPS) == 0)


HOST = 32  #: bits of a host's prefix


@routine
def is_subnet_broadcast(sw_if_index: int, address: int) -> int:
    """Whether this is the broadcast address of one of the interface's subnets."""
    block = ArpInterface(arp_interfaces[sw_if_index])
    if block.address == 0:
        return 0
    for i in range(block.count):
        own = block.addresses[i]
        host = ~own.mask & 0xFFFFFFFF
        if host > 1 and (own.ip | host) == address:
            return 1
    return 0


@routine
def source_address(sw_if_index: int, destination: int) -> int:
    """The interface's address that a host there knows it by: the one on the host's subnet, or else its first; 0 if it
    has none.
    """
    block = ArpInterface(arp_interfaces[sw_if_index])
    if block.address == 0:
        return 0
    found = 0
    best = -1
    for i in range(block.count):
        own = block.addresses[i]
        covers = (own.ip ^ destination) & own.mask == 0
        rank = own.mask if covers else 0
        if rank > best:
            best = rank
            found = own.ip
    return found


@inline
def write_arp(
    pkt: Buffer, block: ArpInterface, to: int, opcode: int, sender: int, target_mac: int, target: int
) -> None:
    """Make ``pkt``, whose data is the ARP header's place, an ARP packet with the interface's Ethernet header in front,
    to the MAC address ``to``.
    """
    arp = ArpHeader(pkt.data)
    arp.hardware_type = ETHERNET
    arp.protocol_type = IP4
    arp.hardware_length = MAC_LENGTH
    arp.protocol_length = IP4_LENGTH
    arp.opcode = opcode
    arp.sender_mac = block.mac
    arp.sender = sender
    arp.target_mac = target_mac
    arp.target = target
    pkt.l3_hdr_offset = pkt.current_data
    length = block.header_length
    pkt.advance(-length)
    copy(pkt.data, block.header, length)
    Destination(pkt.data).mac = to
    pkt.l2_hdr_offset = pkt.current_data
    pkt.l2_len = length


class Destination(View):
    """How a frame begins."""

    mac: mac
