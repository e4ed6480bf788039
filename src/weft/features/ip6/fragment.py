"""ip6-frag: a packet of our own that is longer than the MTU leaves as fragments (RFC 8200 4.5)."""

from __future__ import annotations

from weft.core.buffer import Buffer, buffer_at, free
from weft.core.memory import copy, shift_right
from weft.core.node import Nexts, node, routine
from weft.core.runtime import CONSUMED, NodeRuntime
from weft.core.worker import allocate_packet
from weft.features.fib.model import IpMeta, adjacencies
from weft.features.gso.checksum import settle
from weft.features.gso.model import is_gso
from weft.features.icmp.echo import random
from weft.features.ip.pieces import UNIT, gather, inherit, trace_fragment
from weft.features.ip6.errors import FragmentError
from weft.features.ip6.header import (
    DESTINATION,
    FRAGMENT,
    HOP_BY_HOP,
    MINIMUM,
    MORE,
    ROUTING,
    FragmentHeader,
    Ip6Header,
)

FRAGMENT_HEADER = FragmentHeader.size
HEADERS = MINIMUM + FRAGMENT_HEADER


class FragmentNext(Nexts):
    REWRITE = "ip6-rewrite"
    DROP = "ip6-drop"


@node("ip6-frag", next=FragmentNext, trace=trace_fragment)
def ip6_frag(rt: NodeRuntime, pkt: Buffer) -> int:
    """Cut a packet without extension headers so that each piece fits the MTU of its adjacency, and send the pieces
    there.
    """
    ip = Ip6Header(pkt.data)
    if is_gso(pkt):
        return pkt.fail(FragmentError.DONT_FRAGMENT_SET, FragmentNext.DROP)
    protocol = ip.next_header
    extended = (protocol == HOP_BY_HOP) | (protocol == ROUTING) | (protocol == FRAGMENT) | (protocol == DESTINATION)
    most = (adjacencies[IpMeta(pkt.opaque).adj_index].mtu - HEADERS) // UNIT * UNIT
    if extended or most < UNIT:
        return pkt.fail(FragmentError.CANT_FRAGMENT_HEADER, FragmentNext.DROP)
    if ip.total_length > pkt.total_length or settle(pkt) == 0:
        return pkt.fail(FragmentError.MALFORMED, FragmentNext.DROP)
    identification = shift_right(random(rt.worker), 32)
    payload = ip.payload_length
    start = 0
    while start < payload:
        more = int(start + most < payload)
        index = cut(rt, pkt, start, min(most, payload - start), identification << 1 | more)
        if index == 0:
            return pkt.fail(FragmentError.MEMORY, FragmentNext.DROP)
        rt.send(index, FragmentNext.REWRITE)
        rt.count(FragmentError.FRAGMENT_SENT, 1)
        start += most
    rt.count(FragmentError.NONE, 1)
    free(rt.worker.cache, pkt.index)
    return CONSUMED


@routine
def cut(rt: NodeRuntime, pkt: Buffer, start: int, count: int, what: int) -> int:
    """The fragment with ``count`` bytes of payload from ``start`` on: its index, 0 if there are no buffers for it.
    ``what`` is the packet's identification, and in the last bit whether there are more.
    """
    index = allocate_packet(rt.worker.cache, HEADERS + count)
    if index == 0:
        return 0
    piece = buffer_at(index)
    inherit(piece, pkt, start)
    copy(piece.data, pkt.data, MINIMUM)
    gather(pkt, MINIMUM + start, piece, HEADERS, count)
    ip = Ip6Header(piece.data)
    header = FragmentHeader(ip.address + MINIMUM)
    header.next_header = ip.next_header
    header.reserved = 0
    header.offset = start | (what & MORE)
    header.identification = what >> 1
    ip.next_header = FRAGMENT
    ip.payload_length = FRAGMENT_HEADER + count
    return index
