"""Router solicitations and advertisements of others, read with care (RFC 4861 6.1)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address, IPv6Network

from msgspec import Struct

from weft.features.icmp6.types import PROTOCOL_ICMP6
from weft.features.ip6.header import MINIMUM
from weft.features.ip6_nd.packet import PREFIX, SOURCE_LINK, UNIT

SOLICITATION, ADVERTISEMENT = 8, 16  #: bytes without options


class RouterPrefix(Struct, frozen=True):
    """A prefix in an advertisement."""

    prefix: IPv6Network
    flags: int
    valid: int
    preferred: int


class Advertisement(Struct, frozen=True):
    """What another router says of itself."""

    router: IPv6Address
    hop_limit: int
    flags: int
    lifetime: int  #: seconds
    reachable: int  #: milliseconds
    retransmit: int  #: milliseconds
    prefixes: tuple[RouterPrefix, ...]


def _message(packet: bytes, least: int) -> bytes | None:
    """The ICMPv6 message of a packet without extension headers."""
    length = int.from_bytes(packet[4:6], "big")
    message = packet[MINIMUM : MINIMUM + length]
    if len(packet) < MINIMUM or packet[6] != PROTOCOL_ICMP6 or len(message) < least or message[1] != 0:
        return None
    return message


def _options(data: bytes) -> Iterator[bytes] | None:
    """The options; None if they are malformed."""
    found, at = [], 0
    while at < len(data):
        length = data[at + 1] * UNIT if at + 1 < len(data) else 0
        if length == 0 or at + length > len(data):
            return None
        found.append(data[at : at + length])
        at += length
    return iter(found)


def read_solicitation(packet: bytes) -> tuple[IPv6Address, int] | None:
    """Who asks for routers, and from which MAC address (0: unsaid); None if it makes no sense."""
    message = _message(packet, SOLICITATION)
    options = None if message is None else _options(message[SOLICITATION:])
    if options is None:
        return None
    source = IPv6Address(packet[8:24])
    link = next((each for each in options if each[0] == SOURCE_LINK and len(each) == UNIT), None)
    if source.is_unspecified and link is not None:
        return None
    mac = int.from_bytes(link[2:8], "little") if link else 0
    return source, 0 if mac & 1 else mac


def read_advertisement(packet: bytes) -> Advertisement | None:
    """What a router says; None if it makes no sense."""
    message = _message(packet, ADVERTISEMENT)
    options = None if message is None else _options(message[ADVERTISEMENT:])
    if message is None or options is None:
        return None
    prefixes = [
        RouterPrefix(
            IPv6Network((each[16:32], each[2]), strict=False),
            each[3],
            int.from_bytes(each[4:8], "big"),
            int.from_bytes(each[8:12], "big"),
        )
        for each in options
        if each[0] == PREFIX and len(each) == 32 and each[2] <= 128
    ]
    return Advertisement(
        IPv6Address(packet[8:24]),
        message[4],
        message[5],
        int.from_bytes(message[6:8], "big"),
        int.from_bytes(message[8:12], "big"),
        int.from_bytes(message[12:16], "big"),
        tuple(prefixes),
    )
