"""Putting TCP segments that follow one another together again: the opposite of ``segment``, as VPP's gro.

A packet may be kept until the segment after it comes. It goes when something of its connection comes that does not
continue it, when it is full, when it is pushed, or when it has been kept for long and something else is offered.
"""

from __future__ import annotations

from weft.core.buffer import CHECKSUM_GOOD, NEXT_PRESENT, OFFLOAD, Buffer, buffer_at
from weft.core.memory import copy
from weft.core.node import inline, routine
from weft.core.view import Array, View, i64, times, u16, u32
from weft.features.gso.checksum import Octet, Word16, add_packet, fold
from weft.features.gso.model import GSO_TCPV4, GSO_TCPV6, TCP_CHECKSUM, TCP_HEADER, TcpHeader, is_gso
from weft.features.gso.segment import (
    IP6_HEADER,
    MAX_HEADERS,
    PUSH,
    TCP,
    Ip6,
    layer3,
    pseudo_header,
)
from weft.features.ip4.checksum import header_checksum
from weft.features.ip4.header import FRAGMENT_OFFSET, MINIMUM, MORE_FRAGMENTS, VERSION_IHL, Ip4Header

FLOWS = 16  #: connections at a time, for each thread
MOST = 65535  #: bytes of a packet
SEGMENTS = 64  #: of a packet
ACK = 0x10
CONTINUED = ACK | PUSH  #: flags of what may continue a packet
IP4_ADDRESSES_SIZE, IP6_ADDRESSES_SIZE, PORTS_SIZE = 8, 32, 4


class Segment(View):
    """What a packet of TCP is, as far as its like can be appended to it."""

    l3: u16  # where its headers start, from its first byte
    l4: u16
    headers: u16  # bytes of all headers
    version: u16  # of IP
    payload: u32  # bytes
    sequence: u32


SEGMENT_SIZE = Segment.size


class Flow(View):
    """A packet that is kept, and grows."""

    index: u32  # 0: none
    tail: u32  # its last buffer
    segments: u32
    next_sequence: u32
    since: i64  # clocks
    first: Segment
    pad: Array[i64] = times(3)


class Flows(View):
    """What a thread keeps of one interface; ``ready``: what ``offer`` says may go."""

    kept: Array[Flow] = times(FLOWS)
    ready: Array[u32] = times(2)
    ethernet: i64
    new: Segment
    pad: Array[i64] = times(4)


@routine
def offer(flows: Flows, index: int, now: int) -> int:
    """Take a packet that leaves. How many packets (0 to 2) may go now, in their order: in ``ready``."""
    pkt = buffer_at(index)
    new = flows.new
    flows.ready[0] = index
    if survey(pkt, new, flows.ethernet) == 0:
        return 1
    found = find(flows, pkt, new)
    if found == 0:
        return 1 - begin(flows, index, now)
    flow = Flow(found)
    tcp = TcpHeader(pkt.data + new.l4)
    push = tcp.flags & PUSH
    if continues(flow, pkt, new):
        first = flow.first
        if flow.segments < SEGMENTS and buffer_at(flow.index).total_length + new.payload <= MOST:
            # Only the last segment may be shorter.
            last = push | (new.payload < first.payload)
            append(flow, pkt, new)
            if last == 0:
                return 0
            flows.ready[0] = finish(flow)
            return 1
    flows.ready[0] = finish(flow)
    if begin(flows, index, now):
        return 1
    flows.ready[1] = index
    return 2


@routine
def expired(flows: Flows, before: int) -> int:
    """A packet that has been kept since a time before this one; 0 if there is none."""
    for i in range(FLOWS):
        flow = flows.kept[i]
        if flow.index != 0 and flow.since < before:
            return finish(flow)
    return 0


@routine
def survey(pkt: Buffer, found: Segment, ethernet: int) -> int:
    """Find the headers of a packet. 0 if it is no whole TCP segment."""
    l3 = layer3(pkt, ethernet)
    if l3 < 0 or l3 + MINIMUM + TCP_HEADER > pkt.current_length:
        return 0
    length = pkt.total_length - l3
    ip = Ip4Header(pkt.data + l3)
    version = ip.version_ihl >> 4
    l4 = l3 + MINIMUM
    if version == 4:
        if ip.version_ihl != VERSION_IHL or ip.protocol != TCP or ip.total_length != length:
            return 0
        if ip.fragment & (FRAGMENT_OFFSET | MORE_FRAGMENTS):
            return 0
    else:
        ip6 = Ip6(pkt.data + l3)
        l4 = l3 + IP6_HEADER
        if version != 6 or l4 + TCP_HEADER > pkt.current_length:
            return 0
        if ip6.next_header != TCP or ip6.payload_length != length - IP6_HEADER:
            return 0
    tcp = TcpHeader(pkt.data + l4)
    headers = l4 + (tcp.offset >> 4 << 2)
    if headers < l4 + TCP_HEADER or headers > min(pkt.current_length, MAX_HEADERS):
        return 0
    found.l3 = l3
    found.l4 = l4
    found.headers = headers
    found.version = version
    found.payload = pkt.total_length - headers
    found.sequence = tcp.sequence
    return 1


@routine
def find(flows: Flows, pkt: Buffer, new: Segment) -> int:
    """The address of the flow of a packet's connection: same addresses, same ports. 0 if nothing of it is kept."""
    size = IP6_ADDRESSES_SIZE if new.version == 6 else IP4_ADDRESSES_SIZE
    for i in range(FLOWS):
        flow = flows.kept[i]
        if flow.index != 0 and flow.first.version == new.version:
            # Addresses stand last in both IP headers, ports first in TCP's.
            kept = buffer_at(flow.index).data + flow.first.l4
            if same(kept - size, pkt.data + new.l4 - size, size + PORTS_SIZE):
                return flow.address
    return 0


@routine
def same(a: int, b: int, count: int) -> int:
    """Whether the bytes at two addresses are the same."""
    for i in range(count):
        if Octet(a + i).value != Octet(b + i).value:
            return 0
    return 1


@routine
def continues(flow: Flow, pkt: Buffer, new: Segment) -> int:
    """Whether a packet is the next segment of the kept one, and else alike."""
    first = flow.first
    if new.sequence != flow.next_sequence or new.payload > first.payload or may_be_kept(pkt, new, CONTINUED) == 0:
        return 0
    if new.l3 != first.l3 or new.headers != first.headers:
        return 0
    kept = buffer_at(flow.index).data
    here = pkt.data
    if new.version == 4:
        a, b = Ip4Header(kept + new.l3), Ip4Header(here + new.l3)
        if a.tos != b.tos or a.ttl != b.ttl or a.fragment != b.fragment:
            return 0
    else:
        c, d = Ip6(kept + new.l3), Ip6(here + new.l3)
        if c.version != d.version or c.hop_limit != d.hop_limit:
            return 0
    options = new.l4 + TCP_HEADER
    return same(kept, here, new.l3) and same(kept + options, here + options, new.headers - options)


@inline
def may_be_kept(pkt: Buffer, new: Segment, flags: int) -> int:
    """Whether a segment is data and no large one, acknowledges, has no flags but these, and is not damaged."""
    tcp = TcpHeader(pkt.data + new.l4)
    if is_gso(pkt) or new.payload == 0 or tcp.flags & ACK == 0 or tcp.flags & ~flags != 0:
        return 0
    return pkt.flags & (OFFLOAD | CHECKSUM_GOOD) != 0 or is_good(pkt, new)


@routine
def is_good(pkt: Buffer, new: Segment) -> int:
    """Whether a segment's checksum is right."""
    pseudo = pseudo_header(pkt.data + new.l3, new.version, TCP, pkt.total_length - new.l4)
    return fold(add_packet(pkt, new.l4) + pseudo) == 0xFFFF


@routine
def begin(flows: Flows, index: int, now: int) -> int:
    """Keep a packet if its like may follow, and if there is room for another. Whether it is kept."""
    pkt = buffer_at(index)
    new = flows.new
    if may_be_kept(pkt, new, ACK) == 0:
        return 0
    for i in range(FLOWS):
        flow = flows.kept[i]
        if flow.index == 0:
            copy(flow.first.address, new.address, SEGMENT_SIZE)
            flow.index = index
            flow.segments = 1
            flow.next_sequence = new.sequence + new.payload
            flow.since = now
            flow.tail = last_buffer(index)
            return 1
    return 0


@routine
def last_buffer(index: int) -> int:
    """The last buffer of a packet."""
    while buffer_at(index).flags & NEXT_PRESENT:
        index = buffer_at(index).next_buffer
    return index


@routine
def append(flow: Flow, pkt: Buffer, new: Segment) -> int:
    """Append a segment's payload to the kept packet, which acknowledges and allows what the segment does."""
    kept = buffer_at(flow.index)
    ours, theirs = TcpHeader(kept.data + new.l4), TcpHeader(pkt.data + new.l4)
    ours.acknowledgement = theirs.acknowledgement
    ours.window = theirs.window
    ours.flags = ours.flags | theirs.flags
    kept.rest_length = kept.total_length - kept.current_length + new.payload
    pkt.advance(new.headers)
    tail = buffer_at(flow.tail)
    tail.next_buffer = pkt.index
    tail.flags = tail.flags | NEXT_PRESENT
    flow.tail = last_buffer(pkt.index)
    flow.next_sequence = new.sequence + new.payload
    flow.segments = flow.segments + 1
    return 0


@routine
def finish(flow: Flow) -> int:
    """Let go of the kept packet: its index. If it has grown it owes its checksum, and may be cut again as it was."""
    index = flow.index
    flow.index = 0
    if flow.segments == 1:
        return index
    pkt = buffer_at(index)
    first = flow.first
    l3 = pkt.data + first.l3
    length = pkt.total_length - first.l3
    if first.version == 4:
        ip = Ip4Header(l3)
        ip.total_length = length
        ip.checksum = 0
        ip.checksum = header_checksum(ip)
    else:
        Ip6(l3).payload_length = length - IP6_HEADER
    l4 = pkt.data + first.l4
    Word16(l4 + TCP_CHECKSUM).value = pseudo_header(l3, first.version, TCP, pkt.total_length - first.l4)
    pkt.flags = pkt.flags | OFFLOAD | CHECKSUM_GOOD
    pkt.csum_start = pkt.current_data + first.l4
    pkt.csum_offset = TCP_CHECKSUM
    pkt.gso_type = GSO_TCPV4 if first.version == 4 else GSO_TCPV6
    pkt.gso_flags = 0
    pkt.gso_size = first.payload
    return index
