"""The IPv6 header and its extension headers as they stand in a packet (RFC 8200 3, 4)."""

from __future__ import annotations

from weft.core.node import inline
from weft.core.view import Array, View, be16, be32, be64, times, u8

MINIMUM = 40  #: bytes of the header
VERSION = 0x60  #: the upper four bits of the first byte
FLOW_LABEL = 0xFFFFF

# Next headers (https://www.iana.org/assignments/protocol-numbers)
HOP_BY_HOP, TCP, UDP, ROUTING, FRAGMENT, AUTHENTICATION, ICMP6, NO_NEXT, DESTINATION = 0, 6, 17, 43, 44, 51, 58, 59, 60


class Ip6Address(View):
    """An address, as two numbers."""

    high: be64
    low: be64


class Octets(View):
    """The same by bytes."""

    bytes: Array[u8] = times(16)


class Ip6Header(View):
    """IPv6. The first word has version, traffic class and flow label."""

    first: be32
    payload_length: be16
    next_header: u8
    hop_limit: u8
    source: Ip6Address
    destination: Ip6Address

    @property
    def version(self) -> int:
        return self.first >> 28

    @property
    def total_length(self) -> int:
        """Bytes of the packet."""
        return self.payload_length + MINIMUM


class Extension(View):
    """What hop-by-hop and destination options, routing headers begin with."""

    next_header: u8
    units: u8  # of eight bytes, beyond the first
    kind: u8  # of a routing header
    segments_left: u8  # likewise


class FragmentHeader(View):
    """A fragment (RFC 8200 4.5)."""

    next_header: u8
    reserved: u8
    offset: be16  # times eight, with MORE
    identification: be32


MORE = 1
OFFSET = 0xFFF8


class Option(View):
    """An option in an extension header (RFC 8200 4.2)."""

    type: u8
    length: u8


assert Ip6Header.size == MINIMUM


@inline
def is_multicast(address: Ip6Address) -> int:
    """Whether this is a group's address (ff00::/8)."""
    return address.high >> 56 == -1


@inline
def is_link_local(address: Ip6Address) -> int:
    """Whether an address means something on one link only (fe80::/10)."""
    return (address.high >> 54) & 0x3FF == 0x3FA


@inline
def same(one: Ip6Address, other: Ip6Address) -> int:
    return (one.high == other.high) & (one.low == other.low)


@inline
def assign(to: Ip6Address, value: Ip6Address) -> None:
    """Copy an address."""
    to.high = value.high
    to.low = value.low
