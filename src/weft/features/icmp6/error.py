"""ip6-icmp-error: tells a packet's sender why it was not delivered (RFC 4443 2.4, 3).

A new packet goes to ip6-lookup; the one that it is about is dropped. Each worker sends so many a second.
"""

from __future__ import annotations

from weft.core.buffer import L2_HDR_VALID, LOCAL, TRACED, Buffer, allocate, buffer_at, reset
from weft.core.memory import swap16
from weft.core.node import Nexts, node, routine
from weft.core.runtime import NodeRuntime, Worker
from weft.features.ethernet.header import GROUP
from weft.features.ethernet.model import HEADER, EthernetHeader
from weft.features.fib.model import BY_INTERFACE, IpMeta
from weft.features.icmp.error import ROUTER_TTL
from weft.features.icmp.limit import bucket_of
from weft.features.icmp.model import ICMP_HEADER, IcmpHeader, IcmpMeta
from weft.features.icmp.quote import quote
from weft.features.icmp6.errors import Icmp6Sent
from weft.features.icmp6.types import (
    FIRST_QUERY,
    PACKET_TOO_BIG,
    PARAMETER_PROBLEM,
    PROTOCOL_ICMP6,
    REDIRECT,
    TIME_EXCEEDED,
    UNKNOWN_OPTION,
)
from weft.features.ip6.checksum import layer4_sum
from weft.features.ip6.format import trace_ip6
from weft.features.ip6.header import (
    DESTINATION,
    FRAGMENT,
    HOP_BY_HOP,
    MINIMUM,
    OFFSET,
    ROUTING,
    Extension,
    FragmentHeader,
    Ip6Address,
    Ip6Header,
    assign,
    is_multicast,
)
from weft.features.ip6.own import is_own, source_address

#: An ICMPv6 error is no longer than this, headers included (RFC 4443 2.4 c).
MOST = 1280
QUOTED = MOST - MINIMUM - ICMP_HEADER
MOST_EXTENSIONS = 8
VERSION_WORD = 6 << 28


class ErrorNext(Nexts):
    DROP = "ip6-drop"
    LOOKUP = "ip6-lookup"


@node("ip6-icmp-error", next=ErrorNext, trace=trace_ip6)
def ip6_icmp_error(rt: NodeRuntime, pkt: Buffer) -> int:
    """Send the error that ``icmp_error`` has asked for, if one may be sent about this packet."""
    bucket = bucket_of(rt.worker)
    kind = IcmpMeta(pkt.opaque2).type
    index = 0
    if bucket.tokens != 0 and may_answer(pkt):
        index = build(rt.worker, pkt)
    if index == 0:
        rt.count(Icmp6Sent.DROP, 1)
        return ErrorNext.DROP
    bucket.tokens = bucket.tokens - 1
    if kind == TIME_EXCEEDED:
        rt.count(Icmp6Sent.TTL_EXPIRE_SENT, 1)
    elif kind == PACKET_TOO_BIG:
        rt.count(Icmp6Sent.PACKET_TOO_BIG_SENT, 1)
    elif kind == PARAMETER_PROBLEM:
        rt.count(Icmp6Sent.PARAM_PROBLEM_SENT, 1)
    else:
        rt.count(Icmp6Sent.DEST_UNREACH_SENT, 1)
    rt.send(index, ErrorNext.LOOKUP)
    return ErrorNext.DROP


@routine
def may_answer(pkt: Buffer) -> int:
    """Not about an ICMPv6 error or redirect, what was sent to many (but for a packet too big or an option that asks for
    it), or what no single host sent (RFC 4443 2.4 e), nor about what this machine sent itself.
    """
    if pkt.flags & LOCAL or pkt.current_length < MINIMUM:
        return 0
    ip = Ip6Header(pkt.data)
    if is_multicast(ip.source) or (ip.source.high == 0 and ip.source.low >> 1 == 0):
        return 0
    wanted = IcmpMeta(pkt.opaque2)
    option = (wanted.type == PARAMETER_PROBLEM) & (wanted.code == UNKNOWN_OPTION)
    if (wanted.type == PACKET_TOO_BIG) | option == 0 and to_many(pkt, ip):
        return 0
    return may_quote(pkt, ip)


@routine
def to_many(pkt: Buffer, ip: Ip6Header) -> int:
    """Whether a packet went to a group, of IPv6 or of Ethernet."""
    if is_multicast(ip.destination):
        return 1
    if pkt.flags & L2_HDR_VALID and pkt.l2_hdr_offset + HEADER <= pkt.current_data:
        frame = EthernetHeader(pkt.data + pkt.l2_hdr_offset - pkt.current_data)
        return int(frame.destination & GROUP != 0)
    return 0


@routine
def may_quote(pkt: Buffer, ip: Ip6Header) -> int:
    """Whether a packet is no ICMPv6 error, as far as its extension headers can be followed, nor a later fragment."""
    protocol = ip.next_header
    at = MINIMUM
    for _ in range(MOST_EXTENSIONS):
        if protocol == PROTOCOL_ICMP6:
            if at + ICMP_HEADER > pkt.current_length:
                return 0
            kind = IcmpHeader(ip.address + at).type
            return int((kind >= FIRST_QUERY) & (kind != REDIRECT))
        if protocol != HOP_BY_HOP and protocol != ROUTING and protocol != FRAGMENT and protocol != DESTINATION:
            return 1
        if at + FRAGMENT_HEADER > pkt.current_length:
            return 0
        header = Extension(ip.address + at)
        if protocol == FRAGMENT:
            if FragmentHeader(header.address).offset & OFFSET:
                return 0
            at += FRAGMENT_HEADER
        else:
            at += (header.units + 1) * UNIT
        protocol = header.next_header
    return 0


UNIT = 8
FRAGMENT_HEADER = FragmentHeader.size


@routine
def build(worker: Worker, about: Buffer) -> int:
    """The index of a new packet: the error about ``about``, as it is to be routed. 0 if there is no buffer for it, or
    no address to send it from.
    """
    quoted = Ip6Header(about.data)
    source = source_of(about, quoted)
    if source == 0:
        return 0
    index = allocate(worker.cache)
    if index == 0:
        return 0
    pkt = buffer_at(index)
    reset(pkt, 0, about.rx_sw_if_index)
    ip = Ip6Header(pkt.data)
    icmp = IcmpHeader(ip.address + MINIMUM)
    length = quote(about, icmp.address + ICMP_HEADER, min(quoted.total_length, QUOTED))
    pkt.current_length = MINIMUM + ICMP_HEADER + length
    pkt.flags = LOCAL | about.flags & TRACED
    pkt.trace_id = about.trace_id
    IpMeta(pkt.opaque).fib_index = BY_INTERFACE
    IpMeta(pkt.opaque).flags = 0
    wanted = IcmpMeta(about.opaque2)
    icmp.type = wanted.type
    icmp.code = wanted.code
    icmp.checksum = 0
    icmp.rest = wanted.data
    ip.first = VERSION_WORD
    ip.payload_length = ICMP_HEADER + length
    ip.next_header = PROTOCOL_ICMP6
    ip.hop_limit = ROUTER_TTL
    assign(ip.source, Ip6Address(source))
    assign(ip.destination, quoted.source)
    icmp.checksum = swap16(layer4_sum(pkt, ip, MINIMUM, PROTOCOL_ICMP6) ^ 0xFFFF)
    return index


@routine
def source_of(about: Buffer, quoted: Ip6Header) -> int:
    """Where the address stands that an error comes from: that to which the packet was sent if it is ours (RFC 4443
    2.2 a), else one of the interface by which it came.
    """
    if is_own(about.rx_sw_if_index, quoted.destination):
        return quoted.destination.address
    return source_address(about.rx_sw_if_index, quoted.source)
