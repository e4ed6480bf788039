"""Whether a packet that was routed, or made here, is as the RFCs want it."""

from __future__ import annotations

from scapy.layers.inet import IP
from scapy.layers.l2 import Ether

from weft import Engine
from weft.features.interface.model import Interfaces

IP_TYPE, IP6_TYPE, TAGS = 0x0800, 0x86DD, (0x8100, 0x88A8)


def sum16(data: bytes) -> int:
    """The one's complement sum of RFC 1071; 0xffff if a checksum in ``data`` is right."""
    total = sum(int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def after_tags(data: bytes) -> tuple[int, bytes]:
    """The ethertype behind all tags, and what follows it."""
    at = 12
    while (ethertype := int.from_bytes(data[at : at + 2], "big")) in TAGS:
        at += 4
    return ethertype, data[at + 2 :]


def check_routed(engine: Engine, interface: str, data: bytes) -> None:
    """Raises AssertionError unless this is a frame with a proper IP packet (RFC 1812 5.2.2, RFC 8200 3)."""
    shown = data[:80].hex()
    ethertype, packet = after_tags(data)
    assert data[6] & 1 == 0, f"{interface}: from a group: {shown}"
    if ethertype == IP6_TYPE:
        check_routed6(engine, interface, packet)
        return
    assert ethertype == IP_TYPE, f"{interface}: ethertype {ethertype:#x}: {shown}"
    header = (packet[0] & 15) * 4
    assert packet[0] >> 4 == 4 and header >= 20, f"{interface}: no IPv4 header: {shown}"
    length = int.from_bytes(packet[2:4], "big")
    assert header <= length <= len(packet), f"{interface}: {length} bytes of {len(packet)}: {shown}"
    assert sum16(packet[:header]) == 0xFFFF, f"{interface}: wrong header checksum: {shown}"
    assert packet[8] > 0, f"{interface}: no hop left: {shown}"
    assert length <= engine[Interfaces].mtu(engine[Interfaces][interface]), f"{interface}: longer than the MTU: {shown}"
    assert Ether(data).haslayer(IP), f"{interface}: scapy sees no IP: {shown}"


def check_routed6(engine: Engine, interface: str, packet: bytes) -> None:
    """The same for an IPv6 packet."""
    shown = packet[:80].hex()
    assert len(packet) >= 40 and packet[0] >> 4 == 6, f"{interface}: no IPv6 header: {shown}"
    length = 40 + int.from_bytes(packet[4:6], "big")
    assert length <= len(packet), f"{interface}: {length} bytes of {len(packet)}: {shown}"
    assert packet[7] > 0, f"{interface}: no hop left: {shown}"
    assert packet[8] != 0xFF and any(packet[8:24]), f"{interface}: from no single host: {shown}"
    mtu = engine[Interfaces].mtu(engine[Interfaces][interface], "ip6")
    assert length <= mtu, f"{interface}: longer than the MTU: {shown}"


def check_tunnelled(interface: str, data: bytes) -> None:
    """Raises AssertionError unless a whole frame that has come out of an encapsulation is proper UDP (RFC 768), with a
    VXLAN header whose reserved bits are 0 (RFC 7348 5).
    """
    ethertype, packet = after_tags(data)
    at, pseudo = (20, packet[12:20]) if ethertype == IP_TYPE else (40, packet[8:40])
    udp = packet[at:]
    assert udp[4:6] == len(udp).to_bytes(2, "big"), f"{interface}: UDP of another length: {data[:80].hex()}"
    if ethertype == IP6_TYPE or any(udp[6:8]):
        total = sum16(pseudo + bytes((0, 17)) + udp[4:6] + udp)
        assert total == 0xFFFF and any(udp[6:8]), f"{interface}: wrong UDP checksum: {data[:80].hex()}"
    assert udp[8:12] == b"\x08\0\0\0" and udp[15] == 0, f"{interface}: no VXLAN header: {data[:80].hex()}"


def is_later_fragment(data: bytes) -> bool:
    """Whether this is an IPv4 fragment, but not the first."""
    ethertype, packet = after_tags(data)
    return ethertype == IP_TYPE and len(packet) >= 20 and int.from_bytes(packet[6:8], "big") & 0x1FFF != 0
