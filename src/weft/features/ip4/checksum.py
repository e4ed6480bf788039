"""Checksums of IPv4 headers and of what they carry (RFC 1071, RFC 1624). Numbers as ``be16`` fields hold them."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.memory import shift_right, swap16, wrap
from weft.core.node import inline, routine
from weft.features.gso.checksum import add_bytes, add_packet, fold
from weft.features.ip4.header import MINIMUM, Ip4Header, Ip4Words

#: The inverse of 65535 modulo 2^64.
INVERSE = -0x0001_0001_0001_0001


@inline
def is_header_good(ip: Ip4Header) -> int:
    """Whether the checksum of a header without options is right: its words add up to a multiple of 65535 (RFC 1071).

    A number divides exactly if its product with the divisor's inverse is the small quotient; other products are large.
    """
    words = Ip4Words(ip.address)
    total = words.a + words.b + words.c + words.d + words.e
    return shift_right(wrap(total * INVERSE), 32) == 0


@routine
def checksum(address: int, length: int) -> int:
    """The checksum of ``length`` bytes, their own checksum field being 0; written over right ones it gives 0."""
    return swap16(add_bytes(address, length) ^ 0xFFFF)


@inline
def header_checksum(ip: Ip4Header) -> int:
    """The checksum of an IPv4 header whose checksum field is 0."""
    if ip.header_length == MINIMUM:
        words = Ip4Words(ip.address)
        return swap16(fold(words.a + words.b + words.c + words.d + words.e) ^ 0xFFFF)
    return checksum(ip.address, ip.header_length)


@inline
def update(old_checksum: int, old: int, new: int) -> int:
    """A checksum after one 16-bit word of what it covers has changed (RFC 1624, equation 3)."""
    total = (old_checksum ^ 0xFFFF) + (old ^ 0xFFFF) + new
    total = (total & 0xFFFF) + (total >> 16)
    return ((total & 0xFFFF) + (total >> 16)) ^ 0xFFFF


@routine
def is_layer4_good(pkt: Buffer, ip: Ip4Header) -> int:
    """Whether the checksum over the packet's layer 4 and the pseudo-header is right, the packet being as long as its
    header says (RFC 768, RFC 9293 3.1).
    """
    header = ip.header_length
    words = Ip4Words(ip.address)
    total = add_packet(pkt, ip.address - pkt.data + header)
    return fold(total + words.d + words.e + swap16(ip.protocol) + swap16(ip.total_length - header)) == 0xFFFF
