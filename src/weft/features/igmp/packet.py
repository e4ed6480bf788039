"""IGMP as it stands in a packet (RFC 3376 4, RFC 2236 2)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from ipaddress import IPv4Address

from weft.core.view import View, be16, be32, u8
from weft.features.ip.checksum import internet_checksum
from weft.features.ip.membership import Query, Record, seconds_of

IGMP = 2  #: the protocol
QUERY, REPORT_1, REPORT_2, LEAVE_2, REPORT_3 = 0x11, 0x12, 0x16, 0x17, 0x22
QUERY_3 = 12  #: bytes of a query of version 3, at least
TENTH = 0.1
WITHIN_1 = 10.0  #: seconds; a query of version 1 does not say
ALL_SYSTEMS, ALL_ROUTERS, REPORTED_TO = (IPv4Address(each) for each in ("224.0.0.1", "224.0.0.2", "224.0.0.22"))
#: Version and length of a header with a router alert (RFC 2113), the precedence of network control, the time to live.
VERSION_IHL, TOS, TTL, HEADER = 0x46, 0xC0, 1, 24
ROUTER_ALERT = b"\x94\x04\0\0"


class IgmpHeader(View):
    """What all messages begin with, and the group of most."""

    type: u8
    code: u8  # of a query: within which time it is to be answered
    checksum: be16
    group: be32


IGMP_HEADER = IgmpHeader.size


def report(records: Sequence[Record]) -> bytes:
    """A report of version 3."""
    body = b"".join(bytes((change, 0, 0, 0)) + group.packed for change, group in records)
    return _message(REPORT_3, struct.pack(">HH", 0, len(records)) + body)


def report_2(kind: int, group: IPv4Address) -> bytes:
    """A report, or that a group is left, of version 2."""
    return _message(kind, group.packed)


def _message(kind: int, body: bytes) -> bytes:
    made = bytes((kind, 0, 0, 0)) + body
    return made[:2] + internet_checksum(made).to_bytes(2, "big") + made[4:]


def packet(source: IPv4Address, to: IPv4Address, message: bytes) -> bytes:
    """An IPv4 packet with a message, for the link only (RFC 3376 4)."""
    front = struct.pack(">BBHHHBB", VERSION_IHL, TOS, HEADER + len(message), 0, 0, TTL, IGMP)
    behind = source.packed + to.packed + ROUTER_ALERT
    checksum = internet_checksum(front + bytes(2) + behind)
    return front + checksum.to_bytes(2, "big") + behind + message


def read_query(data: bytes) -> Query | None:
    """A query, from its IPv4 header on; None if this is none (RFC 3376 4.1, 7.1)."""
    if len(data) < HEADER:
        return None
    message = data[(data[0] & 15) * 4 : int.from_bytes(data[2:4], "big")]
    size = len(message)
    if size < IGMP_HEADER or message[0] != QUERY or IGMP_HEADER < size < QUERY_3 or internet_checksum(message):
        return None
    older = size == IGMP_HEADER
    group = IPv4Address(message[4:8])
    within = seconds_of(message[1], 8, TENTH) if not older else message[1] * TENTH or WITHIN_1
    return Query(None if group == IPv4Address(0) else group, within, older)
