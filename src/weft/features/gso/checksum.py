"""The Internet checksum over packets (RFC 1071).

Sums are those of the machine's (little-endian) 16-bit words: a folded sum stored as such a word stands in network
order, whatever the machine's is (RFC 1071 2 B).
"""

from __future__ import annotations

from weft.core.buffer import NEXT_PRESENT, OFFLOAD, Buffer, buffer_at, u32_at
from weft.core.memory import swap16
from weft.core.node import inline, routine
from weft.core.view import View, u8, u16


class Word16(View):
    """A 16-bit word at an address, in the machine's order."""

    value: u16


class Octet(View):
    """One byte at an address."""

    value: u8


@inline
def fold(total: int) -> int:
    """A sum of at most 2^48 as 16 bits, carries added."""
    total = (total & 0xFFFFFFFF) + (total >> 32)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return (total & 0xFFFF) + (total >> 16)


@inline
def fold_few(total: int) -> int:
    """The same of a few 16-bit numbers: of a sum below 2^32 - 2^16."""
    total = (total & 0xFFFF) + (total >> 16)
    return (total & 0xFFFF) + (total >> 16)


@routine
def add_bytes(address: int, length: int) -> int:
    """The folded sum of ``length`` bytes."""
    total = 0
    words = length >> 2
    for i in range(words):
        total += u32_at(address + (i << 2))
    at = address + (words << 2)
    if length & 2:
        total += Word16(at).value
        at += 2
    if length & 1:
        total += Octet(at).value
    return fold(total)


@routine
def add_packet(pkt: Buffer, start: int) -> int:
    """The folded sum of a packet's bytes from ``start`` on, which is in its first buffer, to the end of the chain."""
    total = add_bytes(pkt.data + start, pkt.current_length - start)
    odd = (pkt.current_length - start) & 1
    piece = pkt
    while piece.flags & NEXT_PRESENT:
        piece = buffer_at(piece.next_buffer)
        part = add_bytes(piece.data, piece.current_length)
        total += swap16(part) if odd else part
        odd ^= piece.current_length & 1
    return fold(total)


@routine
def settle(pkt: Buffer) -> int:
    """Finish the checksum that a packet owes, which is not to be cut. 0 if it is impossible: the fields point out of
    the packet.
    """
    if pkt.flags & OFFLOAD == 0:
        return 1
    start = pkt.csum_start - pkt.current_data
    if start < 0 or start + pkt.csum_offset + 2 > pkt.current_length:
        return 0
    total = add_packet(pkt, start) ^ 0xFFFF
    # 0 would mean "no checksum" in UDP; both are the same number (RFC 768).
    Word16(pkt.data + start + pkt.csum_offset).value = total if total != 0 else 0xFFFF
    pkt.flags = pkt.flags & ~OFFLOAD
    return 1
