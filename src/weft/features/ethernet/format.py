"""Frames as people read them in a trace, in VPP's words."""

from __future__ import annotations

from collections.abc import Callable

from weft.features.ethernet.header import ARP, DOT1AD, DOT1Q, DOT1Q_9100, DOT1Q_9200, HEADER, IP4, IP6, MPLS, TAG

NAMES = {
    IP4: "IP4",
    ARP: "ARP",
    IP6: "IP6",
    MPLS: "MPLS",
    DOT1Q: "VLAN",
    DOT1AD: "DOT1AD",
    DOT1Q_9100: "VLAN_9100",
    DOT1Q_9200: "VLAN_9200",
    0x8808: "MAC_CONTROL",
    0x8809: "SLOW_PROTOCOLS",
    0x8848: "MPLS_MULTICAST",
    0x8863: "PPPOE_DISCOVERY",
    0x8864: "PPPOE_SESSION",
    0x888E: "802_1X_AUTHENTICATION",
    0x88CC: "802_1_LLDP",
    0x88E7: "DOT1AH",
    0x894F: "NSH",
}
SHOWN_TAGS = {DOT1Q: "802.1q", DOT1AD: "802.1ad"}
MOST_TAGS = 2

#: By ethertype: the lines that describe a packet of that protocol, which may be cut off anywhere.
payloads: dict[int, Callable[[bytes], list[str]]] = {}


def format_header(data: bytes) -> str:
    """One line about a frame's header: ``IP4: 02:00:00:00:22:05 -> de:ad:00:00:00:16 802.1q vlan 2``."""
    line, _, _ = _header(data)
    return line


def format_frame(data: bytes) -> list[str]:
    """The header's line and those of what it carries."""
    line, ethertype, length = _header(data)
    carried = payloads.get(ethertype)
    return [line, *(carried(data[length:]) if carried and len(data) > length else ())]


def format_ethertype(ethertype: int) -> str:
    """A protocol's name, or its number: ``IP4``, ``0x88b5``."""
    return NAMES.get(ethertype, f"0x{ethertype:04x}")


def _header(data: bytes) -> tuple[str, int, int]:
    """The line, the ethertype behind the tags (0: cut off), and the header's length."""
    tags: list[str] = []
    length = HEADER
    ethertype = int.from_bytes(data[HEADER - 2 : HEADER], "big")
    while ethertype in SHOWN_TAGS and len(tags) < MOST_TAGS and len(data) >= length + TAG:
        tags.append(f" {SHOWN_TAGS[ethertype]} vlan {_tci(int.from_bytes(data[length : length + 2], 'big'))}")
        ethertype = int.from_bytes(data[length + 2 : length + TAG], "big")
        length += TAG
    if len(data) < HEADER or (ethertype in SHOWN_TAGS and len(tags) < MOST_TAGS):
        return "ethernet header truncated", 0, len(data)
    return (
        f"{format_ethertype(ethertype)}: {data[6:12].hex(':')} -> {data[:6].hex(':')}{''.join(tags)}",
        ethertype,
        length,
    )


def _tci(tci: int) -> str:
    priority = f" priority {tci >> 13}" if tci >> 13 else ""
    return f"{tci & 0xFFF}{priority}{' cfi' if tci & 0x1000 else ''}"
