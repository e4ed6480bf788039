"""ip4-frag: a packet that is longer than the MTU leaves as fragments (RFC 791 3.2, RFC 1812 4.2.2.7)."""

from __future__ import annotations

from weft.core.buffer import Buffer, buffer_at, free
from weft.core.memory import copy
from weft.core.node import Nexts, node, routine
from weft.core.runtime import CONSUMED, NodeRuntime
from weft.core.worker import allocate_packet
from weft.features.fib.model import IpMeta, adjacencies
from weft.features.gso.checksum import settle
from weft.features.gso.model import is_gso
from weft.features.ip.pieces import UNIT, gather, inherit, trace_fragment
from weft.features.ip4.checksum import header_checksum
from weft.features.ip4.errors import FragmentError
from weft.features.ip4.header import DONT_FRAGMENT, FRAGMENT_OFFSET, MINIMUM, MORE_FRAGMENTS, Ip4Header


class FragmentNext(Nexts):
    REWRITE = "ip4-rewrite"
    DROP = "ip4-drop"


@node("ip4-frag", next=FragmentNext, trace=trace_fragment)
def ip4_frag(rt: NodeRuntime, pkt: Buffer) -> int:
    """Cut a packet so that each piece fits the MTU of its adjacency, and send the pieces there."""
    ip = Ip4Header(pkt.data)
    if ip.fragment & DONT_FRAGMENT or is_gso(pkt):
        return pkt.fail(FragmentError.DONT_FRAGMENT_SET, FragmentNext.DROP)
    most = (adjacencies[IpMeta(pkt.opaque).adj_index].mtu - MINIMUM) // UNIT * UNIT
    if ip.header_length != MINIMUM or most < UNIT:
        return pkt.fail(FragmentError.CANT_FRAGMENT_HEADER, FragmentNext.DROP)
    if ip.total_length > pkt.total_length or settle(pkt) == 0:
        return pkt.fail(FragmentError.MALFORMED, FragmentNext.DROP)
    payload = ip.total_length - MINIMUM
    if (ip.fragment & FRAGMENT_OFFSET) * UNIT + payload > (FRAGMENT_OFFSET + 1) * UNIT:
        return pkt.fail(FragmentError.MALFORMED, FragmentNext.DROP)
    start = 0
    while start < payload:
        index = cut(rt, pkt, start, min(most, payload - start), start + most < payload)
        if index == 0:
            return pkt.fail(FragmentError.MEMORY, FragmentNext.DROP)
        rt.send(index, FragmentNext.REWRITE)
        rt.count(FragmentError.FRAGMENT_SENT, 1)
        start += most
    rt.count(FragmentError.NONE, 1)
    free(rt.worker.cache, pkt.index)
    return CONSUMED


@routine
def cut(rt: NodeRuntime, pkt: Buffer, start: int, count: int, more: int) -> int:
    """The fragment with ``count`` bytes of payload from ``start`` on: its index, 0 if there are no buffers for it."""
    index = allocate_packet(rt.worker.cache, MINIMUM + count)
    if index == 0:
        return 0
    piece = buffer_at(index)
    inherit(piece, pkt, start)
    copy(piece.data, pkt.data, MINIMUM)
    gather(pkt, MINIMUM + start, piece, MINIMUM, count)
    ip = Ip4Header(piece.data)
    ip.total_length = MINIMUM + count
    ip.fragment = ip.fragment + start // UNIT | (MORE_FRAGMENTS if more else 0)
    ip.checksum = 0
    ip.checksum = header_checksum(ip)
    return index
