"""ICMPv6 packets made by the main thread."""

from __future__ import annotations

from ipaddress import IPv6Address

from weft.features.icmp6.types import PROTOCOL_ICMP6
from weft.features.ip.checksum import internet_checksum

VERSION = 6 << 28
HOP_BY_HOP = 0
#: A hop-by-hop header with a router alert for multicast listener discovery (RFC 2711), filled up.
ROUTER_ALERT = bytes((PROTOCOL_ICMP6, 0, 5, 2, 0, 0, 1, 0))


def icmp6_packet(
    source: IPv6Address, destination: IPv6Address, message: bytes, *, hop_limit: int = 255, alert: bool = False
) -> bytes:
    """An IPv6 packet with a message whose checksum field is 0; ``alert``: routers are to look at it."""
    pseudo = source.packed + destination.packed + len(message).to_bytes(4, "big") + bytes((0, 0, 0, PROTOCOL_ICMP6))
    checked = message[:2] + internet_checksum(pseudo + message).to_bytes(2, "big") + message[4:]
    extension = ROUTER_ALERT if alert else b""
    header = (
        VERSION.to_bytes(4, "big")
        + (len(extension) + len(message)).to_bytes(2, "big")
        + bytes((HOP_BY_HOP if alert else PROTOCOL_ICMP6, hop_limit))
    )
    return header + source.packed + destination.packed + extension + checked
