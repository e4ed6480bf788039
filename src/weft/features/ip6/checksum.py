"""The checksum of what an IPv6 packet carries, over it and the pseudo-header (RFC 8200 8.1)."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.memory import swap16
from weft.core.node import routine
from weft.features.gso.checksum import add_bytes, add_packet, fold
from weft.features.ip6.header import Ip6Header

ADDRESSES = 32  #: bytes of both


@routine
def layer4_sum(pkt: Buffer, ip: Ip6Header, start: int, protocol: int) -> int:
    """The folded sum of the layer 4 that starts ``start`` bytes behind the packet's first, and of the pseudo-header, in
    the machine's order: 0xFFFF if the checksum in it is right; its complement is the checksum where that is 0 now.
    """
    total = add_packet(pkt, start) + add_bytes(ip.source.address, ADDRESSES)
    return fold(total + swap16(ip.total_length - start) + swap16(protocol))


@routine
def is_layer4_good(pkt: Buffer, ip: Ip6Header, start: int, protocol: int) -> int:
    """Whether the checksum is right, the packet being as long as its header says."""
    return int(layer4_sum(pkt, ip, start, protocol) == 0xFFFF)
