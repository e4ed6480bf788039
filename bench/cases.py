"""The cases: the rows of the design's table that there are features for. 64-byte frames, one worker."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from bench.measure import Case
from weft import Engine
from weft.features.interface.address import parse_mac
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip4.model import Ip4
from weft.features.ip6.model import Ip6
from weft.features.l2.model import L2Fib
from weft.features.pg.model import PacketGenerator

FRAME = 60  #: bytes of a 64-byte frame without its check sequence


def mac(group: int, number: int) -> bytes:
    return bytes([2, group]) + number.to_bytes(4, "big")


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


def packet(header: bytes, source: str = "10.0.0.2", destination: str = "10.0.1.2") -> bytes:
    return header + ip4(source, destination, FRAME - len(header))


def ports(engine: Engine) -> tuple[Interface, Interface]:
    """Two packet-generator interfaces, up."""
    made = []
    for name in ("pg0", "pg1"):
        port = engine[PacketGenerator].create(name)
        engine[Interfaces].set_admin(port, True)
        made.append(port)
    return made[0], made[1]


def run(engine: Engine, text: str) -> None:
    for line in text.strip().splitlines():
        engine.cli(line.strip())


def stream(engine: Engine, port: Interface, packets: list[bytes]) -> None:
    engine[PacketGenerator].add("bench", port, packets)


def shuffled(count: int) -> Iterator[int]:
    """The numbers below ``count``, always in the same disorder."""
    order = list(range(count))
    random.Random(1).shuffle(order)
    return iter(order)


# --- layer 2


def l2_xconnect(engine: Engine) -> None:
    a, _ = ports(engine)
    run(engine, "set interface l2 xconnect pg0 pg1\nset interface l2 xconnect pg1 pg0")
    stream(engine, a, [packet(ethernet(mac(1, n), mac(0, n))) for n in range(256)])


def bridge(count: int):  # type: ignore[no-untyped-def]
    """``count`` sources on one port, as many destinations on the other, all known."""

    def build(engine: Engine) -> None:
        a, b = ports(engine)
        run(engine, "set interface l2 bridge pg0 1\nset interface l2 bridge pg1 1")
        known(engine, 1, b, [mac(1, n) for n in range(count)])
        stream(engine, a, [packet(ethernet(mac(1, n), mac(0, m))) for m, n in enumerate(shuffled(count))])

    return build


def known(engine: Engine, bd_id: int, port: Interface, macs: list[bytes]) -> None:
    """Static entries of the L2 FIB."""
    engine[L2Fib].add_many(bd_id, port, [int.from_bytes(each, "little") for each in macs])


def vlan_bridge(engine: Engine) -> None:
    a, _ = ports(engine)
    for port in ("pg0", "pg1"):
        run(
            engine,
            f"""
            create sub-interfaces {port} 2
            set interface l2 bridge {port}.2 1
            set interface l2 tag-rewrite {port}.2 pop 1
            set interface state {port}.2 up
            """,
        )
    known(engine, 1, engine[Interfaces]["pg1.2"], [mac(1, n) for n in range(256)])
    stream(engine, a, [packet(ethernet(mac(1, n), mac(0, n), vlan=2)) for n in range(256)])


# --- integrated routing and bridging

HOSTS = 200


def irb_vlan(engine: Engine) -> None:
    """The listing: VLAN 2 → BVI → route → BVI → VLAN 3."""
    a, _ = ports(engine)
    for vlan in (2, 3):
        run(engine, f"create sub-interfaces pg0 {vlan}\nset interface state pg0.{vlan} up")
    routed(engine, "pg0.2", "pg0.3", "set interface l2 tag-rewrite {port} pop 1")
    gateway = parse_mac("de:ad:00:00:00:01").to_bytes(6, "little")
    stream(
        engine,
        a,
        [
            packet(ethernet(gateway, mac(0, n), vlan=2), f"192.168.2.{n + 10}", f"192.168.3.{n + 10}")
            for n in range(HOSTS)
        ],
    )


def irb(engine: Engine) -> None:
    """The same without tags."""
    a, _ = ports(engine)
    routed(engine, "pg0", "pg1", "")
    gateway = parse_mac("de:ad:00:00:00:01").to_bytes(6, "little")
    stream(
        engine,
        a,
        [packet(ethernet(gateway, mac(0, n)), f"192.168.2.{n + 10}", f"192.168.3.{n + 10}") for n in range(HOSTS)],
    )


def routed(engine: Engine, first: str, second: str, rewrite: str) -> None:
    """Two bridge domains with a BVI each, one routing table, known hosts behind ``second``."""
    run(engine, "loopback create\nip table add 4")
    for number, port in ((2, first), (3, second)):
        run(
            engine,
            f"""
            loopback create
            set interface l2 bridge loop{number - 1} {number} bvi
            set interface ip table loop{number - 1} 4
            set interface ip address loop{number - 1} 192.168.{number}.1/24
            set interface state loop{number - 1} up
            set interface l2 bridge {port} {number}
            {rewrite.format(port=port)}
            """,
        )
    for n in range(HOSTS):
        run(engine, f"set ip neighbor loop2 192.168.3.{n + 10} {mac(1, n).hex(':')}")
    known(engine, 3, engine[Interfaces][second], [mac(1, n) for n in range(HOSTS)])


# --- layer 3


def routes(count: int):  # type: ignore[no-untyped-def]
    """So many host routes in a row to one neighbor (as `ip route add ... count` makes them), packets to all of them
    in no order. One route: to a network, packets to 256 hosts of it.
    """

    def build(engine: Engine) -> None:
        a, b = ports(engine)
        run(
            engine,
            f"""
            set interface ip address pg0 10.0.0.1/24
            set interface ip address pg1 10.0.1.1/24
            set ip neighbor pg1 10.0.1.2 {mac(1, 0).hex(":")}
            """,
        )
        targets = [f"20.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in shuffled(max(count, 256))]
        prefixes = [f"{target}/32" for target in targets] if count > 1 else ["20.0.0.0/8"]
        engine[Ip4].add_routes(0, [(prefix, "10.0.1.2", b) for prefix in prefixes])
        stream(engine, a, [packet(ethernet(mac_of(a), mac(0, 1)), "10.0.0.2", target) for target in targets])

    return build


def ip6(source: str, destination: str) -> bytes:
    """An IPv6 packet with an empty UDP datagram. Its frame is two bytes longer than the others'."""
    udp = struct.pack(">HHHH", 1000, 2000, 8, 0)
    addresses = IPv6Address(source).packed + IPv6Address(destination).packed
    return struct.pack(">IHBB", 6 << 28, len(udp), 17, 64) + addresses + udp


def routes6(count: int):  # type: ignore[no-untyped-def]
    """The same for IPv6: host routes in a row, or one to a network."""

    def build(engine: Engine) -> None:
        a, b = ports(engine)
        run(
            engine,
            f"""
            set ip6 nd dad 0
            set interface ip address pg0 2001:db8::1/64
            set interface ip address pg1 2001:db8:1::1/64
            ip6 nd pg0 ra-suppress
            ip6 nd pg1 ra-suppress
            set ip neighbor pg1 2001:db8:1::2 {mac(1, 0).hex(":")}
            """,
        )
        targets = [f"2001:db8:2::{n:x}" for n in shuffled(max(count, 256))]
        prefixes = [f"{target}/128" for target in targets] if count > 1 else ["2001:db8:2::/64"]
        engine[Ip6].add_routes(0, [(prefix, "2001:db8:1::2", b) for prefix in prefixes])
        header = ethernet(mac_of(a), mac(0, 1), 0x86DD)
        stream(engine, a, [header + ip6("2001:db8::2", target) for target in targets])

    return build


# --- VXLAN

VTEP = "10.0.1.2"


def vxlan(engine: Engine, version: int = 4) -> tuple[Interface, Interface]:
    """pg0 bridged with a tunnel, whose other end is behind pg1."""
    a, b = ports(engine)
    here, there = ("10.0.1.1", VTEP) if version == 4 else ("2001:db8:1::1", "2001:db8:1::2")
    run(
        engine,
        f"""
        set ip6 nd dad 0
        set interface ip address pg1 {here}/{24 if version == 4 else 64}
        set ip neighbor pg1 {there} {mac(2, 0).hex(":")}
        create vxlan tunnel src {here} dst {there} vni 13
        set interface l2 bridge pg0 1
        set interface l2 bridge vxlan_tunnel0 1
        """,
    )
    return a, b


def vxlan_encap(version: int):  # type: ignore[no-untyped-def]
    """Hosts on pg0 send to hosts behind the tunnel."""

    def build(engine: Engine) -> None:
        a, _ = vxlan(engine, version)
        known(engine, 1, engine[Interfaces]["vxlan_tunnel0"], [mac(1, n) for n in range(256)])
        stream(engine, a, [packet(ethernet(mac(1, n), mac(0, n))) for n in range(256)])

    return build


def vxlan_decap(bypass: bool):  # type: ignore[no-untyped-def]
    """Frames of 64 bytes come out of the tunnel for hosts on pg0."""

    def build(engine: Engine) -> None:
        a, b = vxlan(engine)
        known(engine, 1, a, [mac(0, n) for n in range(256)])
        if bypass:
            run(engine, "set interface ip vxlan-bypass pg1")
        header = ethernet(mac_of(b), mac(2, 0))
        stream(engine, b, [header + datagram(packet(ethernet(mac(0, n), mac(1, n)))) for n in range(256)])

    return build


def datagram(frame: bytes) -> bytes:
    """A frame in VXLAN, as the other end sends it."""
    carried = struct.pack(">BxxxI", 0x08, 13 << 8) + frame
    outer = ip4(VTEP, "10.0.1.1", 28 + len(carried))
    udp = struct.pack(">HHHH", 50000, 4789, 8 + len(carried), 0)
    return outer[:20] + udp + carried


def mac_of(port: Interface) -> bytes:
    return port.row.mac.to_bytes(6, "little")


CASES = [
    Case("l2-xconnect", "L2 cross-connect", l2_xconnect),
    Case("l2-bridge-256", "bridge domain, 256+256 MACs, learning", bridge(256)),
    Case("l2-bridge-10k", "the same, 10,000+10,000 MACs", bridge(10_000)),
    Case("l2-bridge-100k", "the same, 100,000+100,000 MACs", bridge(100_000)),
    Case("vlan-bridge", "VLAN in, pop 1, bridge, push, VLAN out, learning", vlan_bridge),
    Case("irb-vlan", "VLAN 2 → BVI → route → BVI → VLAN 3, learning", irb_vlan),
    Case("irb", "the same untagged", irb),
    Case("ip4-1", "IPv4, 1 route", routes(1)),
    Case("ip4-10k", "IPv4, 10,000 routes", routes(10_000)),
    Case("ip4-100k", "IPv4, 100,000 routes", routes(100_000)),
    Case("ip6-1", "IPv6, 1 route", routes6(1)),
    Case("ip6-10k", "IPv6, 10,000 routes", routes6(10_000)),
    Case("vxlan-encap", "bridge → VXLAN encapsulation, learning", vxlan_encap(4)),
    Case("vxlan-encap-6", "the same over IPv6, with UDP's checksum", vxlan_encap(6)),
    Case("vxlan-decap", "VXLAN decapsulation → bridge, learning", vxlan_decap(False)),
    Case("vxlan-decap-bypass", "the same with vxlan-bypass", vxlan_decap(True)),
]
