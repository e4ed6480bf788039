"""Cutting a large packet into TCP segments or UDP datagrams."""

from __future__ import annotations

from weft.core import arena
from weft.core.buffer import METADATA, NEXT_PRESENT, TRACED, Buffer, buffer_at
from weft.core.memory import copy, swap16
from weft.core.node import inline, routine
from weft.core.runtime import MAX_THREADS, NodeRuntime
from weft.core.view import Array, View, be16, be32, i64, times, u8, u32
from weft.core.worker import allocate_packet
from weft.features.ethernet.model import DOT1AD, DOT1Q, HEADER, IP4, IP6, TAG, EthernetHeader, VlanTag
from weft.features.gso.checksum import Word16, add_bytes, fold, settle
from weft.features.gso.model import (
    GSO_NONE,
    GSO_TCPV4,
    GSO_TCPV6,
    GSO_UDP,
    TCP_CHECKSUM,
    TCP_HEADER,
    UDP_CHECKSUM,
    UDP_HEADER,
    TcpHeader,
    UdpHeader,
    l4_length,
)
from weft.features.ip4.checksum import header_checksum
from weft.features.ip4.header import MINIMUM, Ip4Header, Ip4Words

MAX_HEADERS = 512  #: bytes in front of the payload
#: Segments of one packet. The smallest TCP segments that Linux sends have 48 bytes.
MAX_SEGMENTS = 1500

FIN, PUSH, CWR = 0x01, 0x08, 0x80
TCP, UDP = 6, 17


class Ip6(View):
    """IPv6 (RFC 8200 3) as it is cut."""

    version: be32
    payload_length: be16
    next_header: u8
    hop_limit: u8
    addresses: Array[u32] = times(8)


IP6_HEADER = Ip6.size
IP6_ADDRESSES = Ip6.fields["addresses"].offset


class Cut(View):
    """How far the cutting of a thread's packet has come."""

    piece: i64  # the buffer that is read
    at: i64  # the next byte in it
    here: i64  # bytes left in it
    left: i64  # bytes of payload left in all
    l3: i64  # where layer 3 starts, from the packet's first byte
    l4: i64
    headers: i64  # bytes of all headers
    version: u32  # of IP
    protocol: u32


cuts = arena.table("gso-cuts", Cut, MAX_THREADS)


@inline
def is_tag(kind: int) -> int:
    return (kind == DOT1Q) | (kind == DOT1AD)


@inline
def is_ip(kind: int) -> int:
    return (kind == IP4) | (kind == IP6)


@routine
def layer3(pkt: Buffer, ethernet: int) -> int:
    """Where layer 3 starts in a packet as it leaves, from its first byte; -1 if it is not IP."""
    if ethernet == 0:
        return 0
    if pkt.current_length < HEADER:
        return -1
    kind = EthernetHeader(pkt.data).ethertype
    at = HEADER
    while is_tag(kind):
        if at + TAG > min(pkt.current_length, MAX_HEADERS):
            return -1
        kind = VlanTag(pkt.data + at).ethertype
        at += TAG
    return at if is_ip(kind) else -1


@routine
def survey(pkt: Buffer, cut: Cut, ethernet: int) -> int:
    """Find the headers of a large packet as it leaves. 0 if it is nothing that can be cut."""
    l3 = layer3(pkt, ethernet)
    l4 = pkt.csum_start - pkt.current_data
    kind = pkt.gso_type
    smallest = UDP_HEADER if kind == GSO_UDP else TCP_HEADER
    if l3 < 0 or l4 < l3 + MINIMUM or l4 + smallest > pkt.current_length or pkt.gso_size == 0:
        return 0
    version = Ip4Header(pkt.data + l3).version_ihl >> 4
    if version == 4:
        # Options may stand between, a tunnel may not.
        if kind == GSO_TCPV6 or l3 + Ip4Header(pkt.data + l3).header_length != l4:
            return 0
    elif version != 6 or kind == GSO_TCPV4 or l4 < l3 + IP6_HEADER:
        return 0
    cut.version = version
    cut.l3 = l3
    cut.l4 = l4
    cut.protocol = UDP if kind == GSO_UDP else TCP
    cut.headers = l4 + l4_length(pkt)
    if cut.headers < l4 + smallest or cut.headers > min(pkt.current_length, MAX_HEADERS):
        return 0
    cut.piece = pkt.address
    cut.at = pkt.data + cut.headers
    cut.here = pkt.current_length - cut.headers
    cut.left = pkt.total_length - cut.headers
    return cut.left <= pkt.gso_size * MAX_SEGMENTS


@routine
def cut_out(rt: NodeRuntime, pkt: Buffer, cut: Cut, number: int) -> int:
    """The packet's segment of this number: its index, 0 if there are no buffers for it."""
    payload = min(cut.left, pkt.gso_size)
    index = allocate_packet(rt.worker.cache, cut.headers + payload)
    if index == 0:
        return 0
    segment = buffer_at(index)
    copy(segment.data, pkt.data, cut.headers)
    read(cut, segment, payload)
    inherit(segment, pkt, number)
    renumber(segment, pkt, cut, payload, number)
    settle(segment)
    return index


@routine
def read(cut: Cut, segment: Buffer, count: int) -> int:
    """Move the next ``count`` bytes of payload into a segment, behind its headers."""
    cut.left = cut.left - count
    to = segment.data + cut.headers
    room = segment.current_length - cut.headers
    while count > 0:
        while cut.here == 0:
            piece = buffer_at(Buffer(cut.piece).next_buffer)
            cut.piece = piece.address
            cut.at = piece.data
            cut.here = piece.current_length
        while room == 0:
            segment = buffer_at(segment.next_buffer)
            to = segment.data
            room = segment.current_length
        part = min(count, min(cut.here, room))
        copy(to, cut.at, part)
        cut.at = cut.at + part
        cut.here = cut.here - part
        to += part
        room -= part
        count -= part
    return 0


@routine
def inherit(segment: Buffer, pkt: Buffer, number: int) -> int:
    """A segment's metadata are those of the packet, except where it is in its buffers. The first is traced with it."""
    length, flags = segment.current_length, segment.flags
    following, rest = segment.next_buffer, segment.rest_length
    copy(segment.address, pkt.address, METADATA)
    segment.current_data = 0
    segment.current_length = length
    segment.next_buffer = following
    segment.rest_length = rest
    lost = NEXT_PRESENT | TRACED if number else NEXT_PRESENT
    segment.flags = pkt.flags & ~lost | flags
    moved = pkt.current_data
    segment.l2_hdr_offset = pkt.l2_hdr_offset - moved
    segment.l3_hdr_offset = pkt.l3_hdr_offset - moved
    segment.l4_hdr_offset = pkt.l4_hdr_offset - moved
    segment.csum_start = pkt.csum_start - moved
    segment.gso_type = GSO_NONE
    return 0


@routine
def pseudo_header(l3: int, version: int, protocol: int, length: int) -> int:
    """The folded sum of a pseudo-header: addresses of the IP header at ``l3``, protocol, length of layer
    4 (RFC 9293 3.1, RFC 768, RFC 8200 8.1).
    """
    if version == 4:
        words = Ip4Words(l3)
        total = words.d + words.e
    else:
        total = add_bytes(l3 + IP6_ADDRESSES, 32)
    return fold(total + swap16(protocol) + swap16(length))


@routine
def renumber(segment: Buffer, pkt: Buffer, cut: Cut, payload: int, number: int) -> int:
    """Write into a segment's headers what differs from the packet's; the checksum's field gets the pseudo-header."""
    l3 = segment.data + cut.l3
    l4 = segment.data + cut.l4
    length = cut.headers - cut.l4 + payload
    if cut.version == 4:
        ip = Ip4Header(l3)
        ip.total_length = cut.headers - cut.l3 + payload
        ip.identification = ip.identification + number
        ip.checksum = 0
        ip.checksum = header_checksum(ip)
    else:
        Ip6(l3).payload_length = cut.headers - cut.l3 - IP6_HEADER + payload
    total = pseudo_header(l3, cut.version, cut.protocol, length)
    if cut.protocol == UDP:
        UdpHeader(l4).length = length
        Word16(l4 + UDP_CHECKSUM).value = total
        return 0
    tcp = TcpHeader(l4)
    tcp.sequence = tcp.sequence + number * pkt.gso_size
    if cut.left > 0:
        tcp.flags = tcp.flags & ~(FIN | PUSH)
    if number > 0:
        tcp.flags = tcp.flags & ~CWR
    Word16(l4 + TCP_CHECKSUM).value = total
    return 0
