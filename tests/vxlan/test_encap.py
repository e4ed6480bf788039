"""Into a tunnel: what is sent is what RFC 7348 says, read back by scapy."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw
from tests.conftest import Lab

from .net import FAMILIES, FAR, HOST, OURS, OURS6, PEER, THEIRS, THEIRS6, inner, send, tunnel, underlay


@pytest.mark.parametrize("version", [4, 6])
def test_a_frame_as_it_leaves(lab: Lab, version: int) -> None:
    """Every field of the outer headers, and the frame unchanged behind them."""
    host, under = underlay(lab)
    tunnel(lab, version)
    layer, ours, theirs, vni = FAMILIES[version]
    frame = inner()
    (sent,) = send(lab, host, frame)["pg1"]
    assert (sent.src, sent.dst) == (under.mac, PEER)
    ip, udp, vxlan = sent[layer], sent[UDP], sent[VXLAN]
    assert (ip.src, ip.dst) == (ours, theirs)
    assert bytes(vxlan.payload) == bytes(frame)
    assert (vxlan.flags, vxlan.vni, vxlan.reserved1, vxlan.reserved2) == (0x08, vni, 0, 0)
    assert udp.dport == 4789 and udp.len == 8 + 8 + len(frame)
    assert 49152 <= udp.sport <= 65535  # RFC 7348 5
    rebuilt = Ether(bytes(sent))
    if version == 4:
        assert ip.len == 20 + udp.len and ip.proto == 17 and ip.flags == 0 and ip.frag == 0
        assert udp.chksum == 0
        del rebuilt[IP].chksum
        assert Ether(bytes(rebuilt))[IP].chksum == ip.chksum
    else:
        assert ip.plen == udp.len and ip.nh == 17 and ip.fl == 0
        assert udp.chksum != 0
        del rebuilt[UDP].chksum
        assert Ether(bytes(rebuilt))[UDP].chksum == udp.chksum


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("size", [0, 1, 7, 600, 1401, 5000])
def test_lengths_and_checksums_at_all_sizes(lab: Lab, version: int, size: int) -> None:
    """Odd lengths and chains of buffers."""
    host, _ = underlay(lab)
    tunnel(lab, version)
    frame = inner(size=size)
    (sent,) = send(lab, host, frame)["pg1"]
    assert bytes(sent[VXLAN].payload) == bytes(frame)
    rebuilt = Ether(bytes(sent))
    for layer, field in (FAMILIES[version][0], "len" if version == 4 else "plen"), (UDP, "len"):
        rebuilt[layer].delfieldval(field)
    rebuilt[UDP if version == 6 else IP].delfieldval("chksum")
    assert bytes(Ether(bytes(rebuilt))) == bytes(sent)


def test_the_source_port_is_the_flows(lab: Lab) -> None:
    """All packets of a flow have one source port; many flows have many. Fragments go with their first."""
    host, _ = underlay(lab)
    tunnel(lab, 4)

    def ports(*frames: object) -> list[int]:
        return [sent[UDP].sport for sent in send(lab, host, *frames)["pg1"]]

    assert len(set(ports(inner(), inner(size=100), inner(size=1000)))) == 1
    assert len(set(ports(*(inner(sport=1000 + n) for n in range(32))))) > 24
    six = [
        Ether(src=HOST, dst=FAR) / IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP(sport=1000 + n) for n in range(32)
    ]
    assert len(set(ports(*six))) > 24
    tagged = [Ether(src=HOST, dst=FAR) / Dot1Q(vlan=5) / inner(sport=1000 + n)[IP] for n in range(32)]
    assert len(set(ports(*tagged))) > 24
    others = [Ether(src=HOST, dst=f"02:00:00:00:05:{n:02x}", type=0x88B6) / Raw(b"x" * 50) for n in range(32)]
    assert len(set(ports(*others))) > 24
    first = Ether(src=HOST, dst=FAR) / IP(dst="192.168.0.2", id=7, flags="MF") / UDP(sport=1, dport=2) / Raw(bytes(16))
    later = Ether(src=HOST, dst=FAR) / IP(dst="192.168.0.2", id=7, frag=3, proto=17) / Raw(bytes(16))
    assert len(set(ports(first, later))) == 1


def test_frames_of_any_kind(lab: Lab) -> None:
    """ARP, and frames cut to the shortest that are bridged."""
    host, _ = underlay(lab)
    tunnel(lab, 4)
    frames = [
        Ether(src=HOST, dst="ff:ff:ff:ff:ff:ff") / ARP(psrc="192.168.0.1", pdst="192.168.0.2"),
        Ether(src=HOST, dst=FAR, type=0x0800),
        Ether(src=HOST, dst=FAR, type=0x0800) / Raw(b"\x4f" + bytes(19)),
        Ether(src=HOST, dst=FAR, type=0x86DD) / Raw(b"\x60" + bytes(38)),
    ]
    sent = send(lab, host, *frames)["pg1"]
    assert [bytes(each[VXLAN].payload) for each in sent] == [bytes(frame) for frame in frames]


def test_ports_of_ones_own(lab: Lab) -> None:
    host, _ = underlay(lab)
    tunnel(lab, 4, "src_port 5000 dst_port 6000")
    (sent,) = send(lab, host, inner())["pg1"]
    assert sent[UDP].dport == 6000
    lab.cli(f"create vxlan tunnel src {OURS} dst {THEIRS} vni 13 src_port 5000 del")
    assert send(lab, host, inner()) == {}


@pytest.mark.parametrize("version", [4, 6])
def test_counters(lab: Lab, version: int) -> None:
    """Packets and bytes of the tunnel, with the headers that are put in front, as VPP counts."""
    host, _ = underlay(lab)
    name = tunnel(lab, version)
    frame = inner()
    send(lab, host, frame, frame)
    headers = {4: 20, 6: 40}[version] + 8 + 8
    shown = lab.cli(f"show interface {name}").split()
    assert shown[shown.index("tx") + 2] == "2"
    assert shown[shown.index("tx") + 5] == str(2 * (len(frame) + headers))
    assert lab.errors()[f"vxlan{version}-encap", "good packets encapsulated"] == 2


def test_an_interface_that_is_down(lab: Lab) -> None:
    host, _ = underlay(lab)
    name = tunnel(lab, 4)
    lab.cli(f"set interface state {name} down")
    assert send(lab, host, inner()) == {}
    assert lab.errors()["vxlan4-encap", "interface is down"] == 1
    assert ("vxlan4-encap", "good packets encapsulated") not in lab.errors()
    lab.cli(f"set interface state {name} up")
    assert "pg1" in send(lab, host, inner())


@pytest.mark.parametrize("version", [4, 6])
def test_larger_than_the_underlays_mtu(lab: Lab, version: int) -> None:
    """What is too long leaves in fragments, each datagram's with an identification of its own."""
    host, _ = underlay(lab)
    tunnel(lab, version)
    lab.cli("set interface mtu packet 1500 pg1")
    sent = send(lab, host, inner(size=1472), inner(size=1472))["pg1"]
    assert len(sent) == 4 and all(len(each) <= 1514 for each in sent)
    if version == 4:
        assert len({each[IP].id for each in sent}) == 2
        first, last = sent[0][IP], sent[1][IP]
        assert (first.flags.MF, last.flags.MF, first.id) == (True, False, last.id)
        whole = bytes(first.payload) + bytes(last.payload)
        assert bytes(VXLAN(whole[8:]).payload) == bytes(inner(size=1472))


def test_trace(lab: Lab) -> None:
    """As VPP says it."""
    host, _ = underlay(lab)
    tunnel(lab, 4)
    lab.cli("trace add pg-input 1")
    send(lab, host, inner())
    shown = lab.cli("show trace")
    assert "VXLAN encap to vxlan_tunnel0 vni 13" in shown
    nodes = [line.split(": ")[1] for line in shown.splitlines() if line[:2].isdigit() and ": " in line]
    at = nodes.index("vxlan4-encap")
    assert nodes[at - 1] == "l2-output" and nodes[at + 1] == "ip4-rewrite"


def test_both_families_meet(lab: Lab) -> None:
    """A frame for nobody known goes into all tunnels of the bridge domain."""
    host, _ = underlay(lab)
    tunnel(lab, 4)
    tunnel(lab, 6)
    sent = send(lab, host, inner())["pg1"]
    assert sorted(each[1].dst for each in sent) == [THEIRS, THEIRS6]
    assert {each[1].src for each in sent} == {OURS, OURS6}
