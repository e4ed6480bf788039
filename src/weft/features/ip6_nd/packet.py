"""Neighbor discovery's messages as they stand in packets (RFC 4861 4)."""

from __future__ import annotations

from weft.core.view import View, be32, mac, u8, u16
from weft.features.ip6.header import Ip6Address

HOP_LIMIT = 255  #: of all of them: no router has passed them on
MOST_OPTIONS = 32
UNIT = 8  #: bytes, by which options are counted
SOURCE_LINK, TARGET_LINK, PREFIX, MTU = 1, 2, 3, 5  #: options

# NdHeader.flags
ROUTER, SOLICITED, OVERRIDE = 1 << 31, 1 << 30, 1 << 29


class NdHeader(View):
    """A neighbor solicitation or advertisement."""

    type: u8
    code: u8
    checksum: u16
    flags: be32
    target: Ip6Address


class LinkOption(View):
    """An option; those with a link-layer address have one of Ethernet."""

    type: u8
    units: u8
    mac: mac


ND_HEADER, LINK_OPTION = NdHeader.size, LinkOption.size
assert (ND_HEADER, LINK_OPTION) == (24, UNIT)
