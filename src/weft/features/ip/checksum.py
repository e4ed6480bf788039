"""The Internet checksum (RFC 1071), for Python."""

from __future__ import annotations


def internet_checksum(data: bytes | bytearray) -> int:
    """The checksum over some bytes, their own checksum field being 0."""
    total = sum(int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
