"""The cases: the rows of the design's table that there are features for. 64-byte frames.

A case is told in the words of VPP's command line, so that any forwarder that knows them can be measured with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.frames import ethernet, in_vxlan, ip6, mac, mac_bytes, packet, shuffled

#: What comes in by a port that routes is sent to these.
PORT_MACS = "02:fe:00:00:aa:00", "02:fe:00:00:aa:01"
HOSTS = 200
VNI = 13


@dataclass(frozen=True)
class Setup:
    """A configuration, as commands, and the frames that come in by one of its ports, pg0 and pg1."""

    lines: tuple[str, ...]
    port: str
    frames: list[bytes]
    leaves_by: str

    @classmethod
    def of(cls, text: str, port: str, frames: list[bytes], leaves_by: str = "pg1") -> Setup:
        lines = (line.strip() for line in (PORTS + text).splitlines())
        return cls(tuple(line for line in lines if line), port, frames, leaves_by)


@dataclass(frozen=True)
class Case:
    """A row."""

    name: str
    what: str
    build: Callable[[], Setup]


PORTS = """
    create packet-generator interface pg0
    create packet-generator interface pg1
    set interface state pg0 up
    set interface state pg1 up
    """


def known(bd_id: int, port: str, count: int, first: bytes = mac(1, 0)) -> str:
    """Static entries of the L2 FIB, one after the other."""
    return f"l2fib add {first.hex(':')} {bd_id} {port} static count {count}\n"


# --- layer 2


def l2_xconnect() -> Setup:
    return Setup.of(
        "set interface l2 xconnect pg0 pg1\nset interface l2 xconnect pg1 pg0",
        "pg0",
        [packet(ethernet(mac(1, n), mac(0, n))) for n in range(256)],
    )


def bridge(count: int) -> Callable[[], Setup]:
    """``count`` sources on one port, as many destinations on the other, all known."""
    return lambda: Setup.of(
        "set interface l2 bridge pg0 1\nset interface l2 bridge pg1 1\n" + known(1, "pg1", count),
        "pg0",
        [packet(ethernet(mac(1, n), mac(0, m))) for m, n in enumerate(shuffled(count))],
    )


def vlan_bridge() -> Setup:
    text = ""
    for port in ("pg0", "pg1"):
        text += f"""
            create sub-interfaces {port} 2
            set interface l2 bridge {port}.2 1
            set interface l2 tag-rewrite {port}.2 pop 1
            set interface state {port}.2 up
            """
    return Setup.of(
        text + known(1, "pg1.2", 256),
        "pg0",
        [packet(ethernet(mac(1, n), mac(0, n), vlan=2)) for n in range(256)],
    )


# --- integrated routing and bridging

BVI_MAC = "de:ad:00:00:01:01"


def routed(first: str, second: str, rewrite: str = "") -> str:
    """Two bridge domains with a BVI each, one routing table, known hosts behind ``second``."""
    text = "loopback create\nip table add 4\n"
    for number, port in ((2, first), (3, second)):
        loop = f"loop{number - 1}"
        text += f"""
            loopback create{f" mac {BVI_MAC}" if number == 2 else ""}
            set interface l2 bridge {loop} {number} bvi
            set interface ip table {loop} 4
            set interface ip address {loop} 192.168.{number}.1/24
            set interface state {loop} up
            set interface l2 bridge {port} {number}
            {rewrite.format(port=port)}
            """
    for n in range(HOSTS):
        text += f"set ip neighbor loop2 192.168.3.{n + 10} {mac(1, n).hex(':')}\n"
    return text + known(3, second, HOSTS)


def routed_frames(vlan: int | None) -> list[bytes]:
    return [
        packet(ethernet(mac_bytes(BVI_MAC), mac(0, n), vlan=vlan), f"192.168.2.{n + 10}", f"192.168.3.{n + 10}")
        for n in range(HOSTS)
    ]


def irb_vlan() -> Setup:
    """The listing: VLAN 2 → BVI → route → BVI → VLAN 3."""
    text = "".join(f"create sub-interfaces pg0 {vlan}\nset interface state pg0.{vlan} up\n" for vlan in (2, 3))
    text += routed("pg0.2", "pg0.3", "set interface l2 tag-rewrite {port} pop 1")
    return Setup.of(text, "pg0", routed_frames(2), leaves_by="pg0")


def irb() -> Setup:
    """The same without tags."""
    return Setup.of(routed("pg0", "pg1"), "pg0", routed_frames(None))


# --- layer 3


def macs() -> str:
    return "".join(f"set interface mac address pg{n} {address}\n" for n, address in enumerate(PORT_MACS))


def routes(count: int) -> Callable[[], Setup]:
    """So many host routes in a row to one neighbor, packets to all of them in no order. One route: to a network,
    packets to 256 hosts of it.
    """

    def build() -> Setup:
        prefix = f"count {count} 20.0.0.0/32" if count > 1 else "20.0.0.0/8"
        text = f"""
            set interface ip address pg0 10.0.0.1/24
            set interface ip address pg1 10.0.1.1/24
            set ip neighbor pg1 10.0.1.2 {mac(1, 0).hex(":")}
            ip route add {prefix} via 10.0.1.2 pg1
            """
        header = ethernet(mac_bytes(PORT_MACS[0]), mac(0, 1))
        targets = [f"20.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in shuffled(max(count, 256))]
        return Setup.of(macs() + text, "pg0", [packet(header, "10.0.0.2", target) for target in targets])

    return build


def routes6(count: int) -> Callable[[], Setup]:
    """The same for IPv6: host routes in a row, or one to a network."""

    def build() -> Setup:
        prefix = f"count {count} 2001:db8:2::/128" if count > 1 else "2001:db8:2::/64"
        text = f"""
            set ip6 nd dad 0
            set interface ip address pg0 2001:db8::1/64
            set interface ip address pg1 2001:db8:1::1/64
            ip6 nd pg0 ra-suppress
            ip6 nd pg1 ra-suppress
            set ip neighbor pg1 2001:db8:1::2 {mac(1, 0).hex(":")}
            ip route add {prefix} via 2001:db8:1::2 pg1
            """
        header = ethernet(mac_bytes(PORT_MACS[0]), mac(0, 1), 0x86DD)
        targets = [f"2001:db8:2::{n:x}" for n in shuffled(max(count, 256))]
        return Setup.of(macs() + text, "pg0", [header + ip6("2001:db8::2", target) for target in targets])

    return build


# --- VXLAN

HERE, THERE = "10.0.1.1", "10.0.1.2"
HERE6, THERE6 = "2001:db8:1::1", "2001:db8:1::2"


def tunnel(here: str = HERE, there: str = THERE, bits: int = 24) -> str:
    """pg0 bridged with a tunnel, whose other end is behind pg1."""
    return f"""
        set interface ip address pg1 {here}/{bits}
        set ip neighbor pg1 {there} {mac(2, 0).hex(":")}
        create vxlan tunnel src {here} dst {there} vni {VNI}
        set interface l2 bridge pg0 1
        set interface l2 bridge vxlan_tunnel0 1
        """


def vxlan_encap(text: str) -> Callable[[], Setup]:
    """Hosts on pg0 send to hosts behind the tunnel."""
    return lambda: Setup.of(
        macs() + text + known(1, "vxlan_tunnel0", 256),
        "pg0",
        [packet(ethernet(mac(1, n), mac(0, n))) for n in range(256)],
    )


def vxlan_decap(more: str = "") -> Callable[[], Setup]:
    """Frames of 64 bytes come out of the tunnel for hosts on pg0."""

    def build() -> Setup:
        header = ethernet(mac_bytes(PORT_MACS[1]), mac(2, 0))
        frames = [packet(ethernet(mac(0, n), mac(1, n))) for n in range(256)]
        return Setup.of(
            macs() + tunnel() + known(1, "pg0", 256, mac(0, 0)) + more,
            "pg1",
            [header + in_vxlan(frame, VNI, THERE, HERE) for frame in frames],
            leaves_by="pg0",
        )

    return build


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
    Case("vxlan-encap", "bridge → VXLAN encapsulation, learning", vxlan_encap(tunnel())),
    Case(
        "vxlan-encap-6",
        "the same over IPv6, with UDP's checksum",
        vxlan_encap("set ip6 nd dad 0\n" + tunnel(HERE6, THERE6, 64)),
    ),
    Case("vxlan-decap", "VXLAN decapsulation → bridge, learning", vxlan_decap()),
    Case("vxlan-decap-bypass", "the same with vxlan-bypass", vxlan_decap("set interface ip vxlan-bypass pg1")),
]


def chosen(names: tuple[str, ...]) -> list[Case]:
    """The cases of these names, or all. Raises ValueError."""
    unknown = set(names) - {case.name for case in CASES}
    if unknown:
        raise ValueError(f"no case {', '.join(sorted(unknown))}; there are {', '.join(case.name for case in CASES)}")
    return [case for case in CASES if not names or case.name in names]
