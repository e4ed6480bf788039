"""ip4-frag: a packet that is longer than the MTU leaves as fragments (RFC 791 3.2, RFC 1812 4.2.2.7)."""

from __future__ import annotations

from weft.core.buffer import METADATA, NEXT_PRESENT, TRACED, Buffer, buffer_at, free
from weft.core.memory import copy
from weft.core.node import Nexts, node, routine
from weft.core.runtime import CONSUMED, NodeRuntime
from weft.core.trace import Entry
from weft.core.worker import allocate_packet
from weft.features.fib.model import IpMeta, adjacencies
from weft.features.gso.checksum import settle
from weft.features.gso.model import is_gso
from weft.features.ip4.checksum import header_checksum
from weft.features.ip4.errors import FragmentError
from weft.features.ip4.header import DONT_FRAGMENT, FRAGMENT_OFFSET, MINIMUM, MORE_FRAGMENTS, Ip4Header

UNIT = 8  #: bytes that a fragment's offset counts by


class FragmentNext(Nexts):
    REWRITE = "ip4-rewrite"
    DROP = "ip4-drop"


def _trace_fragment(entry: Entry) -> str:
    meta = IpMeta(entry.buffer.opaque)
    mtu = adjacencies[meta.adj_index].mtu
    return f"IPv4 mtu: {mtu} fragments: {entry.buffer.total_length} bytes"


@node("ip4-frag", next=FragmentNext, trace=_trace_fragment)
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


@routine
def inherit(piece: Buffer, pkt: Buffer, start: int) -> int:
    """A fragment's metadata are the packet's, but where it is in its buffers. The first is traced with the packet."""
    length, flags = piece.current_length, piece.flags
    following, rest = piece.next_buffer, piece.rest_length
    copy(piece.address, pkt.address, METADATA)
    piece.current_data = 0
    piece.current_length = length
    piece.next_buffer = following
    piece.rest_length = rest
    piece.flags = pkt.flags & ~(NEXT_PRESENT | (TRACED if start else 0)) | flags
    moved = pkt.current_data
    piece.l2_hdr_offset = pkt.l2_hdr_offset - moved
    piece.l3_hdr_offset = 0
    piece.l4_hdr_offset = pkt.l4_hdr_offset - moved
    return 0


@routine
def gather(source: Buffer, offset: int, to: Buffer, at: int, count: int) -> int:
    """Copy ``count`` bytes of one packet from ``offset`` on into another, from ``at`` on; both may be chains."""
    while count > 0:
        while offset >= source.current_length:
            offset -= source.current_length
            source = buffer_at(source.next_buffer)
        while at >= to.current_length:
            at -= to.current_length
            to = buffer_at(to.next_buffer)
        part = min(count, min(source.current_length - offset, to.current_length - at))
        copy(to.data + at, source.data + offset, part)
        offset += part
        at += part
        count -= part
    return 0
