"""Between a virtio header and a buffer's offload fields."""

from __future__ import annotations

from weft.core.buffer import CHECKSUM_GOOD, OFFLOAD, Buffer
from weft.core.node import inline, routine
from weft.features.gso.model import (
    GSO_ECN,
    GSO_NONE,
    GSO_TCPV4,
    GSO_TCPV6,
    GSO_UDP,
    TCP_CHECKSUM,
    TCP_HEADER,
    UDP_CHECKSUM,
    UDP_HEADER,
    TcpHeader,
    l4_length,
)
from weft.features.virtio.model import DATA_VALID, GSO_ECN_BIT, NEEDS_CSUM, VirtioNetHeader, VirtioNetWords


@inline
def clear_header(header: VirtioNetHeader) -> None:
    """Nothing is owed."""
    words = VirtioNetWords(header.address)
    words.kind = 0
    words.sizes = 0
    words.offsets = 0


@routine
def take_offload(pkt: Buffer, header: VirtioNetHeader, start: int) -> int:
    """Let a received packet owe what its header says. ``start``: where the packet began that the header counts from,
    from the end of the headroom. 0 if the header is impossible (virtio 1.2, 5.1.6.4.1): nothing in it is to be trusted.
    """
    flags = header.flags
    kind = header.gso_type & ~GSO_ECN_BIT
    if flags & NEEDS_CSUM == 0:
        if flags & DATA_VALID:
            pkt.flags = pkt.flags | CHECKSUM_GOOD
        return kind == GSO_NONE
    csum_start = start + header.csum_start
    csum_offset = header.csum_offset
    end = pkt.current_data + pkt.current_length
    if csum_start <= pkt.current_data or csum_start + csum_offset + 2 > end:
        return 0
    if kind != GSO_NONE and (header.gso_size == 0 or gso_fits(pkt, kind, csum_start, csum_offset, end) == 0):
        return 0
    pkt.flags = pkt.flags | OFFLOAD | CHECKSUM_GOOD
    pkt.gso_type = kind
    pkt.gso_flags = GSO_ECN if header.gso_type & GSO_ECN_BIT else 0
    pkt.gso_size = header.gso_size
    pkt.csum_start = csum_start
    pkt.csum_offset = csum_offset
    return 1


@routine
def gso_fits(pkt: Buffer, kind: int, csum_start: int, csum_offset: int, end: int) -> int:
    """Whether the layer-4 header of a large segment stands whole in the first buffer, which ends at ``end``."""
    if kind == GSO_UDP:
        return csum_offset == UDP_CHECKSUM and csum_start + UDP_HEADER <= end
    if kind != GSO_TCPV4 and kind != GSO_TCPV6:
        return 0
    if csum_offset != TCP_CHECKSUM or csum_start + TCP_HEADER > end:
        return 0
    length = TcpHeader(pkt.address + 256 + csum_start).offset >> 4 << 2
    return length >= TCP_HEADER and csum_start + length <= end


@routine
def give_offload(pkt: Buffer, header: VirtioNetHeader) -> int:
    """Write what a packet with OFFLOAD owes into the header that goes in front of it. 0 if it cannot be said: the
    header that the checksum covers is no longer in the packet.
    """
    start = pkt.csum_start - pkt.current_data
    kind = pkt.gso_type
    if start < 0 or start + pkt.csum_offset + 2 > pkt.current_length:
        return 0
    header.flags = NEEDS_CSUM
    header.gso_type = kind
    header.gso_size = 0
    header.hdr_len = 0
    header.csum_start = start
    header.csum_offset = pkt.csum_offset
    if kind != GSO_NONE:
        if pkt.gso_flags & GSO_ECN:
            header.gso_type = kind | GSO_ECN_BIT
        header.gso_size = pkt.gso_size
        header.hdr_len = start + l4_length(pkt)
        if header.hdr_len > pkt.current_length:
            return 0
    return 1
