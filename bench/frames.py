"""The frames that the cases send: 64 bytes on the wire, 60 without the check sequence."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

FRAME = 60  #: bytes of a 64-byte frame without its check sequence
VXLAN_PORT = 4789


def mac(group: int, number: int) -> bytes:
    return bytes([2, group]) + number.to_bytes(4, "big")


def mac_bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def ethernet(destination: bytes, source: bytes, ethertype: int = 0x0800, vlan: int | None = None) -> bytes:
    tag = b"" if vlan is None else struct.pack(">HH", 0x8100, vlan)
    return destination + source + tag + struct.pack(">H", ethertype)


def ip4(source: str, destination: str, room: int) -> bytes:
    """An IPv4 header and a UDP header, with zeros up to ``room`` bytes."""
    length = max(room, 28)
    header = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, length, 0, 0, 64, 17, 0, IPv4Address(source).packed, IPv4Address(destination).packed
    )
    total = sum(struct.unpack(">10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    header = header[:10] + struct.pack(">H", checksum) + header[12:]
    udp = struct.pack(">HHHH", 1000, 2000, length - 20, 0)
    return (header + udp).ljust(length, b"\0")


def ip6(source: str, destination: str) -> bytes:
    """An IPv6 packet with an empty UDP datagram. Its frame is two bytes longer than the others'."""
    udp = struct.pack(">HHHH", 1000, 2000, 8, 0)
    addresses = IPv6Address(source).packed + IPv6Address(destination).packed
    return struct.pack(">IHBB", 6 << 28, len(udp), 17, 64) + addresses + udp


def packet(header: bytes, source: str = "10.0.0.2", destination: str = "10.0.1.2") -> bytes:
    """A frame with UDP over IPv4 in it."""
    return header + ip4(source, destination, FRAME - len(header))


def in_vxlan(frame: bytes, vni: int, source: str, destination: str) -> bytes:
    """A frame in VXLAN in UDP over IPv4, as a tunnel's other end sends it (RFC 7348 5)."""
    carried = struct.pack(">BxxxI", 0x08, vni << 8) + frame
    outer = ip4(source, destination, 28 + len(carried))
    udp = struct.pack(">HHHH", 50000, VXLAN_PORT, 8 + len(carried), 0)
    return outer[:20] + udp + carried


def shuffled(count: int) -> Iterator[int]:
    """The numbers below ``count``, always in the same disorder."""
    order = list(range(count))
    random.Random(1).shuffle(order)
    return iter(order)
