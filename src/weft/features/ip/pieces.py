"""Fragments: buffers that have a packet's metadata and some of its bytes."""

from __future__ import annotations

from weft.core.buffer import METADATA, NEXT_PRESENT, TRACED, Buffer, buffer_at
from weft.core.memory import copy
from weft.core.node import routine
from weft.core.trace import Entry
from weft.features.fib.model import IpMeta, adjacencies

UNIT = 8  #: bytes that a fragment's offset counts by


def trace_fragment(entry: Entry) -> str:
    """What is cut into pieces."""
    mtu = adjacencies[IpMeta(entry.buffer.opaque).adj_index].mtu
    version = entry.bytes(0, 1)[0] >> 4
    return f"IPv{version} mtu: {mtu} fragments: {entry.buffer.total_length} bytes"


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
