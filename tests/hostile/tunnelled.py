"""Valid frames of VXLAN (RFC 7348): into tunnels and out of them, with and without the bypass."""

from __future__ import annotations

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6, IPv6ExtHdrDestOpt
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from .frame import EVERYBODY, OTHER, Frame
from .network import BVI_7, HOST_7, HOST_FAR, HOST_FAR6, HOST_PG1, VTEP, mac, port_mac

PORT = 4789
FIRST_INSIDE = 50  #: where the frame inside starts, over IPv4 and without tags
#: Version of IP -> its layer, our end, the other.
ENDS = {4: (IP, "10.11.0.1", "10.11.0.9"), 6: (IPv6, "2001:db8:b1::1", "2001:db8:b1::9")}


def datagram(vni: int, payload: Packet, *, version: int = 4, **changes: object) -> Packet:
    """What the other end sends. ``changes``: src, dst, chksum, dport, flags, reserved2; front: what precedes UDP."""
    layer, ours, theirs = ENDS[version]
    ip = layer(src=changes.get("src", theirs), dst=changes.get("dst", ours))
    udp = UDP(sport=50000, dport=changes.get("dport", PORT))
    if version == 4 or "chksum" in changes:
        udp.chksum = changes.get("chksum", 0)
    header = VXLAN(flags=changes.get("flags", 8), vni=vni, reserved2=changes.get("reserved2", 0))
    front = changes.get("front")
    return (ip / front if isinstance(front, Packet) else ip) / udp / header / Raw(bytes(payload))


def out_of(vni: int, payload: Packet, *, port: int = 11, **changes: object) -> Frame:
    """By the port with the bypass, or another."""
    to = port_mac(port) if "group" not in changes else str(changes.pop("group"))
    return Frame(f"pg{port}", Ether(src=VTEP, dst=to) / datagram(vni, payload, **changes))


def inside(payload: Packet, to: str = HOST_7, source: str = HOST_FAR, **tag: int) -> Packet:
    """A frame of a host behind the tunnel."""
    front = Ether(src=source, dst=to)
    return (front / Dot1Q(**tag) if tag else front) / payload


def into(payload: Packet, to: str = HOST_FAR) -> Frame:
    """A frame to a host behind the tunnel."""
    return Frame("pg12", Ether(src=HOST_7, dst=to) / payload)


PING = IP(src="192.168.7.8", dst="192.168.7.1") / ICMP(id=1, seq=1) / Raw(b"far ping")
PING6 = IPv6(src="2001:db8:77::6", dst="2001:db8:77::1") / ICMPv6EchoRequest(id=1, data=b"far")
ROUTED = IP(src="192.168.7.8", dst="10.1.0.9") / UDP(sport=1, dport=2) / Raw(b"routed")
ARP_TO_BVI = ARP(op=1, hwsrc=HOST_FAR, psrc="192.168.7.8", pdst="192.168.7.1")
SOLICITS = (
    IPv6(src="2001:db8:77::6", dst="ff02::1:ff00:1", hlim=255)
    / ICMPv6ND_NS(tgt="2001:db8:77::1")
    / ICMPv6NDOptSrcLLAddr(lladdr=HOST_FAR6)
)
WHATEVER = Raw(b"bridged" * 3)

TUNNELLED: dict[str, Frame] = {
    # out of tunnels
    "vxlan, known": out_of(70, inside(WHATEVER, to=HOST_7)),
    "vxlan, flooded": out_of(70, Ether(src=mac(0x79), dst=EVERYBODY, type=OTHER) / WHATEVER),
    "vxlan, tagged inside": out_of(70, inside(ROUTED, to=EVERYBODY, vlan=5)),
    "vxlan, ping to a BVI": out_of(70, inside(PING, to=BVI_7)),
    "vxlan, routed by a BVI": out_of(70, inside(ROUTED, to=BVI_7)),
    "vxlan, arp to a BVI": out_of(70, inside(ARP_TO_BVI, to=EVERYBODY)),
    "vxlan, with a checksum": out_of(70, inside(ROUTED, to=BVI_7), chksum=None),
    "vxlan, without the bypass": Frame(
        "pg1", Ether(src=HOST_PG1, dst=port_mac(1)) / datagram(70, inside(PING, to=BVI_7))
    ),
    "vxlan, with a checksum, without the bypass": Frame(
        "pg1", Ether(src=HOST_PG1, dst=port_mac(1)) / datagram(70, inside(PING, to=BVI_7), chksum=None)
    ),
    "vxlan6, ping to a BVI": out_of(71, inside(PING6, to=BVI_7, source=HOST_FAR6), version=6),
    "vxlan6, solicitation to a BVI": out_of(71, inside(SOLICITS, to="33:33:ff:00:00:01", source=HOST_FAR6), version=6),
    "vxlan6, without a checksum": out_of(71, inside(PING6, to=BVI_7, source=HOST_FAR6), version=6, chksum=0),
    "vxlan6, behind an extension": out_of(
        71, inside(PING6, to=BVI_7, source=HOST_FAR6), version=6, front=IPv6ExtHdrDestOpt()
    ),
    "vxlan6, without the bypass": Frame(
        "pg1", Ether(src=HOST_PG1, dst=port_mac(1)) / datagram(71, inside(PING6, to=BVI_7, source=HOST_FAR6), version=6)
    ),
    "vxlan, from a group": out_of(
        72,
        inside(WHATEVER, to=EVERYBODY, source=mac(0x7A)),
        src="10.11.0.8",
        dst="239.1.1.1",
        group="01:00:5e:01:01:01",
    ),
    "vxlan, from a group, to one": out_of(72, inside(WHATEVER, to=mac(0x7B), source=mac(0x7A)), src="10.11.0.8"),
    "vxlan, layer 3": out_of(73, ROUTED, dport=4790),
    "vxlan, layer 3, IPv6": out_of(73, IPv6(src="2001:db8:9::1", dst="2001:db8:a1::9") / UDP(), dport=4790),
    "vxlan, to ethernet-input": out_of(74, inside(ROUTED, to=EVERYBODY)),
    "vxlan within vxlan": out_of(70, inside(datagram(70, inside(PING, to=BVI_7)), to=BVI_7)),
    # nobody's
    "vxlan, a vni nobody has": out_of(99, inside(PING, to=BVI_7)),
    "vxlan, from a stranger": out_of(70, inside(PING, to=BVI_7), src="10.11.0.77"),
    "vxlan, no flag": out_of(70, inside(PING, to=BVI_7), flags=0),
    "vxlan, nothing inside": out_of(70, Raw(b"")),
    # into tunnels
    "into a tunnel": into(WHATEVER),
    "into a tunnel, IPv4": into(IP(src="192.168.7.5", dst="192.168.7.8") / TCP(sport=5, dport=80) / Raw(b"GET")),
    "into tunnels, flooded": into(IP(src="192.168.7.5", dst="255.255.255.255") / UDP() / Raw(b"all"), to=EVERYBODY),
    "into a group": Frame("pg13", Ether(src=mac(0x7C), dst=EVERYBODY, type=OTHER) / WHATEVER),
    "into a tunnel, routed": Frame(
        "pg1", Ether(src=HOST_PG1, dst=port_mac(1)) / IP(src="10.1.0.9", dst="192.168.7.8") / UDP() / Raw(b"in")
    ),
    "into a tunnel, routed, IPv6": Frame(
        "pg1", Ether(src=HOST_PG1, dst=port_mac(1)) / IPv6(src="2001:db8:a1::9", dst="2001:db8:77::8") / UDP()
    ),
    "into a tunnel without Ethernet": Frame(
        "pg1", Ether(src=HOST_PG1, dst=port_mac(1)) / IP(src="10.1.0.9", dst="10.73.0.9") / UDP() / Raw(b"layer 3")
    ),
}

#: Too long for one buffer.
JUMBO_TUNNELLED: dict[str, Frame] = {
    "jumbo into a tunnel": into(Raw(b"j" * 4500)),
    "jumbo out of a tunnel": out_of(70, inside(Raw(b"j" * 4500), to=HOST_7)),
    "jumbo ping out of a tunnel": out_of(71, inside(PING6 / Raw(b"j" * 5000), to=BVI_7, source=HOST_FAR6), version=6),
}

#: Of each kind one.
VARIED_TUNNELLED = [
    "vxlan, ping to a BVI",
    "vxlan, with a checksum, without the bypass",
    "vxlan, arp to a BVI",
    "vxlan6, solicitation to a BVI",
    "vxlan6, behind an extension",
    "vxlan, from a group",
    "vxlan, layer 3",
    "vxlan, to ethernet-input",
    "into a tunnel, IPv4",
    "into a tunnel, routed, IPv6",
]
