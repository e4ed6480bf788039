"""What a frame was filled up with is no part of its packet (RFC 894, RFC 2464 3)."""

from __future__ import annotations

from weft.core.buffer import NEXT_PRESENT, Buffer, buffer_at, free
from weft.core.node import routine
from weft.core.runtime import NodeRuntime


@routine
def trim(rt: NodeRuntime, pkt: Buffer, length: int) -> int:
    """Cut off what the Ethernet frame was filled up with."""
    left = length
    piece = pkt
    while left > piece.current_length:
        left -= piece.current_length
        piece = buffer_at(piece.next_buffer)
    piece.current_length = left
    if piece.flags & NEXT_PRESENT:
        free(rt.worker.cache, piece.next_buffer)
        piece.flags = piece.flags & ~NEXT_PRESENT
    pkt.rest_length = length - pkt.current_length
    return 0
