"""Extension headers of packets to this machine, walked to what the packet carries (RFC 8200 4)."""

from __future__ import annotations

from weft.core.buffer import L4_HDR_VALID, Buffer
from weft.core.node import routine
from weft.features.fib.model import IpMeta
from weft.features.icmp.model import icmp_error
from weft.features.icmp6.types import ERRONEOUS_FIELD, PARAMETER_PROBLEM, UNKNOWN_NEXT_HEADER, UNKNOWN_OPTION
from weft.features.ip6.errors import Ip6Error
from weft.features.ip6.header import (
    DESTINATION,
    FRAGMENT,
    HOP_BY_HOP,
    MINIMUM,
    MORE,
    OFFSET,
    ROUTING,
    Extension,
    FragmentHeader,
    Ip6Header,
    Option,
    is_multicast,
)

GOOD = 0  #: no error: NoError.NONE
MOST = 8  #: extension headers of a packet
UNIT = 8  #: bytes, by which their length is counted
NEXT_HEADER = Ip6Header.fields["next_header"].offset
KIND = Extension.fields["kind"].offset
OPTION = Option.size
PAD1, PADN, ROUTER_ALERT = 0, 1, 5
SKIP, DISCARD, TELL = 0, 1, 2  #: what an unknown option's first two bits ask for; 3: TELL unless to a group


@routine
def find_layer4(pkt: Buffer, ip: Ip6Header) -> int:
    """Note where the packet's layer 4 starts (``l4_hdr_offset``), and its protocol (``IpMeta.protocol``). An error, or
    GOOD; negative: the error of a packet whose sender is to be told.
    """
    protocol = ip.next_header
    field = NEXT_HEADER
    at = MINIMUM
    for count in range(MOST + 1):
        if is_extension(protocol) == 0 or (protocol == HOP_BY_HOP and count > 0):
            break
        header = Extension(ip.address + at)
        if count == MOST or at + UNIT > pkt.current_length:
            return Ip6Error.BAD_EXTENSION
        length = UNIT if protocol == FRAGMENT else (header.units + 1) * UNIT
        if at + length > min(pkt.current_length, ip.total_length):
            return Ip6Error.BAD_EXTENSION
        error = GOOD
        if protocol == FRAGMENT:
            if FragmentHeader(header.address).offset & (OFFSET | MORE):
                error = Ip6Error.FRAGMENT
        elif protocol == ROUTING:
            error = check_routing(pkt, header, at)
        else:
            error = check_options(pkt, ip, at, length)
        if error != GOOD:
            return error
        field = at
        protocol = header.next_header
        at += length
    if protocol == HOP_BY_HOP:
        # It may only be the first.
        icmp_error(pkt, PARAMETER_PROBLEM, UNKNOWN_NEXT_HEADER, field)
        return -Ip6Error.BAD_EXTENSION
    pkt.l4_hdr_offset = pkt.current_data + at
    pkt.flags = pkt.flags | L4_HDR_VALID
    IpMeta(pkt.opaque).protocol = protocol
    return GOOD


@routine
def is_extension(protocol: int) -> int:
    """Whether this is the number of an extension header that is understood here."""
    return int((protocol == HOP_BY_HOP) | (protocol == ROUTING) | (protocol == FRAGMENT) | (protocol == DESTINATION))


@routine
def check_routing(pkt: Buffer, header: Extension, at: int) -> int:
    """No routing header is followed (RFC 5095); one that has been followed to its end is passed over."""
    if header.segments_left == 0:
        return GOOD
    icmp_error(pkt, PARAMETER_PROBLEM, ERRONEOUS_FIELD, at + KIND)
    return -Ip6Error.ROUTING_HEADER


@routine
def check_options(pkt: Buffer, ip: Ip6Header, start: int, length: int) -> int:
    """Whether the options from ``start`` on are such as one need not understand (RFC 8200 4.2)."""
    at = start + OPTION
    end = start + length
    while at < end:
        option = Option(ip.address + at)
        kind = option.type
        if kind == PAD1:
            at += 1
            continue
        if at + OPTION > end or at + OPTION + option.length > end:
            return Ip6Error.BAD_EXTENSION
        action = kind >> 6
        if kind != PADN and kind != ROUTER_ALERT and action != SKIP:
            if action == DISCARD or (action > TELL and is_multicast(ip.destination)):
                return Ip6Error.UNKNOWN_OPTION
            icmp_error(pkt, PARAMETER_PROBLEM, UNKNOWN_OPTION, at)
            return -Ip6Error.UNKNOWN_OPTION
        at += OPTION + option.length
    return GOOD
