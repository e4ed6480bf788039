"""Frames with one header field at a time at the bounds of what it may be, and beyond."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from .network import BVI_2, FILTERED, FIXED, HOST_PG1, port_mac
from .wellformed import TAGS, sum16

MACS = [
    "00:00:00:00:00:00",
    "ff:ff:ff:ff:ff:ff",
    "01:00:5e:00:00:01",
    "03:00:00:00:00:01",
    BVI_2,
    FILTERED,
    FIXED,
    HOST_PG1,
    port_mac(0),
    port_mac(1),
]
#: Nobody, everybody, groups, loopback, reserved, our own, a subnet's first and last, hosts known and unknown.
ADDRESSES = [
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "127.0.0.1",
    "240.0.0.1",
    "192.168.2.1",
    "10.1.0.1",
    "10.0.0.1",
    "192.168.2.0",
    "192.168.2.255",
    "10.1.0.255",
    "192.168.2.5",
    "10.1.0.9",
    "10.2.0.77",
    "172.16.0.1",
    "10.11.0.1",
    "10.11.0.8",
    "239.1.1.1",
]
ADDRESSES6 = [
    "::",
    "::1",
    "ff02::1",
    "ff02::1:ff00:1",
    "ff0e::1",
    "fe80::9",
    "fe80::dcad:ff:fe00:1",
    "::ffff:10.1.0.1",
    "2001:db8:2::1",
    "2001:db8:a1::1",
    "2001:db8:2::5",
    "2001:db8:a1::9",
    "2001:db8:a1::77",
    "2001:db8:ffff::1",
    "2001:db8:b1::1",
    "2001:db8:b1::9",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
]
ETHERTYPES = [0x0800, 0x0806, 0x8100, 0x88A8, 0x9100, 0x86DD, 0x05FF, 0x0600]

#: Header -> its fields in order: name and bits.
HEADERS: dict[str, list[tuple[str, int]]] = {
    "ethernet": [("destination", 48), ("source", 48), ("ethertype", 16)],
    "802.3": [("destination", 48), ("source", 48), ("length", 16), ("dsap", 8), ("ssap", 8), ("control", 8)],
    "tag": [("priority", 4), ("vlan", 12), ("ethertype", 16)],
    "snap": [("oui", 24), ("ethertype", 16)],
    "arp": [
        ("hardware type", 16),
        ("protocol type", 16),
        ("hardware length", 8),
        ("protocol length", 8),
        ("opcode", 16),
        ("sender MAC", 48),
        ("sender", 32),
        ("target MAC", 48),
        ("target", 32),
    ],
    "ip": [
        ("version", 4),
        ("header length", 4),
        ("tos", 8),
        ("total length", 16),
        ("id", 16),
        ("flags", 3),
        ("offset", 13),
        ("ttl", 8),
        ("protocol", 8),
        ("checksum", 16),
        ("source", 32),
        ("destination", 32),
    ],
    "ip6": [
        ("version", 4),
        ("class", 8),
        ("label", 20),
        ("payload length", 16),
        ("next header", 8),
        ("hop limit", 8),
        ("source", 128),
        ("destination", 128),
    ],
    "extension": [("next header", 8), ("units", 8), ("first", 8), ("second", 8), ("rest", 32)],
    "icmp6": [("type", 8), ("code", 8), ("checksum", 16), ("word", 32)],
    "nd": [("target", 128), ("option", 8), ("units", 8), ("mac", 48)],
    "icmp": [("type", 8), ("code", 8), ("checksum", 16), ("id", 16), ("sequence", 16)],
    "vxlan": [("flags", 8), ("reserved", 24), ("vni", 24), ("reserved byte", 8)],
    "udp": [("source port", 16), ("destination port", 16), ("length", 16), ("checksum", 16)],
    "tcp": [("source port", 16), ("destination port", 16), ("seq", 32), ("ack", 32), ("offset", 4), ("flags", 12)],
}
IP4, ARP, IP6, SNAP = 0x0800, 0x0806, 0x86DD, 0xAAAA
PROTOCOLS6 = {6: "tcp", 17: "udp", 58: "icmp6"}
EXTENSIONS = (0, 43, 44, 60)
ND = (135, 136)
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp"}
#: Where a protocol's checksum stands.
CHECKSUM_AT = {1: 2, 6: 16, 17: 6}
ETHERNET, UDP, VXLAN = 14, 8, 8  #: sizes of headers
BEFORE_INNER = UDP + VXLAN
TUNNEL_PORTS = (4789,)


def number(data: bytes | bytearray, at: int, size: int = 2) -> int:
    return int.from_bytes(data[at : at + size], "big")


def headers(data: bytes) -> Iterator[tuple[str, int]]:
    """The headers of a frame and where they start; those of a frame in it, which a tunnel carries, too."""
    for name, at in own_headers(data):
        yield name, at
        if name == "udp" and number(data, at + 2) in TUNNEL_PORTS and len(data) >= at + BEFORE_INNER:
            yield "vxlan", at + UDP
            inner = data[at + BEFORE_INNER :]
            if len(inner) >= ETHERNET:
                yield from ((each, at + BEFORE_INNER + start) for each, start in headers(inner))


def own_headers(data: bytes) -> Iterator[tuple[str, int]]:
    """Those that are not in a tunnel."""
    ethertype, at = number(data, 12), 14
    if ethertype < 0x600:
        yield "802.3", 0
        if number(data, 14) != SNAP:
            return
        yield "snap", 17
        ethertype, at = number(data, 20), 22
    else:
        yield "ethernet", 0
    while ethertype in TAGS and len(data) >= at + 4:
        yield "tag", at
        ethertype, at = number(data, at + 2), at + 4
    if ethertype == ARP:
        yield "arp", at
    elif ethertype == IP4:
        yield "ip", at
        if len(data) >= at + 20 and data[at + 9] in PROTOCOLS and number(data, at + 6) & 0x1FFF == 0:
            yield PROTOCOLS[data[at + 9]], at + (data[at] & 15) * 4
    elif ethertype == IP6 and len(data) >= at + 40:
        yield "ip6", at
        yield from headers6(data, data[at + 6], at + 40)


def headers6(data: bytes, protocol: int, at: int) -> Iterator[tuple[str, int]]:
    """What follows an IPv6 header."""
    while protocol in EXTENSIONS and len(data) >= at + 8:
        yield "extension", at
        protocol, at = data[at], at + (8 if protocol == 44 else 8 + data[at + 1] * 8)
    if protocol in PROTOCOLS6 and len(data) >= at + 8:
        yield PROTOCOLS6[protocol], at
        if protocol == 58 and data[at] in ND:
            yield "nd", at + 8


def bounds(name: str, bits: int, now: int) -> set[int]:
    """What is put into a field."""
    if bits == 48:
        return {int(mac.replace(":", ""), 16) for mac in MACS}
    if bits == 128:
        return {int(IPv6Address(address)) for address in ADDRESSES6}
    if bits == 32 and name in ("sender", "target", "source", "destination"):
        return {int(IPv4Address(address)) for address in ADDRESSES}
    top = (1 << bits) - 1
    if bits <= 4:
        return set(range(top + 1))
    values = {0, 1, 2, top - 1, top, 1 << bits - 1, (now + 1) & top, (now - 1) & top}
    return values | set(ETHERTYPES) if name == "ethertype" else values


def with_checksums(frame: bytes) -> bytes:
    """The frame with right checksums as far as the headers say where they are, those of a frame in it first."""
    for name, at in headers(frame):
        if name == "vxlan" and len(frame) >= at + VXLAN + ETHERNET:
            frame = frame[: at + VXLAN] + with_checksums(frame[at + VXLAN :])
            break
    data = bytearray(frame)
    found = dict(own_headers(frame))
    if "ip6" in found:
        return with_checksum6(data, found["ip6"])
    at = found.get("ip")
    if at is None or len(data) < at + 20 or (size := (data[at] & 15) * 4) < 20 or at + size > len(data):
        return frame
    end = max(at + size, min(len(data), at + number(data, at + 2)))
    offset = CHECKSUM_AT.get(data[at + 9])
    if offset is not None and at + size + offset + 2 <= end:
        where = at + size + offset
        data[where : where + 2] = bytes(2)
        pseudo = data[at + 12 : at + 20] + bytes((0, data[at + 9])) + (end - at - size).to_bytes(2, "big")
        total = sum16(bytes(data[at + size : end])) + (sum16(bytes(pseudo)) if data[at + 9] != 1 else 0)
        total = ((total & 0xFFFF) + (total >> 16)) ^ 0xFFFF
        data[where : where + 2] = (total or 0xFFFF).to_bytes(2, "big")
    data[at + 10 : at + 12] = bytes(2)
    data[at + 10 : at + 12] = (sum16(bytes(data[at : at + size])) ^ 0xFFFF).to_bytes(2, "big")
    return bytes(data)


def with_checksum6(data: bytearray, at: int) -> bytes:
    """The same for IPv6."""
    found = [(name, where) for name, where in own_headers(bytes(data)) if name in PROTOCOLS6.values()]
    end = min(len(data), at + 40 + number(data, at + 4))
    for name, start in found:
        protocol = next(each for each, known in PROTOCOLS6.items() if known == name)
        where = start + {6: 16, 17: 6, 58: 2}[protocol]
        if where + 2 <= end:
            data[where : where + 2] = bytes(2)
            pseudo = data[at + 8 : at + 40] + (end - start).to_bytes(4, "big") + bytes((0, 0, 0, protocol))
            total = sum16(bytes(pseudo)) + sum16(bytes(data[start:end]))
            total = ((total & 0xFFFF) + (total >> 16)) ^ 0xFFFF
            data[where : where + 2] = (total or 0xFFFF).to_bytes(2, "big")
    return bytes(data)


def variants(frame: bytes) -> Iterator[tuple[str, bytes]]:
    """(what was set, the frame), with checksums as they were, and, where that makes a difference, made right."""
    seen = {frame}
    whole = int.from_bytes(frame, "big")
    for header, at in headers(frame):
        start = at * 8
        for name, bits in HEADERS[header]:
            shift = len(frame) * 8 - start - bits
            start += bits
            if shift < 0:
                return
            mask = (1 << bits) - 1
            for value in sorted(bounds(name, bits, whole >> shift & mask)):
                changed = (whole & ~(mask << shift) | value << shift).to_bytes(len(frame), "big")
                mended = changed if name == "checksum" else with_checksums(changed)
                for made, how in ((changed, " alone"), (mended, "")):
                    if made not in seen:
                        seen.add(made)
                        yield f"{header} {name} = {value:#x}{how}", made
