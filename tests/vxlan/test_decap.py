"""Out of a tunnel: what is taken, what is not, and under what that is counted."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw
from tests.conftest import Lab

from weft.features.interface.model import Interface

from .net import FAMILIES, FAR, HOST, PEER, THEIRS, inner, outer, send, tunnel, underlay

BOTH = pytest.mark.parametrize("version", [4, 6])
BYPASS = {4: "set interface ip vxlan-bypass pg1", 6: "set interface ip6 vxlan-bypass pg1"}
#: As datagrams come in, and the node that finds them.
WAYS = pytest.mark.parametrize("bypass", [False, True], ids=["looked up", "bypass"])


def setup(lab: Lab, version: int, bypass: bool = False) -> tuple[Interface, Interface, str]:
    host, under = underlay(lab)
    name = tunnel(lab, version)
    if bypass:
        lab.cli(BYPASS[version])
    return host, under, name


@BOTH
@WAYS
def test_a_frame_comes_in_by_its_tunnel(lab: Lab, version: int, bypass: bool) -> None:
    """It is bridged, its source is learned behind the tunnel, and answers go back there."""
    host, under, name = setup(lab, version, bypass)
    frame = inner(source=FAR, to=HOST)
    out = send(lab, under, outer(under, version, frame))
    assert {port: [bytes(p) for p in packets] for port, packets in out.items()} == {"pg0": [bytes(frame)]}
    assert name in [line.split()[-1] for line in lab.cli("show l2fib verbose").splitlines() if FAR in line]
    assert list(send(lab, host, inner())) == ["pg1"]
    shown = lab.cli(f"show interface {name}").split()
    assert shown[shown.index("rx") + 2] == "1" and shown[shown.index("rx") + 5] == str(len(frame))
    assert lab.errors()[f"vxlan{version}-input", "good packets decapsulated"] == 1


@BOTH
@WAYS
def test_frames_of_all_sizes_and_tags(lab: Lab, version: int, bypass: bool) -> None:
    """Behind the frame there may be more in the Ethernet frame than the datagram has."""
    _, under, _ = setup(lab, version, bypass)
    frames: list[Packet] = [inner(source=FAR, to=HOST, size=size) for size in (0, 1, 1400, 5000)]
    frames.append(Ether(src=FAR, dst=HOST) / Dot1Q(vlan=7) / inner()[IP])
    frames.append(Ether(src=FAR, dst=HOST, type=0x88B6))
    packets = [bytes(outer(under, version, frame)) + b"filling" for frame in frames]
    out = lab.send_raw(under, *packets)
    assert out["pg0"] == [bytes(frame) for frame in frames]


#: What is wrong, and under what it is counted; the way into the tunnel is right otherwise.
WRONG: dict[str, tuple[dict[str, object], str]] = {
    "another VNI": ({"vni": 14}, "no such tunnel packets"),
    "VNI 0": ({"vni": 0}, "no such tunnel packets"),
    "no VNI": ({"flags": 0x00}, "packets with bad flags field in vxlan header"),
    "another flag": ({"flags": 0x0C}, "packets with bad flags field in vxlan header"),
    "all flags": ({"flags": 0xFF}, "packets with bad flags field in vxlan header"),
}


@BOTH
@WAYS
def test_what_belongs_to_no_tunnel(lab: Lab, version: int, bypass: bool) -> None:
    """Each is dropped, and counted under VPP's reason."""
    _, under, _ = setup(lab, version, bypass)
    for name, (changes, reason) in WRONG.items():
        before = lab.errors().get((f"vxlan{version}-input", reason), 0)
        assert send(lab, under, outer(under, version, inner(source=FAR, to=HOST), **changes)) == {}, name
        assert lab.errors()[f"vxlan{version}-input", reason] == before + 1, name
    assert (f"vxlan{version}-input", "good packets decapsulated") not in lab.errors()


@BOTH
@WAYS
def test_only_the_other_end_is_heard(lab: Lab, version: int, bypass: bool) -> None:
    """A stranger's datagrams, those to another address or from another table are no tunnel's (RFC 7348 4.1)."""
    _, under, _ = setup(lab, version, bypass)
    stranger = {4: "10.0.1.3", 6: "2001:db8:1::3"}[version]
    assert send(lab, under, outer(under, version, inner(source=FAR, to=HOST), src=stranger)) == {}
    assert lab.errors()[f"vxlan{version}-input", "no such tunnel packets"] == 1
    other = {4: "10.0.1.9", 6: "2001:db8:1::9"}[version]
    length = {4: 24, 6: 64}[version]
    lab.cli(f"set interface ip address pg1 {other}/{length}")
    assert send(lab, under, outer(under, version, inner(source=FAR, to=HOST), dst=other)) == {}
    assert lab.errors()[f"vxlan{version}-input", "no such tunnel packets"] == 2


@BOTH
@WAYS
def test_tunnels_in_turn(lab: Lab, version: int, bypass: bool) -> None:
    """Whatever tunnel the packet before came out of, one that has gone or is none among them."""
    _, under, _ = setup(lab, version, bypass)
    _, ours, theirs, own = FAMILIES[version]
    numbers = [own, own + 1, own + 2]
    for vni in numbers[1:]:
        name = lab.cli(f"create vxlan tunnel src {ours} dst {theirs} vni {vni}").strip()
        lab.cli(f"set interface l2 bridge {name} 1")
    sources = {vni: f"02:00:00:00:02:{index:02x}" for index, vni in enumerate([*numbers, own + 3])}

    def heard(order: list[int]) -> list[str]:
        """The sources of what reaches the host, of packets with these VNIs that come in together."""
        packets = [outer(under, version, inner(source=sources[vni], to=HOST), vni=vni) for vni in order]
        return [frame.src for frame in send(lab, under, *packets).get("pg0", [])]

    first, second, third = numbers
    order = [first, first, second, own + 3, first, third, third, own + 3, second]
    assert heard(order) == [sources[vni] for vni in order if vni in numbers]
    lab.cli(f"create vxlan tunnel src {ours} dst {theirs} vni {second} del")
    assert heard([second, first, second, second]) == [sources[first]]
    assert lab.errors()[f"vxlan{version}-input", "no such tunnel packets"] == 2 + 3


@pytest.mark.parametrize("bypass", [False, True], ids=["looked up", "bypass"])
def test_nobody_talks_to_a_deleted_tunnel(lab: Lab, bypass: bool) -> None:
    """Nor with addresses that no host has, its own VNI and the port that another tunnel still takes."""
    _, under, _ = setup(lab, 4, bypass)
    lab.cli(f"create vxlan tunnel src {FAMILIES[4][1]} dst 10.0.1.3 vni 99")
    frame = inner(source=FAR, to=HOST)
    assert list(send(lab, under, outer(under, 4, frame))) == ["pg0"]
    lab.cli(f"create vxlan tunnel src {FAMILIES[4][1]} dst {FAMILIES[4][2]} vni {FAMILIES[4][3]} del")
    for source, destination in (FAMILIES[4][2:0:-1], ("0.0.0.0", "0.0.0.0"), (FAMILIES[4][2], "0.0.0.0")):
        assert send(lab, under, outer(under, 4, frame, src=source, dst=destination)) == {}


@BOTH
@WAYS
def test_checksums(lab: Lab, version: int, bypass: bool) -> None:
    """A wrong one is found; none is fine, over IPv6 too since this is a tunnel (RFC 6935, RFC 6936, RFC 7348 5)."""
    _, under, _ = setup(lab, version, bypass)
    frame = inner(source=FAR, to=HOST)
    assert list(send(lab, under, outer(under, version, frame))) == ["pg0"]
    assert list(send(lab, under, outer(under, version, frame, chksum=0))) == ["pg0"]
    assert send(lab, under, outer(under, version, frame, chksum=0x1234)) == {}
    assert lab.errors()[f"ip{version}-input", "bad udp checksum"] == 1


def test_without_a_checksum_only_to_tunnels(lab: Lab) -> None:
    """Over IPv6 a port that no tunnel has takes no datagram without a checksum (RFC 6936 5)."""
    _, under = underlay(lab)
    assert send(lab, under, outer(under, 6, inner(), chksum=0)) == {}
    assert lab.errors()["ip6-input", "bad udp checksum"] == 1
    tunnel(lab, 6)
    lab.cli("create vxlan tunnel src 2001:db8:1::1 dst 2001:db8:1::2 vni 0xabcdef del")
    assert send(lab, under, outer(under, 6, inner(), chksum=0)) == {}
    assert lab.errors()["ip6-input", "bad udp checksum"] == 2


@BOTH
def test_nobody_listens_before_and_after(lab: Lab, version: int) -> None:
    """Who sends to a port without a tunnel is told so (RFC 1122 4.1.3.1, RFC 4443 3.1)."""
    _, under = underlay(lab)
    datagram = outer(under, version, inner())
    assert "pg1" in send(lab, under, datagram)
    name = tunnel(lab, version)
    assert "pg0" in send(lab, under, datagram)
    _, ours, theirs, vni = FAMILIES[version]
    lab.cli(f"create vxlan tunnel src {ours} dst {theirs} vni {vni} del")
    assert name not in lab.cli("show interface")
    (error,) = send(lab, under, datagram)["pg1"]
    assert error.dst == PEER
    assert lab.errors()[f"ip{version}-udp-lookup", "no listener for dst port"] == 2


@BOTH
@WAYS
def test_datagrams_cut_at_each_byte(lab: Lab, version: int, bypass: bool) -> None:
    """Each shorter one is dropped, or is a shorter frame if its lengths say so; nothing else happens."""
    _, under, _ = setup(lab, version, bypass)
    whole = bytes(outer(under, version, inner(source=FAR, to=HOST), chksum=0))
    assert lab.send_raw(under, *(whole[:length] for length in range(1, len(whole)))) == {}
    layer = FAMILIES[version][0]
    frame = bytes(inner(source=FAR, to=HOST, size=0))
    ends = {"src": Ether(whole)[layer].src, "dst": Ether(whole)[layer].dst}
    payload = bytes(VXLAN(flags=8, vni=FAMILIES[version][3])) + frame
    out = []
    for length in range(len(payload) + 1):
        packet = Ether(src=PEER, dst=under.mac) / layer(**ends) / UDP(sport=50000, dport=4789, chksum=0)
        out.append(lab.send_raw(under, bytes(packet / Raw(payload[:length]))).get("pg0", []))
    header = 8
    assert all(not each for each in out[: header + 14])
    expected = [[payload[8:length]] for length in range(header + 14, len(payload) + 1)]
    assert out[header + 14 :] == expected
    assert lab.errors()[f"vxlan{version}-input", "packets that end in the vxlan header"] == 8


@BOTH
def test_ports_of_ones_own(lab: Lab, version: int) -> None:
    """The tunnel hears at its own port only."""
    _, under = underlay(lab)
    tunnel(lab, version, "src_port 5000 dst_port 6000")
    frame = inner(source=FAR, to=HOST)
    assert "pg0" not in send(lab, under, outer(under, version, frame))
    assert "pg0" in send(lab, under, outer(under, version, frame, dport=5000))


def test_a_tunnel_that_is_down(lab: Lab) -> None:
    _, under, name = setup(lab, 4)
    lab.cli(f"set interface state {name} down")
    assert send(lab, under, outer(under, 4, inner(source=FAR, to=HOST))) == {}
    assert lab.errors()["vxlan4-input", "interface is down"] == 1
    lab.cli(f"set interface state {name} up")
    assert "pg0" in send(lab, under, outer(under, 4, inner(source=FAR, to=HOST)))


@WAYS
def test_fragments_of_datagrams(lab: Lab, bypass: bool) -> None:
    """They are not put together; the bypass leaves them to who counts them."""
    _, under, _ = setup(lab, 4, bypass)
    packet = outer(under, 4, inner(source=FAR, to=HOST), chksum=0)
    packet[IP].flags = "MF"
    assert send(lab, under, packet) == {}
    assert lab.errors()["ip4-input", "fragments to this machine"] == 1


def test_the_bypass_leaves_others_alone(lab: Lab) -> None:
    """Other datagrams, and those of nobody's tunnel, go as without it."""
    _, under, _ = setup(lab, 4, bypass=True)
    assert "ip4-vxlan-bypass" in lab.cli("show interface pg1 features")
    echo = Ether(src=PEER, dst=under.mac) / IP(src=THEIRS, dst="10.0.1.1") / UDP(sport=1, dport=9) / Raw(b"x")
    assert "pg1" in send(lab, under, echo)
    lab.cli("trace add pg-input 2")
    send(lab, under, outer(under, 4, inner(source=FAR, to=HOST)), outer(under, 4, inner(), vni=99))
    first, second = lab.cli("show trace").split("Packet 2")
    assert "ip4-lookup" not in first and "vxlan4-input" in first
    assert "VXLAN decap from vxlan_tunnel0 vni 13" in first
    assert "ip4-lookup" in second and "VXLAN decap error - tunnel for vni 99 does not exist" in second
    lab.cli("set interface ip vxlan-bypass pg1 del")
    assert "ip4-vxlan-bypass" not in lab.cli("show interface pg1 features")
