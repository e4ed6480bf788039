"""ip4-icmp-error: tells a packet's sender why it was not delivered (RFC 792, RFC 1812 4.3.2).

A new packet goes to ip4-lookup; the one that it is about is dropped. Each worker sends so many a second.
"""

from __future__ import annotations

from weft.core.buffer import L2_HDR_VALID, LOCAL, TRACED, Buffer, allocate, buffer_at, reset
from weft.core.node import Nexts, node, routine
from weft.core.runtime import NodeRuntime, Worker
from weft.features.arp.table import is_subnet_broadcast, source_address
from weft.features.ethernet.header import GROUP
from weft.features.ethernet.model import HEADER, EthernetHeader
from weft.features.fib.model import BY_INTERFACE, IpMeta
from weft.features.icmp.errors import IcmpSent
from weft.features.icmp.limit import bucket_of
from weft.features.icmp.model import (
    DESTINATION_UNREACHABLE,
    ICMP_HEADER,
    PARAMETER_PROBLEM,
    PROTOCOL_ICMP,
    REDIRECT,
    SOURCE_QUENCH,
    TIME_EXCEEDED,
    IcmpHeader,
    IcmpMeta,
)
from weft.features.icmp.quote import quote
from weft.features.ip4.format import trace_ip4
from weft.features.ip4.model import FRAGMENT_OFFSET, VERSION_IHL, Ip4Header, checksum, header_checksum

IP_HEADER = Ip4Header.size
#: An ICMP error is no longer than this, headers included (RFC 1812 4.3.2.3).
MOST = 576
QUOTED = MOST - IP_HEADER - ICMP_HEADER
ROUTER_TTL = 255


class ErrorNext(Nexts):
    DROP = "ip4-drop"
    LOOKUP = "ip4-lookup"


@node("ip4-icmp-error", next=ErrorNext, trace=trace_ip4)
def ip4_icmp_error(rt: NodeRuntime, pkt: Buffer) -> int:
    """Send the error that ``icmp_error`` has asked for, if one may be sent about this packet."""
    bucket = bucket_of(rt.worker)
    if bucket.tokens == 0 or may_answer(pkt) == 0:
        rt.count(IcmpSent.DROP, 1)
        return ErrorNext.DROP
    index = build(rt.worker, pkt)
    if index == 0:
        rt.count(IcmpSent.DROP, 1)
        return ErrorNext.DROP
    bucket.tokens = bucket.tokens - 1
    kind = IcmpMeta(pkt.opaque2).type
    if kind == TIME_EXCEEDED:
        rt.count(IcmpSent.TTL_EXPIRE_SENT, 1)
    elif kind == PARAMETER_PROBLEM:
        rt.count(IcmpSent.PARAM_PROBLEM_SENT, 1)
    else:
        rt.count(IcmpSent.DEST_UNREACH_SENT, 1)
    rt.send(index, ErrorNext.LOOKUP)
    return ErrorNext.DROP


@routine
def may_answer(pkt: Buffer) -> int:
    """Not about an ICMP error, a fragment but the first, what was sent to many, or what no single host sent
    (RFC 1812 4.3.2.7), nor about what this machine sent itself.
    """
    if pkt.flags & LOCAL or pkt.current_length < IP_HEADER:
        return 0
    ip = Ip4Header(pkt.data)
    source = ip.source
    destination = ip.destination
    if is_host(source) == 0 or is_host(destination) == 0 or is_subnet_broadcast(pkt.rx_sw_if_index, destination):
        return 0
    if is_subnet_broadcast(pkt.rx_sw_if_index, source):
        return 0
    if pkt.flags & L2_HDR_VALID and pkt.l2_hdr_offset + HEADER <= pkt.current_data:
        frame = EthernetHeader(pkt.data + pkt.l2_hdr_offset - pkt.current_data)
        if frame.destination & GROUP:
            return 0
    if ip.fragment & FRAGMENT_OFFSET:
        return 0
    if ip.protocol != PROTOCOL_ICMP:
        return 1
    header = ip.header_length
    if pkt.current_length <= header:
        return 0
    return is_query(IcmpHeader(ip.address + header).type)


@routine
def is_host(address: int) -> int:
    """Whether this may be a single host's address: not "this network", loopback, multicast, or beyond."""
    first = address >> 24
    return int(first != 0 and first != LOOPBACK and first < FIRST_MULTICAST)


LOOPBACK = 127
FIRST_MULTICAST = 224


@routine
def is_query(kind: int) -> int:
    """Whether an ICMP message of this type is no error."""
    error = (kind == DESTINATION_UNREACHABLE) | (kind == SOURCE_QUENCH) | (kind == REDIRECT)
    return int((error | (kind == TIME_EXCEEDED) | (kind == PARAMETER_PROBLEM)) == 0)


@routine
def build(worker: Worker, about: Buffer) -> int:
    """The index of a new packet: the error about ``about``, as it is to be routed. 0 if there is no buffer for it, or
    no address to send it from.
    """
    quoted = Ip4Header(about.data)
    source = source_address(about.rx_sw_if_index, quoted.source)
    if source == 0:
        return 0
    index = allocate(worker.cache)
    if index == 0:
        return 0
    pkt = buffer_at(index)
    reset(pkt, 0, about.rx_sw_if_index)
    ip = Ip4Header(pkt.data)
    icmp = IcmpHeader(ip.address + IP_HEADER)
    length = quote(about, icmp.address + ICMP_HEADER, min(Ip4Header(about.data).total_length, QUOTED))
    pkt.current_length = IP_HEADER + ICMP_HEADER + length
    pkt.flags = LOCAL | about.flags & TRACED
    pkt.trace_id = about.trace_id
    IpMeta(pkt.opaque).fib_index = BY_INTERFACE
    wanted = IcmpMeta(about.opaque2)
    icmp.type = wanted.type
    icmp.code = wanted.code
    icmp.checksum = 0
    icmp.rest = wanted.data
    icmp.checksum = checksum(icmp.address, ICMP_HEADER + length)
    ip.version_ihl = VERSION_IHL
    ip.tos = 0
    ip.total_length = pkt.current_length
    ip.identification = 0
    ip.fragment = 0
    ip.ttl = ROUTER_TTL
    ip.protocol = PROTOCOL_ICMP
    ip.source = source
    ip.destination = quoted.source
    ip.checksum = 0
    ip.checksum = header_checksum(ip)
    return index
