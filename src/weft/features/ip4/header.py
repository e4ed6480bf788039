"""The IPv4 header as it stands in a packet (RFC 791 3.1)."""

from __future__ import annotations

from weft.core.view import Bytes, View, be16, be32, be64, over, times, u8, u32

MINIMUM = 20  #: bytes of a header without options
VERSION_IHL = 0x45  #: version 4, five words: a header without options

# Ip4Header.fragment
DONT_FRAGMENT = 0x4000
MORE_FRAGMENTS = 0x2000
FRAGMENT_OFFSET = 0x1FFF  #: in units of 8 bytes


class Ip4Header(View):
    """IPv4."""

    version_ihl: u8
    tos: u8
    total_length: be16
    identification: be16
    fragment: be16
    ttl: u8
    protocol: u8
    checksum: be16
    source: be32
    destination: be32
    options: Bytes = times(0)
    ends: be64 = over("source")  # and destination

    @property
    def header_length(self) -> int:
        """Bytes, options included."""
        return (self.version_ihl & 15) << 2


class Ip4Words(View):
    """The header as its checksum sees it, in the machine's order (RFC 1071 2 B)."""

    a: u32
    b: u32
    c: u32
    d: u32
    e: u32


assert Ip4Header.size == Ip4Words.size == MINIMUM
