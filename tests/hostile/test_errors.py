"""Bad frames and the error, in VPP's words, that each is counted under."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import LLC, SNAP, Dot1AD, Dot1Q, Dot3, Ether
from scapy.packet import Packet, Raw

from weft import Engine

from .frame import EVERYBODY, OTHER, Frame
from .frames import FRAMES, asks, ip, on_2, on_pg1, stacked
from .network import BVI_2, BVI_7, HOST_2, HOST_PG1, KNOWN_2, mac, port_mac
from .tunnelled import PING, inside, out_of
from .watch import Watch

ICMP_SENT = "pg0"  #: where the host is that is told

TOO_SHORT, BAD_LENGTH = "ip4-input: ip4 length < 20 bytes", "ip4-input: ip4 length > l2 length"
VERSION, IHL = "ip4-input: ip4 version != 4", "ip4-input: ip4 IHL < 5"
CHECKSUM, OPTIONS = "ip4-input: bad ip4 checksum", "ip4-input: ip4 options present"
L2_TOO_SHORT = "ethernet-input: l2 too short"
LLC_LENGTH = "ethernet-input: llc length > packet length"
TTL, OFFSET_ONE = "ip4-input: ip4 ttl <= 1", "ip4-input: ip4 fragment offset == 1"
UDP_LENGTH, UDP_CHECKSUM = "ip4-input: inconsistent udp/ip lengths", "ip4-input: bad udp checksum"
ARP_TOO_SHORT = "arp-input: ARP packet too short"
TERM_TOO_SHORT = "arp-term-l2bd: ARP packet too short"
NOT_ETHERNET, NOT_IP4 = "L2 type not ethernet", "L3 type not IP4"
NO_VLAN, DOWN = "ethernet-input: unknown vlan", "ethernet-input: subinterface down"
NO_LISTENER = "ip4-udp-lookup: no listener for dst port"
NO_TUNNEL, VXLAN_FLAGS = (
    "vxlan4-input: no such tunnel packets",
    "vxlan4-input: packets with bad flags field in vxlan header",
)
VXLAN6_FLAGS, UDP6_CHECKSUM = (
    "vxlan6-input: packets with bad flags field in vxlan header",
    "ip6-input: bad udp checksum",
)
SILENT = "null-node: blackholed packets"


@pytest.fixture(scope="module", params=["compiled", "interpreted"])
def watch(request: pytest.FixtureRequest, no_time: None) -> Iterator[Watch]:
    with Engine(workers=0, interpret=request.param == "interpreted", buffers=1024) as engine:
        yield Watch(engine)


def routed(**changes: object) -> Frame:
    """A datagram through the router; its checksum is right unless it is given."""
    return on_2(IP(**({"src": "192.168.2.5", "dst": "10.1.0.9"} | changes)) / UDP(sport=1, dport=2) / Raw(b"data"))


def to_us(payload: Packet, source: str = "192.168.2.5", **changes: object) -> Frame:
    return on_2(ip("192.168.2.1", source, **changes) / payload)


def udp(**changes: object) -> Packet:
    return UDP(**({"sport": 1, "dport": 2} | changes)) / Raw(b"data")


def arp(port_frame: str = "pg1", **changes: object) -> Frame:
    packet = asks(HOST_PG1, "10.1.0.9", "10.1.0.1")
    for name, value in changes.items():
        setattr(packet, name, value)
    return on_pg1(packet, to=EVERYBODY)


def arp_2(target: str = KNOWN_2, **changes: object) -> Frame:
    """In the bridge domain that answers ARP requests itself."""
    packet = asks(HOST_2, "192.168.2.5", target)
    for name, value in changes.items():
        setattr(packet, name, value)
    return on_2(packet, to=EVERYBODY)


def snap(length: int | None = None, **header: int) -> Frame:
    fields = {"dsap": 0xAA, "ssap": 0xAA, "ctrl": 3, "OUI": 0, "code": 0x0800} | header
    body = LLC(dsap=fields["dsap"], ssap=fields["ssap"], ctrl=fields["ctrl"])
    body /= SNAP(OUI=fields["OUI"], code=fields["code"]) / ip("10.2.0.9", "10.1.0.9") / UDP()
    ethernet = Dot3(src=HOST_PG1, dst=port_mac(1), len=len(body) if length is None else length)
    return Frame("pg1", ethernet / body)


def vxlan(vni: int = 70, **changes: object) -> Frame:
    """A ping to a BVI out of a tunnel; as the other end would send it but for the changes."""
    return out_of(vni, inside(PING, to=BVI_7), **changes)


#: What, and all that becomes of it: interfaces by which something leaves (an answer, a copy), and errors.
TABLE: list[tuple[str, Frame, list[str]]] = [
    # Ethernet (IEEE 802.3, 802.1Q)
    (
        "for another station",
        Frame("pg1", Ether(src=mac(1), dst=mac(9)) / ip("10.2.0.9")),
        ["ethernet-input: l3 mac mismatch"],
    ),
    (
        "a type nobody takes",
        Frame("pg1", Ether(src=mac(1), dst=port_mac(1), type=OTHER)),
        ["ethernet-input: unknown ethernet type"],
    ),
    ("a VLAN nobody has", Frame("pg1", Ether(src=mac(1), dst=port_mac(1)) / Dot1Q(vlan=5) / ip("10.2.0.9")), [NO_VLAN]),
    (
        "five tags on a routed port",
        Frame("pg1", Ether(dst=port_mac(1)) / Dot1Q() / Dot1Q() / Dot1Q() / Dot1Q() / Dot1Q()),
        [NO_VLAN],
    ),
    (
        "QinQ nobody has",
        Frame("pg1", Ether(dst=port_mac(1)) / Dot1AD(vlan=8) / Dot1Q(vlan=80) / ip("10.2.0.9")),
        [NO_VLAN],
    ),
    ("sub-interface down", stacked(13), [DOWN]),
    ("LLC of nobody", snap(dsap=0x42, ssap=0x42), ["llc-input: unknown llc ssap/dsap"]),
    ("LLC with a sequence", snap(ctrl=0), ["llc-input: control != 0x3"]),
    ("LLC longer than the frame", snap(length=1000), [LLC_LENGTH]),
    ("LLC shorter than its header", snap(length=2), [LLC_LENGTH]),
    ("SNAP of another organisation", snap(OUI=1), ["snap-input: unknown oui/snap protocol"]),
    ("SNAP, a type nobody takes", snap(code=OTHER), ["ethernet-input: unknown ethernet type"]),
    # IPv4 (RFC 791, RFC 1812 5.2.2)
    ("version 6", routed(version=6), [VERSION]),
    ("version 0", routed(version=0), [VERSION]),
    ("IHL 0", routed(ihl=0), [IHL]),
    ("IHL 4", routed(ihl=4), [IHL]),
    ("IHL beyond the packet", routed(ihl=15), [BAD_LENGTH]),
    ("wrong checksum", routed(chksum=0x1234), [CHECKSUM]),
    ("length 0", routed(len=0), [TOO_SHORT]),
    ("length 19", routed(len=19), [TOO_SHORT]),
    ("length one too many", routed(len=33), [BAD_LENGTH]),
    ("length 65535", routed(len=65535), [BAD_LENGTH]),
    ("length of the header alone", routed(len=20), ["pg1"]),
    ("TTL 0", routed(ttl=0), [TTL, ICMP_SENT]),
    ("TTL 1", routed(ttl=1), [TTL, ICMP_SENT]),
    ("TTL 2", routed(ttl=2), ["pg1"]),
    ("TTL 1, an ICMP error", on_2(ip("10.1.0.9", ttl=1) / ICMP(type=3, code=1) / ip("1.2.3.4") / UDP()), [TTL]),
    ("TTL 1, a later fragment", routed(ttl=1, frag=5), [TTL]),
    ("TTL 1, from nobody", routed(ttl=1, src="0.0.0.0"), [TTL]),
    ("TTL 1, from loopback", routed(ttl=1, src="127.0.0.1"), [TTL]),
    ("TTL 1, from a group", routed(ttl=1, src="224.0.0.5"), [TTL]),
    ("TTL 1, from the subnet's broadcast", routed(ttl=1, src="192.168.2.255"), [TTL]),
    ("TTL 1, to a station group", on_2(ip("10.1.0.9", ttl=1) / UDP(), to="01:00:5e:00:00:09"), [TTL, "pg0", "pg3"]),
    ("fragment offset 1", routed(frag=1), [OFFSET_ONE]),
    ("options", on_2(ip("10.1.0.9", options=[b"\x01\x01\x01\x00"]) / UDP()), [OPTIONS]),
    ("options to us", on_2(ip("192.168.2.1", options=[b"\x01\x01\x01\x00"]) / UDP()), [OPTIONS]),
    ("a group nobody is in", on_2(ip("239.1.1.1") / UDP(), to=BVI_2), ["ip4-input: Multicast RPF check failed"]),
    ("to 0.0.0.0", routed(dst="0.0.0.0"), [SILENT]),
    ("to 240.0.0.1", routed(dst="240.0.0.1"), [SILENT]),
    ("to 127.0.0.1", routed(dst="127.0.0.1"), [SILENT]),
    ("to a subnet's broadcast", routed(dst="10.1.0.255"), [SILENT]),
    ("to a subnet itself", routed(dst="10.1.0.0"), [SILENT]),
    ("IPv4 where there is none", FRAMES["ip where there is none"], [SILENT]),
    ("too long, DF", FRAMES["too long, not to be fragmented"], ["ip4-input: ip4 MTU exceeded and DF set", ICMP_SENT]),
    ("fragment too far", on_2(ip("10.2.0.9", frag=8190) / Raw(b"d" * 1000)), ["ip4-frag: malformed packet"]),
    ("a subnet's stranger", routed(dst="10.1.0.200"), ["ip4-glean: ARP requests sent", "pg1"]),
    ("tables in a circle", routed(dst="10.24.0.1"), ["lookup-ip4-dst: tables that lead to one another"]),
    # to this machine (RFC 1122)
    ("from ourselves", to_us(udp(), "192.168.2.1"), ["ip4-input: ip4 spoofed local-address packet drops"]),
    ("from another address of ours", to_us(udp(), "10.1.0.1"), ["ip4-input: ip4 spoofed local-address packet drops"]),
    ("from nobody", to_us(udp(), "0.0.0.0"), ["ip4-input: ip4 source lookup miss"]),
    ("from everybody", to_us(udp(), "255.255.255.255"), ["ip4-input: ip4 source lookup miss"]),
    ("from a group", to_us(udp(), "224.0.0.1"), ["ip4-input: ip4 source lookup miss"]),
    ("from loopback", to_us(udp(), "127.0.0.1"), ["ip4-input: ip4 source lookup miss"]),
    ("from where no route leads", to_us(udp(), "172.16.0.1"), ["ip4-input: ip4 source lookup miss"]),
    ("from a subnet's broadcast", to_us(udp(), "192.168.2.255"), ["ip4-input: ip4 source lookup miss"]),
    ("a protocol nobody takes", to_us(Raw(b"x" * 20), proto=89), ["ip4-input: unknown ip protocol"]),
    ("first fragment", to_us(udp(), flags="MF"), ["ip4-input: fragments to this machine"]),
    ("last fragment", to_us(Raw(b"x" * 20), proto=17, frag=9), ["ip4-input: fragments to this machine"]),
    ("UDP, wrong checksum", to_us(udp(chksum=0x1111)), [UDP_CHECKSUM]),
    ("UDP without checksum", to_us(udp(chksum=0)), ["ip4-udp-lookup: no listener for dst port", ICMP_SENT]),
    ("UDP length 0", to_us(udp(len=0, chksum=0)), [UDP_LENGTH]),
    ("UDP length 7", to_us(udp(len=7, chksum=0)), [UDP_LENGTH]),
    ("UDP longer than the packet", to_us(udp(len=13, chksum=0)), [UDP_LENGTH]),
    ("UDP without a header", to_us(Raw(b"x" * 7), proto=17), [UDP_LENGTH]),
    ("nobody listens", to_us(udp()), ["ip4-udp-lookup: no listener for dst port", ICMP_SENT]),
    ("TCP, wrong checksum", to_us(TCP(chksum=0x1111)), ["ip4-input: bad tcp checksum"]),
    ("TCP without a header", to_us(Raw(b"x" * 7), proto=6), ["ip4-input: bad tcp checksum"]),
    (
        "ICMP without a header",
        to_us(Raw(b"\x08\x00\x00"), proto=1),
        ["ip4-icmp-input: payload length too small for type"],
    ),
    ("ICMP of a type nobody takes", to_us(ICMP(type=200)), ["ip4-icmp-input: unknown type"]),
    ("echo reply to nobody", to_us(ICMP(type=0)), ["ip4-icmp-echo-reply: echo replies to nobody's request"]),
    # ARP (RFC 826, RFC 5227)
    ("ARP for another hardware", arp(hwtype=6), [f"arp-input: {NOT_ETHERNET}"]),
    ("ARP with long MAC addresses", arp(hwlen=8), [f"arp-input: {NOT_ETHERNET}"]),
    ("ARP for another protocol", arp(ptype=0x86DD), [f"arp-input: {NOT_IP4}"]),
    ("ARP with long addresses", arp(plen=16), [f"arp-input: {NOT_IP4}"]),
    ("ARP probe", arp(psrc="0.0.0.0"), ["arp-input: IP4 destination address is unset"]),
    ("ARP opcode 0", arp(op=0), ["arp-reply: ARP opcode not request"]),
    ("ARP opcode 3", arp(op=3), ["arp-reply: ARP opcode not request"]),
    ("ARP of a stranger", arp(psrc="10.2.0.9"), ["arp-reply: IP4 source address not local to subnet"]),
    ("ARP of a broadcast address", arp(psrc="10.1.0.255"), ["arp-reply: IP4 source address not local to subnet"]),
    ("ARP in our name", arp(psrc="10.1.0.2"), ["arp-reply: IP4 source address matches local interface"]),
    ("ARP in another station's name", arp(hwsrc=mac(9)), ["arp-reply: ARP hw addr does not match L2 frame src addr"]),
    ("ARP for somebody else", arp(pdst="10.1.0.3"), ["arp-reply: IP4 destination address not local to subnet"]),
    (
        "ARP announcement of a stranger",
        arp(psrc="10.1.0.60", pdst="10.1.0.60"),
        ["arp-reply: ARP probe or announcement dropped"],
    ),
    ("ARP where there is no IPv4", FRAMES["arp where there is no IP"], ["arp-disabled: ARP Disabled"]),
    ("arp-term: another hardware", arp_2(hwtype=6), [f"arp-term-l2bd: {NOT_ETHERNET}"]),
    ("arp-term: another protocol", arp_2(ptype=0x86DD), [f"arp-term-l2bd: {NOT_IP4}"]),
    (
        "arp-term: another station's name",
        arp_2(hwsrc=mac(9)),
        ["arp-term-l2bd: ARP hw addr does not match L2 frame src addr"],
    ),
    ("arp-term: from a group", arp_2(psrc="224.0.0.1"), ["arp-term-l2bd: IP4 source address not local to subnet"]),
    # bridges
    ("to a filtered address", FRAMES["to a filtered address"], ["l2-fwd: Filter Mac Drop"]),
    ("from a filtered address", FRAMES["from a filtered address"], ["l2-learn: L2 filter mac drops"]),
    (
        "a fixed address elsewhere",
        FRAMES["from an address that is fixed elsewhere"],
        ["l2-learn: L2 mac move violations"],
    ),
    ("IPv6 to a BVI", FRAMES["ipv6 to a BVI"], [SILENT]),
    ("back where it came from", FRAMES["from uu-fwd"], ["l2-fwd: Reflection Drop"]),
    # tunnels (RFC 7348 5; VPP wants the reserved byte behind the VNI to be 0; RFC 8200 8.1, RFC 6935)
    ("VXLAN", FRAMES["vxlan, ping to a BVI"], ["pg11"]),
    ("VXLAN, no flags", vxlan(flags=0), [VXLAN_FLAGS]),
    ("VXLAN, another flag", vxlan(flags=0x18), [VXLAN_FLAGS]),
    ("VXLAN, without the bypass, no flags", vxlan(port=1, flags=0), [VXLAN_FLAGS]),
    ("VXLAN, a VNI of nobody", vxlan(vni=0), [NO_TUNNEL]),
    ("VXLAN, another tunnel's VNI", vxlan(vni=71), [NO_TUNNEL]),
    ("VXLAN, the reserved byte", vxlan(reserved2=1), [NO_TUNNEL]),
    ("VXLAN, of a stranger", vxlan(src="10.11.0.77"), [NO_TUNNEL]),
    ("VXLAN, to another address of ours", vxlan(dst="10.1.0.1"), [NO_TUNNEL]),
    ("VXLAN, to a port without tunnels", vxlan(dport=4788), [NO_LISTENER, "pg11"]),
    ("VXLAN, to another tunnel's port", vxlan(dport=4790), [NO_TUNNEL]),
    ("VXLAN, wrong checksum", vxlan(chksum=0x1111), [UDP_CHECKSUM]),
    ("VXLAN, without the bypass, wrong checksum", vxlan(port=1, chksum=0x1111), [UDP_CHECKSUM]),
    ("VXLAN over IPv6, no flags", vxlan(vni=71, version=6, flags=0), [VXLAN6_FLAGS]),
    ("VXLAN over IPv6, wrong checksum", vxlan(vni=71, version=6, chksum=0x1111), [UDP6_CHECKSUM]),
    ("VXLAN over IPv6, no checksum", FRAMES["vxlan6, without a checksum"], ["pg11"]),
    ("VXLAN, a frame of 0 bytes", FRAMES["vxlan, nothing inside"], ["l2-input: L2 input drops"]),
    ("no tag to take off", FRAMES["cross-connected"], ["l2-output: L2 output tag rewrite drops"]),
]


def test_what_each_bad_frame_is_counted_under(watch: Watch) -> None:
    found = {name: watch.send(frame.port, [frame.data])[0].ends for name, frame, _ in TABLE}
    assert found == {name: sorted(ends) for name, _, ends in TABLE}


#: A frame, and from which length on it is counted under what, if it is cut there.
CUTS: list[tuple[str, list[tuple[int, str]]]] = [
    ("udp, VLAN to VLAN", [(1, L2_TOO_SHORT), (18, TOO_SHORT), (38, BAD_LENGTH)]),
    ("udp from a routed VLAN", [(1, L2_TOO_SHORT), (18, TOO_SHORT), (38, BAD_LENGTH)]),
    ("echo request to a port", [(1, L2_TOO_SHORT), (14, TOO_SHORT), (34, BAD_LENGTH)]),
    ("options", [(1, L2_TOO_SHORT), (18, TOO_SHORT), (38, BAD_LENGTH)]),
    ("arp request to a port", [(1, L2_TOO_SHORT), (14, ARP_TOO_SHORT)]),
    ("arp reply", [(1, L2_TOO_SHORT), (14, ARP_TOO_SHORT)]),
    ("arp reply, VLAN", [(1, L2_TOO_SHORT), (18, ARP_TOO_SHORT)]),
    ("arp request, terminated", [(1, L2_TOO_SHORT), (18, TERM_TOO_SHORT)]),
    ("arp request on a QinQ interface", [(1, L2_TOO_SHORT), (22, ARP_TOO_SHORT)]),
    ("tags on a routed port", [(1, L2_TOO_SHORT), (22, NO_VLAN)]),
    ("spanning tree", [(1, L2_TOO_SHORT), (14, LLC_LENGTH)]),
    ("snap", [(1, L2_TOO_SHORT), (14, LLC_LENGTH)]),
    ("ip where there is none", [(1, L2_TOO_SHORT), (14, TOO_SHORT), (34, BAD_LENGTH)]),
]


@pytest.mark.parametrize(("name", "expected"), CUTS, ids=[name for name, _ in CUTS])
def test_what_cut_frames_are_counted_under(watch: Watch, name: str, expected: list[tuple[int, str]]) -> None:
    frame = FRAMES[name]
    data = frame.data
    wanted = {}
    for start, error in expected:
        wanted |= {length: [error] for length in range(start, len(data))}
    fates = watch.send(frame.port, [data[:length] for length in range(1, len(data))])
    assert {length: fate.ends for length, fate in enumerate(fates, 1)} == wanted
