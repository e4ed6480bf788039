"""icmp6-neighbor-solicitation and -advertisement: answers for the interface's addresses, and learns who is asking and
who answers (RFC 4861 7.1, 7.2).
"""

from __future__ import annotations

from weft.core.buffer import NEXT_PRESENT, OFFLOAD, Buffer
from weft.core.memory import wrap
from weft.core.node import Nexts, inline, node, routine
from weft.core.punt import punt_copy
from weft.core.runtime import NodeRuntime
from weft.core.timers import now
from weft.features.ethernet.header import GROUP
from weft.features.icmp6.errors import Icmp6Error
from weft.features.icmp6.model import register_type6
from weft.features.icmp6.types import NEIGHBOR_ADVERTISEMENT, NEIGHBOR_SOLICITATION
from weft.features.interface.model import sw_interfaces
from weft.features.ip6.format import trace_ip6
from weft.features.ip6.header import Ip6Address, Ip6Header, assign, is_multicast
from weft.features.ip6.input import ALL_NODES, ON_LINK
from weft.features.ip6.local import layer4_start
from weft.features.ip6.own import block_of, is_own, own_blocks
from weft.features.ip6_nd.model import CONFLICT, LEARN
from weft.features.ip6_nd.packet import (
    HOP_LIMIT,
    LINK_OPTION,
    MOST_OPTIONS,
    ND_HEADER,
    OVERRIDE,
    ROUTER,
    SOLICITED,
    SOURCE_LINK,
    TARGET_LINK,
    UNIT,
    LinkOption,
    NdHeader,
)
from weft.features.ip6_nd.proxy import is_behind, is_proxied, proxying
from weft.features.ip6_nd.write import finish, group_mac, message
from weft.features.neighbor.table import IP6, STATIC, entries, find

#: Two who fight over an address: who has got it keeps it so many milliseconds.
HOLD = 1000
BAD = -1  #: options that do not end where the packet does


class NeighborNext(Nexts):
    DROP = "ip6-drop"


@routine
def check(pkt: Buffer, ip: Ip6Header, start: int) -> int:
    """What is wrong with a message, an error; or 0 (RFC 4861 7.1.1, 7.1.2)."""
    if ip.hop_limit != HOP_LIMIT:
        return Icmp6Error.INVALID_HOP_LIMIT_FOR_TYPE
    if pkt.current_length < start + ND_HEADER or pkt.flags & NEXT_PRESENT:
        return Icmp6Error.LENGTH_TOO_SMALL_FOR_TYPE
    nd = NdHeader(ip.address + start)
    if nd.code != 0:
        return Icmp6Error.INVALID_CODE_FOR_TYPE
    if is_multicast(nd.target) or own_blocks[pkt.rx_sw_if_index] == 0:
        return Icmp6Error.REFUSED
    if link_option(pkt, start, 0) == BAD:
        return Icmp6Error.OPTION_WITH_ZERO_LENGTH
    return 0


@routine
def link_option(pkt: Buffer, start: int, wanted: int) -> int:
    """Where the option with a link-layer address of a kind is; 0: there is none; BAD: the options are malformed."""
    at = start + ND_HEADER
    found = 0
    for _ in range(MOST_OPTIONS):
        if at + LINK_OPTION > pkt.current_length:
            break
        option = LinkOption(pkt.data + at)
        if option.units == 0:
            return BAD
        if option.type == wanted and option.units == 1 and found == 0:
            found = option.address
        at += option.units * UNIT
    return found if at == pkt.current_length else BAD


@inline
def is_unspecified(address: Ip6Address) -> int:
    """Whether a packet is from somebody who has no address yet."""
    return (address.high == 0) & (address.low == 0)


@node("icmp6-neighbor-solicitation", next=NeighborNext, trace=trace_ip6)
def icmp6_neighbor_solicitation(rt: NodeRuntime, pkt: Buffer) -> int:
    """Somebody asks for one of our addresses: learn who it is, and answer."""
    start = layer4_start(pkt)
    ip = Ip6Header(pkt.data)
    error = check(pkt, ip, start)
    if error != 0:
        return pkt.fail(error, NeighborNext.DROP)
    sw_if_index = pkt.rx_sw_if_index
    nd = NdHeader(ip.address + start)
    own = is_own(sw_if_index, nd.target)
    if own == 0 and is_proxied(sw_if_index, nd.target) == 0:
        return pkt.fail(Icmp6Error.NEIGHBOR_SOLICITATION_SOURCE_UNKNOWN, NeighborNext.DROP)
    option = link_option(pkt, start, SOURCE_LINK)
    if is_unspecified(ip.source):
        # Somebody tries whether the address is free (RFC 4862 5.4.3).
        if option != 0 or is_multicast(ip.destination) == 0:
            return pkt.fail(Icmp6Error.REFUSED, NeighborNext.DROP)
        return answer(rt, pkt, start, 0)
    if is_own(sw_if_index, ip.source):
        # Somebody who has our address, and whom we let have it: the machine itself, behind a tap (VPP's mirror proxy).
        if proxying[sw_if_index] == 0 or own or option == 0 or LinkOption(option).mac & GROUP:
            return pkt.fail(Icmp6Error.REFUSED, NeighborNext.DROP)
        return answer(rt, pkt, start, LinkOption(option).mac)
    if is_behind(sw_if_index, ip.source) == 0:
        return pkt.fail(Icmp6Error.NEIGHBOR_SOLICITATION_SOURCE_NOT_ON_LINK, NeighborNext.DROP)
    mac = LinkOption(option).mac if option != 0 else known_mac(sw_if_index, ip.source)
    if mac == 0 or mac & GROUP:
        return pkt.fail(Icmp6Error.REFUSED, NeighborNext.DROP)
    if option != 0:
        learn(rt, pkt, ip.source, mac)
    return answer(rt, pkt, start, mac)


@routine
def known_mac(sw_if_index: int, address: Ip6Address) -> int:
    """The MAC address of a neighbor; 0 if it is not known."""
    index = find(IP6, sw_if_index, address.high, address.low)
    return entries[index].mac if index != 0 else 0


@routine
def answer(rt: NodeRuntime, pkt: Buffer, start: int, mac: int) -> int:
    """Make the solicitation an advertisement; to all nodes, where it came from nobody (no MAC address)."""
    pkt.flags = pkt.flags & ~OFFLOAD
    ip = Ip6Header(pkt.data)
    target = NdHeader(ip.address + start).target
    high, low = target.high, target.low
    flags = ROUTER | OVERRIDE
    if mac == 0:
        ip.destination.high = ON_LINK
        ip.destination.low = ALL_NODES
        mac = group_mac(ALL_NODES)
    else:
        assign(ip.destination, ip.source)
        flags |= SOLICITED
    ip.source.high = high
    ip.source.low = low
    nd = message(pkt)
    nd.target.high = high
    nd.target.low = low
    finish(pkt, block_of(pkt.rx_sw_if_index), mac, NEIGHBOR_ADVERTISEMENT, flags, TARGET_LINK)
    rt.count(Icmp6Error.NEIGHBOR_ADVERTISEMENTS_TX, 1)
    pkt.tx_sw_if_index = pkt.rx_sw_if_index
    return sw_interfaces[pkt.tx_sw_if_index].output_node


@routine
def learn(rt: NodeRuntime, pkt: Buffer, address: Ip6Address, mac: int) -> int:
    """Note that a neighbor has been heard of; what is new about it is for the main thread to enter."""
    index = find(IP6, pkt.rx_sw_if_index, address.high, address.low)
    if index != 0:
        entry = entries[index]
        if entry.mac == mac:
            entry.updated = now.milliseconds
            return 0
        if entry.flags & STATIC or (entry.changed != 0 and now.milliseconds - entry.changed < HOLD):
            return 0
    return punt_copy(rt.worker, pkt.index, LEARN, wrap(address.address - pkt.data | mac << 16))


@node("icmp6-neighbor-advertisement", next=NeighborNext, trace=trace_ip6)
def icmp6_neighbor_advertisement(rt: NodeRuntime, pkt: Buffer) -> int:
    """Somebody says that an address is his: whom we have asked we learn; whom we know may say so unasked, and that he
    has moved if he is certain (RFC 4861 7.2.5).
    """
    start = layer4_start(pkt)
    ip = Ip6Header(pkt.data)
    error = check(pkt, ip, start)
    if error != 0:
        return pkt.fail(error, NeighborNext.DROP)
    sw_if_index = pkt.rx_sw_if_index
    nd = NdHeader(ip.address + start)
    flags = nd.flags
    if is_multicast(ip.destination) and flags & SOLICITED:
        return pkt.fail(Icmp6Error.REFUSED, NeighborNext.DROP)
    if is_own(sw_if_index, nd.target):
        # Two have it (RFC 4862 5.4.4).
        punt_copy(rt.worker, pkt.index, CONFLICT, nd.target.address - pkt.data)
        return pkt.fail(Icmp6Error.REFUSED, NeighborNext.DROP)
    if is_behind(sw_if_index, nd.target) == 0:
        return pkt.fail(Icmp6Error.NEIGHBOR_SOLICITATION_SOURCE_NOT_ON_LINK, NeighborNext.DROP)
    option = link_option(pkt, start, TARGET_LINK)
    known = known_mac(sw_if_index, nd.target)
    mac = LinkOption(option).mac if option != 0 else known
    certain = flags & (SOLICITED if known == 0 else OVERRIDE)
    if mac != 0 and mac & GROUP == 0 and (mac == known or certain):
        learn(rt, pkt, nd.target, mac)
    return pkt.fail(Icmp6Error.NEIGHBOR_ADVERTISEMENTS_RX, NeighborNext.DROP)


register_type6(NEIGHBOR_SOLICITATION, "icmp6-neighbor-solicitation")
register_type6(NEIGHBOR_ADVERTISEMENT, "icmp6-neighbor-advertisement")
