"""The network under a tunnel: routes that change, several paths, VLANs, BVIs, groups."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw
from tests.conftest import Lab

from weft.features.interface.model import Interface

from .net import FAMILIES, FAR, HOST, PEER, THEIRS, inner, outer, send, tunnel, underlay

FARTHER = {4: ("10.9.9.9", "10.9.0.0/16", 24), 6: ("2001:db8:9::9", "2001:db8:9::/48", 64)}
ROUTERS = {4: ("10.0.1.2", "10.0.2.2"), 6: ("2001:db8:1::2", "2001:db8:2::2")}
SECOND = "02:00:00:00:02:02"


def far_tunnel(lab: Lab, version: int) -> Interface:
    """A tunnel to somebody behind routers on pg1 and pg2, not reached yet; the host's port."""
    host, _ = underlay(lab)
    lab.pg(1)
    lab.cli(
        f"""
        set interface ip address pg2 10.0.2.1/24
        set interface ip address pg2 2001:db8:2::1/64
        ip6 nd pg2 ra-suppress
        set ip neighbor pg2 10.0.2.2 {SECOND}
        set ip neighbor pg2 2001:db8:2::2 {SECOND}
        create vxlan tunnel src {FAMILIES[version][1]} dst {FARTHER[version][0]} vni 1
        set interface l2 bridge vxlan_tunnel0 1
        """
    )
    lab.engine.step()
    lab.engine.step()
    lab.output()
    return host


@pytest.mark.parametrize("version", [4, 6])
def test_routes_that_change(lab: Lab, version: int) -> None:
    """Packets follow each change at once: no route, one, a longer one, another table's, none."""
    host = far_tunnel(lab, version)
    address, prefix, _ = FARTHER[version]
    one, other = ROUTERS[version]

    def way() -> list[tuple[str, str]]:
        return [(port, packet.dst) for port, packets in send(lab, host, inner()).items() for packet in packets]

    assert way() == []
    lab.cli(f"ip route add {prefix} via {one} pg1")
    assert way() == [("pg1", PEER)]
    longer = f"{address}/{32 if version == 4 else 128}"
    lab.cli(f"ip route add {longer} via {other} pg2")
    assert way() == [("pg2", SECOND)]
    lab.cli(f"set ip neighbor pg2 {other} 02:00:00:00:02:03")
    assert way() == [("pg2", "02:00:00:00:02:03")]
    lab.cli("set interface state pg2 down")
    assert way() == []
    lab.cli(f"set interface state pg2 up\nset ip neighbor pg2 {other} {SECOND}")
    assert [port for port, _ in way()] == ["pg2"]
    lab.cli(f"ip route del {longer} via {other} pg2")
    assert way() == [("pg1", PEER)]
    lab.cli(f"ip route del {prefix}")
    assert way() == []


@pytest.mark.parametrize("version", [4, 6])
def test_many_paths(lab: Lab, version: int) -> None:
    """Flows divide among the paths to the other end; each keeps its own."""
    host = far_tunnel(lab, version)
    one, other = ROUTERS[version]
    lab.cli(f"ip route add {FARTHER[version][1]} via {one} pg1 via {other} pg2")
    flows = [inner(sport=1000 + n) for n in range(64)]
    first = send(lab, host, *flows)
    assert min(len(first["pg1"]), len(first["pg2"])) > 16
    again = send(lab, host, *flows)
    assert {port: [bytes(p) for p in packets] for port, packets in first.items()} == {
        port: [bytes(p) for p in packets] for port, packets in again.items()
    }


def test_a_router_that_is_not_known_yet(lab: Lab) -> None:
    """It is asked for, and the next packets go to it."""
    host, under = underlay(lab)
    lab.cli("create vxlan tunnel src 10.0.1.1 dst 10.0.1.77 vni 1")
    lab.cli("set interface l2 bridge vxlan_tunnel0 1")
    (asked,) = send(lab, host, inner())["pg1"]
    assert (asked[ARP].op, asked[ARP].pdst) == (1, "10.0.1.77")
    reply = Ether(src=FAR, dst=under.mac) / ARP(op=2, hwsrc=FAR, psrc="10.0.1.77", hwdst=under.mac, pdst="10.0.1.1")
    send(lab, under, reply)
    lab.engine.step()
    lab.output()
    (sent,) = send(lab, host, inner())["pg1"]
    assert (sent.dst, sent[IP].dst, sent[VXLAN].vni) == (FAR, "10.0.1.77", 1)


def test_over_a_vlan(lab: Lab) -> None:
    """The underlay is a sub-interface of a trunk."""
    host, trunk = lab.pg(2)
    lab.cli(
        f"""
        create sub-interfaces pg1 40
        set interface state pg1.40 up
        set interface ip address pg1.40 10.0.1.1/24
        set ip neighbor pg1.40 {THEIRS} {PEER}
        set interface l2 bridge pg0 1
        """
    )
    tunnel(lab, 4)
    (sent,) = send(lab, host, inner())["pg1"]
    assert (sent.dst, sent[Dot1Q].vlan, sent[IP].dst) == (PEER, 40, THEIRS)
    assert bytes(sent[VXLAN].payload) == bytes(inner())
    frame = inner(source=FAR, to=HOST)
    back = outer(trunk, 4, frame)
    tagged = Ether(src=PEER, dst=trunk.mac) / Dot1Q(vlan=40) / back[IP]
    assert [bytes(p) for p in send(lab, trunk, tagged)["pg0"]] == [bytes(frame)]
    assert "pg0" not in send(lab, trunk, back)


def test_over_a_bvi(lab: Lab) -> None:
    """The underlay is a bridge domain of its own, with our end on its BVI."""
    host, port = lab.pg(2)
    lab.cli(
        f"""
        loopback create
        set interface l2 bridge loop0 9 bvi
        set interface state loop0 up
        set interface ip address loop0 10.0.1.1/24
        set interface l2 bridge pg1 9
        set ip neighbor loop0 {THEIRS} {PEER}
        set interface l2 bridge pg0 1
        """
    )
    tunnel(lab, 4)
    (sent,) = send(lab, host, inner())["pg1"]
    assert (sent.src, sent.dst, sent[IP].dst) == ("de:ad:00:00:00:00", PEER, THEIRS)
    frame = inner(source=FAR, to=HOST)
    back = Ether(src=PEER, dst="de:ad:00:00:00:00") / outer(port, 4, frame)[IP]
    assert [bytes(p) for p in send(lab, port, back)["pg0"]] == [bytes(frame)]


def test_a_tunnel_under_itself_ends(lab: Lab) -> None:
    """Whose way leads into itself puts headers in front until there is no room; then the packet is dropped."""
    host, _ = lab.pg(2)
    lab.cli(
        f"""
        loopback create
        set interface l2 bridge loop0 1 bvi
        set interface state loop0 up
        set interface ip address loop0 10.0.1.1/24
        set ip neighbor loop0 {THEIRS} {PEER}
        set interface l2 bridge pg0 1
        """
    )
    tunnel(lab, 4)
    send(lab, host, inner(to="ff:ff:ff:ff:ff:ff"))
    assert lab.errors()["vxlan4-encap", "no room for the new header"] >= 1


# --- split horizon


def test_split_horizon_is_the_operators_choice(lab: Lab) -> None:
    """Between tunnels of one group nothing is flooded, nor forwarded; without a group it is, as in VPP."""
    for shg, seen in (("", ["10.0.1.3", None]), (" 1", [None])):
        _, under = lab.ports or underlay(lab)
        lab.cli("set ip neighbor pg1 10.0.1.3 02:00:00:00:01:03")
        if "vxlan_tunnel0" not in lab.cli("show interface"):
            lab.cli("create vxlan tunnel src 10.0.1.1 dst 10.0.1.2 vni 13")
            lab.cli("create vxlan tunnel src 10.0.1.1 dst 10.0.1.3 vni 13")
        for name in ("vxlan_tunnel0", "vxlan_tunnel1"):
            lab.cli(f"set interface l2 bridge {name} 1{shg}")
        out = send(lab, under, outer(under, 4, inner(source=FAR, to="ff:ff:ff:ff:ff:ff")))
        reached = [p[IP].dst if p.haslayer(VXLAN) else None for packets in out.values() for p in packets]
        assert sorted(reached, key=str) == seen


# --- groups

GROUPS = {4: ("239.1.1.1", "01:00:5e:01:01:01"), 6: ("ff05::1:2", "33:33:00:01:00:02")}


@pytest.mark.parametrize("version", [4, 6])
def test_a_group(lab: Lab, version: int) -> None:
    """What is flooded goes to the group, not to the tunnels to its members; what comes from the group is learned behind
    the tunnel to who has sent it, and counted at the group's.
    """
    host, under = underlay(lab)
    group, group_mac = GROUPS[version]
    layer, ours, theirs, vni = FAMILIES[version]
    unicast = tunnel(lab, version)
    lab.cli(f"create vxlan tunnel src {ours} group {group} pg1 vni {vni} instance 50")
    lab.cli("set interface l2 bridge vxlan_tunnel50 1")
    assert f"mcast-sw-if-idx {under.sw_if_index}" in lab.cli("show vxlan tunnel")
    out = lab.send(host, inner())["pg1"]
    (sent,) = [p for p in out if p.haslayer(VXLAN)]
    assert (sent.dst, sent[layer].dst, sent[layer].src, sent[VXLAN].vni) == (group_mac, group, ours, vni)
    frame = inner(source=FAR, to="ff:ff:ff:ff:ff:ff")
    back = outer(under, version, frame, dst=group)
    back.dst = group_mac
    out = send(lab, under, back)
    assert [bytes(p) for p in out["pg0"]] == [bytes(frame)]
    learned = [line.split()[-1] for line in lab.cli("show l2fib verbose").splitlines() if FAR in line]
    assert learned == [unicast]
    assert "rx packets" in lab.cli("show interface vxlan_tunnel50")
    assert "rx packets" not in lab.cli(f"show interface {unicast}")
    # A stranger's are nobody's, and so is another group.
    stranger = {4: "10.0.1.3", 6: "2001:db8:1::3"}[version]
    back = outer(under, version, frame, dst=group, src=stranger)
    back.dst = group_mac
    assert send(lab, under, back) == {}
    assert lab.errors()[f"vxlan{version}-input", "no such tunnel packets"] == 1
    back = outer(under, version, frame, dst={4: "239.1.1.2", 6: "ff05::1:3"}[version])
    back.dst = group_mac
    assert send(lab, under, back) == {}
    assert lab.errors()[f"ip{version}-input", "Multicast RPF check failed"] == 1
    lab.cli(f"create vxlan tunnel src {ours} group {group} pg1 vni {vni} del")
    back = outer(under, version, frame, dst=group)
    back.dst = group_mac
    assert send(lab, under, back) == {}
    assert lab.errors()[f"ip{version}-input", "Multicast RPF check failed"] == 2
    out = lab.send(host, inner(to="ff:ff:ff:ff:ff:ff"))["pg1"]
    assert [p[layer].dst for p in out if p.haslayer(VXLAN)] == [theirs]


def test_a_groups_interface_changes_and_goes(lab: Lab) -> None:
    """Its MAC address is in what is sent by it; when it is gone, nothing is sent, and the tunnel can be deleted."""
    host, _ = underlay(lab)
    lab.cli("create sub-interfaces pg1 7\nset interface state pg1.7 up")
    lab.cli("create vxlan tunnel src 10.0.1.1 group 239.1.1.1 pg1.7 vni 5\nset interface l2 bridge vxlan_tunnel0 1")
    lab.cli("set interface mac address pg1 02:00:00:00:77:77")
    (sent,) = [p for p in lab.send(host, inner())["pg1"] if p.haslayer(VXLAN)]
    assert (sent.src, sent.dst, sent[Dot1Q].vlan) == ("02:00:00:00:77:77", "01:00:5e:01:01:01", 7)
    lab.cli("delete sub-interface pg1.7")
    assert send(lab, host, inner()) == {}
    lab.cli("create vxlan tunnel src 10.0.1.1 group 239.1.1.1 pg1 vni 6")
    lab.cli("create vxlan tunnel src 10.0.1.1 group 239.1.1.1 pg1 vni 5 del")
    assert "vxlan_tunnel0" not in lab.cli("show interface")


def test_one_group_many_tunnels(lab: Lab) -> None:
    """VNIs share a group; the last tunnel leaves it."""
    _, under = underlay(lab)
    frame = inner(source=FAR, to=HOST)
    for vni in (1, 2):
        lab.cli(f"create vxlan tunnel src 10.0.1.1 group 239.1.1.1 pg1 vni {vni}")
    for vni, reason in (
        (1, ("vxlan4-input", "no such tunnel packets")),
        (2, ("ip4-input", "Multicast RPF check failed")),
    ):
        lab.cli(f"create vxlan tunnel src 10.0.1.1 group 239.1.1.1 pg1 vni {vni} del")
        back = outer(under, 4, frame, vni=1, dst="239.1.1.1")
        back.dst = "01:00:5e:01:01:01"
        send(lab, under, back)
        assert lab.errors()[reason] == 1


def test_an_answer_from_layer_3(lab: Lab) -> None:
    """A host behind the tunnel pings the bridge domain's BVI: the answer goes back through the tunnel."""
    _, under = underlay(lab)
    lab.cli(
        """
        loopback create
        set interface l2 bridge loop0 1 bvi
        set interface state loop0 up
        set interface ip address loop0 192.168.0.254/24
        """
    )
    tunnel(lab, 4)
    asked = Ether(src=FAR, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=FAR, psrc="192.168.0.9", pdst="192.168.0.254")
    answers = [p for p in send(lab, under, outer(under, 4, asked))["pg1"] if p.haslayer(VXLAN)]
    assert answers[0][VXLAN][ARP].hwsrc == "de:ad:00:00:00:00"
    echo = Ether(src=FAR, dst="de:ad:00:00:00:00") / IP(src="192.168.0.9", dst="192.168.0.254") / ICMP() / Raw(b"ping")
    (reply,) = [p for p in send(lab, under, outer(under, 4, echo))["pg1"] if p.haslayer(VXLAN)]
    assert reply[VXLAN][ICMP].type == 0 and reply[VXLAN][Raw].load == b"ping"
    assert reply[UDP].dport == 4789


def test_udp_over_ipv6_inside(lab: Lab) -> None:
    """IPv6 in a tunnel over IPv4, and the other way round."""
    host, _ = underlay(lab)
    tunnel(lab, 6)
    frame = Ether(src=HOST, dst=FAR) / IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP() / Raw(b"six in six")
    (sent,) = send(lab, host, frame)["pg1"]
    assert bytes(sent[VXLAN].payload) == bytes(frame)
