"""Valid frames of every kind, with where they come in."""

from __future__ import annotations

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_Router_Alert, IPOption_RR
from scapy.layers.inet6 import (
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6MLQuery2,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RA,
    ICMPv6ND_RS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptPrefixInfo,
    ICMPv6NDOptSrcLLAddr,
    ICMPv6TimeExceeded,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    RouterAlert,
)
from scapy.layers.l2 import ARP, LLC, SNAP, STP, Dot1AD, Dot1Q, Dot3, Ether
from scapy.packet import Packet, Raw

from .frame import EVERYBODY, OTHER, Frame
from .network import (
    BVI_2,
    BVI_3,
    FILTERED,
    FIXED,
    HOST_2,
    HOST_3,
    HOST_4,
    HOST_8,
    HOST_PG1,
    KNOWN6_2,
    KNOWN_2,
    mac,
    port_mac,
)
from .tunnelled import JUMBO_TUNNELLED, TUNNELLED, VARIED_TUNNELLED


def on_2(payload: Packet, *, to: str = BVI_2, **tag: int) -> Frame:
    """From the host in VLAN 2, to its gateway's BVI."""
    return Frame("pg0", Ether(src=HOST_2, dst=to) / Dot1Q(vlan=2, **tag) / payload)


def on_pg1(payload: Packet, *, to: str = port_mac(1)) -> Frame:
    """From the host at the routed port pg1."""
    return Frame("pg1", Ether(src=HOST_PG1, dst=to) / payload)


def asks(who: str, sender: str, target: str, **changes: object) -> Packet:
    return ARP(op=1, hwsrc=who, psrc=sender, pdst=target, **changes)


def answers(who: str, sender: str, to: str, target: str) -> Packet:
    return ARP(op=2, hwsrc=who, psrc=sender, hwdst=to, pdst=target)


def ip(destination: str, source: str = "192.168.2.5", **changes: object) -> IP:
    return IP(src=source, dst=destination, **changes)


def stacked(*vlans: int, source: str = mac(0x70), to: str = mac(0x71), outer: type[Packet] = Dot1Q) -> Frame:
    """A frame with so many tags on the trunk."""
    packet = Ether(src=source, dst=to)
    for position, vlan in enumerate(vlans):
        packet /= (Dot1Q if position else outer)(vlan=vlan)
    return Frame("pg0", packet / ip("192.168.3.5") / UDP(sport=1, dport=2) / Raw(b"stack"))


def ip6(destination: str, source: str = "2001:db8:2::5", **changes: object) -> IPv6:
    return IPv6(src=source, dst=destination, **changes)


def solicits(target: str, source: str = "2001:db8:a1::9", who: str = HOST_PG1) -> Packet:
    """A neighbor solicitation, to the group of an address with a small last word."""
    made = ip6(f"ff02::1:ff00:{target.rsplit(':', 1)[1]}", source, hlim=255) / ICMPv6ND_NS(tgt=target)
    return made / ICMPv6NDOptSrcLLAddr(lladdr=who) if source != "::" else made


def advertises(target: str, **flags: int) -> Packet:
    made = ip6("2001:db8:a1::1", target, hlim=255) / ICMPv6ND_NA(tgt=target, **flags)
    return made / ICMPv6NDOptDstLLAddr(lladdr=HOST_PG1)


GROUP6 = "33:33:ff:00:00:01"

FRAMES: dict[str, Frame] = {
    # ARP
    "arp request to a BVI": on_2(asks(HOST_2, "192.168.2.5", "192.168.2.1"), to=EVERYBODY),
    "arp request, terminated": on_2(asks(HOST_2, "192.168.2.5", KNOWN_2), to=EVERYBODY),
    "arp request, flooded": on_2(asks(HOST_2, "192.168.2.5", "192.168.2.7"), to=EVERYBODY),
    "arp request to a port": on_pg1(asks(HOST_PG1, "10.1.0.9", "10.1.0.1"), to=EVERYBODY),
    "arp request of a newcomer": on_pg1(asks(HOST_PG1, "10.1.0.50", "10.1.0.2"), to=EVERYBODY),
    "arp request, proxied": on_pg1(asks(HOST_PG1, "10.1.0.9", "10.66.0.5"), to=EVERYBODY),
    "arp announcement": on_pg1(asks(HOST_PG1, "10.1.0.9", "10.1.0.9"), to=EVERYBODY),
    "arp reply": on_pg1(answers(HOST_PG1, "10.1.0.9", port_mac(1), "10.1.0.1")),
    "arp reply, VLAN": on_2(answers(HOST_2, "192.168.2.5", BVI_2, "192.168.2.1")),
    "arp request on a QinQ interface": Frame(
        "pg0",
        Ether(src=HOST_8, dst=EVERYBODY) / Dot1AD(vlan=8) / Dot1Q(vlan=80) / asks(HOST_8, "10.8.0.9", "10.8.0.1"),
    ),
    "arp where there is no IP": Frame("pg8", Ether(src=mac(1), dst=EVERYBODY) / asks(mac(1), "10.0.0.2", "10.0.0.1")),
    "arp in a domain with uu-fwd": Frame("pg9", Ether(src=mac(2), dst=EVERYBODY) / asks(mac(2), "1.0.0.2", "1.0.0.1")),
    # to this machine
    "echo request to a BVI": on_2(ip("192.168.2.1") / ICMP(id=1, seq=2) / Raw(b"ping")),
    "echo request to a port": on_pg1(ip("10.1.0.1", "10.1.0.9") / ICMP(id=1, seq=3) / Raw(b"x" * 100)),
    "echo request to a loopback": on_pg1(ip("10.0.0.1", "10.1.0.9") / ICMP(id=1, seq=4)),
    "echo reply": on_pg1(ip("10.1.0.1", "10.1.0.9") / ICMP(type=0, id=7, seq=1) / Raw(b"pong")),
    "unreachable to us": on_pg1(
        ip("10.1.0.1", "10.1.0.9") / ICMP(type=3, code=1) / ip("10.1.0.9", "10.1.0.1") / UDP(sport=1, dport=2)
    ),
    "timestamp request": on_pg1(ip("10.1.0.1", "10.1.0.9") / ICMP(type=13)),
    "udp to us": on_2(ip("192.168.2.1") / UDP(sport=1000, dport=9) / Raw(b"anybody?")),
    "tcp to us": on_2(ip("192.168.2.1") / TCP(sport=1000, dport=179, flags="S")),
    "protocol 89 to us": on_pg1(ip("10.1.0.1", "10.1.0.9", proto=89) / Raw(b"ospf" * 6)),
    "fragment to us": on_2(ip("192.168.2.1", flags="MF") / UDP(sport=1, dport=2) / Raw(b"y" * 24)),
    # routed
    "udp, VLAN to VLAN": on_2(ip("192.168.3.5") / UDP(sport=1, dport=2) / Raw(b"hello")),
    "tcp, VLAN to port": on_2(ip("10.1.0.9") / TCP(sport=5, dport=80, flags="PA") / Raw(b"GET")),
    "udp, VLAN to QinQ": on_2(ip("10.8.0.9") / UDP(sport=1, dport=2) / Raw(b"hello")),
    "udp, two paths": on_pg1(ip("10.9.1.1", "10.1.0.9") / UDP(sport=7, dport=8) / Raw(b"ecmp")),
    "udp from a routed VLAN": Frame(
        "pg0",
        Ether(src=HOST_4, dst=port_mac(0)) / Dot1Q(vlan=4) / ip("10.2.0.9", "10.4.0.9") / UDP() / Raw(b"four"),
    ),
    "first fragment": on_2(ip("192.168.3.5", flags="MF") / UDP(sport=1, dport=2) / Raw(b"z" * 16)),
    "later fragment": on_2(ip("192.168.3.5", frag=5, flags="MF") / Raw(b"z" * 24)),
    "last fragment": on_2(ip("192.168.3.5", frag=8) / Raw(b"z" * 3)),
    "padded": on_2(ip("192.168.3.5") / UDP(sport=1, dport=2) / Raw(b"hi") / Raw(b"\0" * 16)),
    "ttl 1": on_2(ip("192.168.3.5", ttl=1) / UDP(sport=1, dport=2) / Raw(b"bye")),
    "ttl 0": on_2(ip("192.168.3.5", ttl=0) / UDP(sport=1, dport=2)),
    "too long": on_2(ip("10.2.0.9") / UDP(sport=1, dport=2) / Raw(bytes(range(256)) * 4)),
    "too long, not to be fragmented": on_2(ip("10.2.0.9", flags="DF") / UDP(sport=1, dport=2) / Raw(b"d" * 700)),
    "options": on_2(ip("192.168.3.5", options=[IPOption_RR(routers=["0.0.0.0"] * 2)]) / UDP()),
    "igmp with router alert": on_2(
        ip("224.0.0.22", proto=2, options=[IPOption_Router_Alert()]) / Raw(b"\x22" + b"\0" * 7), to="01:00:5e:00:00:16"
    ),
    "multicast": on_2(ip("239.1.1.1") / UDP(sport=1, dport=2), to="01:00:5e:01:01:01"),
    "limited broadcast": on_2(ip("255.255.255.255") / UDP(sport=68, dport=67), to=EVERYBODY),
    "directed broadcast": on_2(ip("192.168.3.255") / UDP(sport=1, dport=2)),
    "unknown host": on_2(ip("10.1.0.77") / UDP(sport=1, dport=2)),
    "unknown next hop": on_2(ip("10.25.0.1") / UDP(sport=1, dport=2)),
    "no route": on_2(ip("172.16.0.1") / UDP(sport=1, dport=2)),
    "dropped by a route": on_2(ip("10.20.0.1") / UDP(sport=1, dport=2)),
    "unreachable by a route": on_2(ip("10.21.0.1") / UDP(sport=1, dport=2)),
    "prohibited by a route": on_2(ip("10.22.0.1") / UDP(sport=1, dport=2)),
    "punted by a route": on_2(ip("10.23.0.1") / UDP(sport=1, dport=2)),
    "tables in a circle": on_2(ip("10.24.0.1") / UDP(sport=1, dport=2)),
    "ip where there is none": Frame("pg8", Ether(src=mac(1), dst=port_mac(8)) / ip("10.1.0.9") / UDP()),
    # IPv6
    "solicitation to a BVI": on_2(solicits("2001:db8:2::1", "2001:db8:2::5", HOST_2), to=GROUP6),
    "solicitation, terminated": on_2(solicits(KNOWN6_2, "2001:db8:2::5", HOST_2), to="33:33:ff:00:00:06"),
    "solicitation to a port": on_pg1(solicits("2001:db8:a1::1"), to=GROUP6),
    "solicitation of a newcomer": on_pg1(solicits("2001:db8:a1::1", "2001:db8:a1::50"), to=GROUP6),
    "solicitation, proxied": on_pg1(solicits("2001:db8:a1::55"), to="33:33:ff:00:00:55"),
    "solicitation from nobody": on_pg1(solicits("2001:db8:a1::1", "::"), to=GROUP6),
    "advertisement": on_pg1(advertises("2001:db8:a1::51", S=1, O=1)),
    "advertisement for our own": on_pg1(advertises("2001:db8:a1::9", O=1)),
    "router solicitation": on_pg1(
        ip6("ff02::2", "fe80::9", hlim=255) / ICMPv6ND_RS() / ICMPv6NDOptSrcLLAddr(lladdr=HOST_PG1),
        to="33:33:00:00:00:02",
    ),
    "router advertisement": on_pg1(
        ip6("ff02::1", "fe80::9", hlim=255) / ICMPv6ND_RA() / ICMPv6NDOptPrefixInfo(prefix="2001:db8:7::"),
        to="33:33:00:00:00:01",
    ),
    "echo request, IPv6": on_pg1(ip6("2001:db8:a1::1", "2001:db8:a1::9") / ICMPv6EchoRequest(id=1, data=b"ping")),
    "echo request to a link-local address": on_pg1(
        ip6("fe80::fe:ff:fe00:1", "fe80::9") / ICMPv6EchoRequest(id=1, data=b"ping")
    ),
    "echo request to all nodes": on_pg1(
        ip6("ff02::1", "2001:db8:a1::9") / ICMPv6EchoRequest(id=1), to="33:33:00:00:00:01"
    ),
    "echo request behind extensions": on_pg1(
        ip6("2001:db8:a1::1", "2001:db8:a1::9")
        / IPv6ExtHdrHopByHop(options=[RouterAlert()])
        / IPv6ExtHdrDestOpt()
        / IPv6ExtHdrRouting(segleft=0)
        / IPv6ExtHdrFragment(id=3)
        / ICMPv6EchoRequest(id=1, data=b"far")
    ),
    "echo reply, IPv6": on_pg1(ip6("2001:db8:a1::1", "2001:db8:a1::9") / ICMPv6EchoReply(id=7)),
    "icmpv6 error to us": on_pg1(
        ip6("2001:db8:a1::1", "2001:db8:a1::9") / ICMPv6TimeExceeded() / ip6("2001:db8:a1::9") / UDP()
    ),
    "listener query": on_pg1(
        ip6("ff02::1", "fe80::9", hlim=1) / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / ICMPv6MLQuery2(),
        to="33:33:00:00:00:01",
    ),
    "fragment to us, IPv6": on_pg1(
        ip6("2001:db8:a1::1", "2001:db8:a1::9") / IPv6ExtHdrFragment(m=1, id=4) / Raw(b"y" * 16)
    ),
    "udp to us, IPv6": on_pg1(ip6("2001:db8:a1::1", "2001:db8:a1::9") / UDP(sport=1, dport=9) / Raw(b"anybody?")),
    "tcp to us, IPv6": on_pg1(ip6("2001:db8:a1::1", "2001:db8:a1::9") / TCP(sport=1, dport=179)),
    "udp, VLAN to VLAN, IPv6": on_2(ip6("2001:db8:3::5") / UDP(sport=1, dport=2) / Raw(b"hello")),
    "udp, VLAN to port, IPv6": on_2(ip6("2001:db8:a1::9") / UDP(sport=1, dport=2) / Raw(b"hello")),
    "udp, two paths, IPv6": on_pg1(ip6("2001:db8:9::1", "2001:db8:a1::9", fl=5) / UDP(sport=7) / Raw(b"ecmp")),
    "routing header to be followed": on_pg1(
        ip6("2001:db8:a1::1", "2001:db8:a1::9") / IPv6ExtHdrRouting(addresses=["2001:db8:3::5"]) / UDP()
    ),
    "hop limit 1": on_2(ip6("2001:db8:3::5", hlim=1) / UDP(sport=1, dport=2)),
    "too big, IPv6": on_2(ip6("2001:db8:a2::9") / UDP(sport=1, dport=2) / Raw(bytes(range(256)) * 6)),
    "link-local source to beyond": on_pg1(ip6("2001:db8:a2::9", "fe80::9") / UDP()),
    "multicast, IPv6": on_pg1(ip6("ff0e::5", "2001:db8:a1::9") / UDP(), to="33:33:00:00:00:05"),
    "unknown host, IPv6": on_2(ip6("2001:db8:a1::77") / UDP()),
    "unknown next hop, IPv6": on_2(ip6("2001:db8:25::1") / UDP()),
    "no route, IPv6": on_2(ip6("2001:db8:ffff::1") / UDP()),
    "dropped by a route, IPv6": on_2(ip6("2001:db8:20::1") / UDP()),
    "unreachable by a route, IPv6": on_2(ip6("2001:db8:21::1") / UDP()),
    "prohibited by a route, IPv6": on_2(ip6("2001:db8:22::1") / UDP()),
    "punted by a route, IPv6": on_2(ip6("2001:db8:23::1") / UDP()),
    "tables in a circle, IPv6": on_2(ip6("2001:db8:24::1") / UDP()),
    # bridged
    "vlan to untagged, known": on_2(Raw(b"bridged" * 3), to=FIXED, type=OTHER),
    "to a filtered address": on_2(Raw(b"filtered"), to=FILTERED, type=OTHER),
    "from a filtered address": Frame("pg3", Ether(src=FILTERED, dst=EVERYBODY, type=OTHER) / Raw(b"f")),
    "from an address that is fixed elsewhere": Frame(
        "pg0", Ether(src=FIXED, dst=HOST_2) / Dot1Q(vlan=2, type=OTHER) / Raw(b"f")
    ),
    "unknown unicast": Frame("pg3", Ether(src=mac(3), dst=mac(0x99), type=OTHER) / Raw(b"who?")),
    "broadcast": Frame("pg4", Ether(src=HOST_3, dst=EVERYBODY, type=OTHER) / Raw(b"all")),
    "ip through a bridge": Frame("pg4", Ether(src=HOST_3, dst=BVI_3) / ip("192.168.2.5", "192.168.3.5") / UDP()),
    "ipv6 neighbor solicitation": on_2(
        IPv6(src="fe80::1", dst="ff02::1:ff00:1") / ICMPv6ND_NS(tgt="fe80::2"), to="33:33:ff:00:00:01"
    ),
    "ipv6 to a BVI": on_2(IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP()),
    "cross-connected": Frame("pg6", Ether(src=mac(6), dst=mac(7), type=OTHER) / Raw(b"x")),
    "cross-connected, tag pushed": Frame("pg7", Ether(src=mac(7), dst=mac(6)) / Dot1Q(vlan=1, type=OTHER) / Raw(b"x")),
    "split horizon": Frame("pg4", Ether(src=mac(4), dst=EVERYBODY, type=OTHER) / Raw(b"shg")),
    "to uu-fwd": Frame("pg9", Ether(src=mac(9), dst=mac(0x98), type=OTHER) / Raw(b"uu")),
    "from uu-fwd": Frame("pg10", Ether(src=mac(10), dst=mac(0x97), type=OTHER) / Raw(b"uu")),
    # tags
    "untagged on the trunk": stacked(),
    "pop 1": stacked(2, to=EVERYBODY),
    "pop 2": stacked(5, 50, outer=Dot1AD, to=EVERYBODY),
    "translate 2-1": stacked(6, 60, to=EVERYBODY),
    "translate 1-2": stacked(7, 700, to=EVERYBODY),
    "translate 1-1": stacked(9, to=EVERYBODY),
    "translate 2-2": stacked(10, 100, to=EVERYBODY),
    "sub-interface that is down": stacked(13),
    "default": stacked(2000, to=EVERYBODY),
    "priority only": stacked(0),
    "two tags for an exact one": stacked(2, 3),
    "three tags": stacked(2, 3, 4),
    "four tags": stacked(7, 3, 4, 5),
    "five tags": stacked(2, 3, 4, 5, 6),
    "five tags, dot1ad": stacked(5, 50, 4, 5, 6, outer=Dot1AD, to=EVERYBODY),
    "dot1ad within dot1q": Frame(
        "pg0", Ether(src=mac(1), dst=mac(2)) / Dot1Q(vlan=2) / Dot1AD(vlan=3, type=OTHER) / Raw(b"x" * 9)
    ),
    "tags on a routed port": Frame(
        "pg1", Ether(src=mac(1), dst=port_mac(1)) / Dot1Q(vlan=1) / Dot1Q(vlan=2) / ip("10.2.0.9")
    ),
    "tags through a bridge": Frame(
        "pg3", Ether(src=mac(1), dst=BVI_2) / Dot1AD(vlan=1) / Dot1Q(vlan=2) / ip("10.2.0.9")
    ),
    # LLC
    "spanning tree": Frame(
        "pg1", Dot3(src=mac(1), dst="01:80:c2:00:00:00") / LLC(dsap=0x42, ssap=0x42, ctrl=3) / STP()
    ),
    "snap": Frame(
        "pg1",
        Dot3(src=HOST_PG1, dst=port_mac(1))
        / LLC(dsap=0xAA, ssap=0xAA, ctrl=3)
        / SNAP(OUI=0, code=0x0800)
        / ip("10.2.0.9", "10.1.0.9")
        / UDP()
        / Raw(b"snapped"),
    ),
    "llc through a bridge": on_2(LLC(dsap=0xE0, ssap=0xE0, ctrl=3) / Raw(b"ipx"), to=EVERYBODY),
    "unknown ethertype": Frame("pg1", Ether(src=mac(1), dst=port_mac(1), type=0x88B6) / Raw(b"?")),
    "for another station": Frame("pg1", Ether(src=mac(1), dst=mac(2)) / ip("10.2.0.9") / UDP()),
    **TUNNELLED,
}

#: Too long for one buffer; not to be cut at every byte.
JUMBO: dict[str, Frame] = {
    "jumbo, routed": on_2(ip("192.168.3.5") / UDP(sport=1, dport=2) / Raw(b"j" * 6000)),
    "jumbo, fragmented": on_2(ip("10.2.0.9") / UDP(sport=1, dport=2) / Raw(b"j" * 6000)),
    "jumbo echo": on_2(ip("192.168.2.1") / ICMP(id=1, seq=2) / Raw(b"p" * 5000)),
    "jumbo udp to us": on_2(ip("192.168.2.1") / UDP(sport=1, dport=2) / Raw(b"p" * 5000)),
    "jumbo tcp to us": on_2(ip("192.168.2.1") / TCP(sport=1, dport=2) / Raw(b"p" * 5000)),
    "jumbo echo, IPv6": on_pg1(ip6("2001:db8:a1::1", "2001:db8:a1::9") / ICMPv6EchoRequest(id=1, data=b"p" * 5000)),
    "jumbo udp to us, IPv6": on_pg1(ip6("2001:db8:a1::1", "2001:db8:a1::9") / UDP() / Raw(b"p" * 5000)),
    "jumbo, flooded": on_2(Raw(b"f" * 4500), to=EVERYBODY, type=OTHER),
    "jumbo, cross-connected": Frame(
        "pg7", Ether(src=mac(7), dst=mac(6)) / Dot1Q(vlan=1, type=OTHER) / Raw(b"x" * 3000)
    ),
    "jumbo, padded": on_2(ip("192.168.2.1", len=40) / UDP(sport=1, dport=2, len=20, chksum=0) / Raw(b"p" * 4500)),
    **JUMBO_TUNNELLED,
}

#: Of each kind one, for whatever takes long.
VARIED = [
    "arp request to a BVI",
    "arp request, terminated",
    "arp request, proxied",
    "arp reply",
    "echo request to a BVI",
    "udp to us",
    "tcp to us",
    "udp, VLAN to VLAN",
    "too long",
    "options",
    "later fragment",
    "solicitation, terminated",
    "solicitation of a newcomer",
    "advertisement",
    "echo request behind extensions",
    "udp to us, IPv6",
    "udp, VLAN to port, IPv6",
    "translate 2-2",
    "three tags",
    "five tags",
    "cross-connected, tag pushed",
    "arp in a domain with uu-fwd",
    "snap",
    *VARIED_TUNNELLED,
]
