"""Tunnels as an operator makes, shows and deletes them."""

from __future__ import annotations

import re
from ipaddress import IPv4Address

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from tests.conftest import Lab

from weft.core.cli import CliError
from weft.features.vxlan.model import Tunnels

from .net import FAR, HOST, OURS, inner, outer, send, tunnel, underlay

MAKE = "create vxlan tunnel src 10.0.1.1 dst 10.0.1.2 vni 13"


def test_as_vpp_shows_them(lab: Lab) -> None:
    """The line is VPP's (its transcript), and so are those of `show interface' and `show hardware-interfaces'."""
    assert lab.cli("show vxlan tunnel").strip() == "No vxlan tunnels configured..."
    assert lab.cli("create vxlan tunnel src 10.0.0.1 dst 10.0.0.2 vni 13").strip() == "vxlan_tunnel0"
    assert lab.cli("show vxlan tunnel") == (
        "[0] instance 0 src 10.0.0.1 dst 10.0.0.2 src_port 4789 dst_port 4789 vni 13 fib-idx 0 sw-if-idx 1 "
        "encap-dpo-idx 0\n"
    )
    assert re.search(r"vxlan_tunnel0 +1 +up +9000/0/0/0", lab.cli("show interface"))
    assert re.search(r"vxlan_tunnel0 +1 +up +vxlan_tunnel0", lab.cli("show hardware-interfaces"))
    assert re.search(r"Ethernet address 02:fe:", lab.cli("show hardware-interfaces vxlan_tunnel0"))
    assert "Raw IPv4 Hash Table:" in lab.cli("show vxlan tunnel raw")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (MAKE, "tunnel already exists..."),
        (MAKE.replace("10.0.1.2", "10.0.1.9") + " instance 0", "Instance is in use"),
        (MAKE.replace("13", "14") + " del", "tunnel does not exist..."),
        (MAKE.replace("10.0.1.2", "10.0.1.1"), "src and dst addresses are identical"),
        (MAKE.replace("13", "16777216"), "vni 16777216 out of range"),
        (MAKE.replace("10.0.1.2", "239.1.1.1"), "dst address must be unicast"),
        (MAKE.replace("dst 10.0.1.2", "group 10.0.1.2 pg0"), "tunnel group address not multicast"),
        (MAKE.replace("10.0.1.2", "2001:db8::1"), "both IPv4 and IPv6 addresses specified"),
        (MAKE.replace("13", "15") + " encap-vrf-id 9", "no such table 9"),
        (MAKE.replace("13", "15") + " decap-next node nowhere", "next node not found"),
        (MAKE.replace("13", "15") + " decap-next 77", "no way out 77"),
        (MAKE.replace("10.0.1.1", "0.0.0.0"), "cannot end at 0.0.0.0"),
        ("create vxlan tunnel src fe80::1 dst fe80::2 vni 1", "cannot end at fe80::1"),
        (MAKE.replace("10.0.1.1", "224.1.1.1"), "cannot begin at the group"),
    ],
)
def test_what_is_refused(compiled_lab: Lab, line: str, reason: str) -> None:
    """In VPP's words where it has any; and nothing has changed then."""
    compiled_lab.pg(1)
    compiled_lab.cli(MAKE)
    before = compiled_lab.cli("show vxlan tunnel") + compiled_lab.cli("show interface")
    with pytest.raises(CliError, match=re.escape(reason)):
        compiled_lab.cli(line)
    assert compiled_lab.cli("show vxlan tunnel") + compiled_lab.cli("show interface") == before


def test_instances_and_names(lab: Lab) -> None:
    """Of one's choice; else VPP's number, or the next that is free."""
    assert lab.cli("create vxlan tunnel src 1.0.0.1 dst 1.0.0.2 vni 1 instance 1").strip() == "vxlan_tunnel1"
    assert lab.cli("create vxlan tunnel src 1.0.0.1 dst 1.0.0.2 vni 2").strip() == "vxlan_tunnel2"
    lab.cli("create vxlan tunnel src 1.0.0.1 dst 1.0.0.2 vni 1 del")
    assert lab.cli("create vxlan tunnel src 1.0.0.1 dst 1.0.0.2 vni 3").strip() == "vxlan_tunnel0"


def test_tunnels_that_share_much(lab: Lab) -> None:
    """The same ends with many VNIs, one deleted: the others work."""
    host, under = underlay(lab)
    names = [lab.cli(f"create vxlan tunnel src 10.0.1.1 dst 10.0.1.2 vni {vni}").strip() for vni in range(1, 41)]
    for number, name in enumerate(names, 1):
        lab.cli(f"set interface l2 bridge {name} {100 + number}")
    lab.cli("set interface l2 bridge pg0 120")
    assert send(lab, host, inner())["pg1"][0]["VXLAN"].vni == 20
    lab.cli("create vxlan tunnel src 10.0.1.1 dst 10.0.1.2 vni 19 del")
    assert "pg0" in send(lab, under, outer(under, 4, inner(source=FAR, to=HOST), vni=20))
    assert "pg0" not in send(lab, under, outer(under, 4, inner(source=FAR, to=HOST), vni=19))
    lab.cli("create vxlan tunnel src 10.0.1.1 dst 10.0.1.2 vni 20 del")
    assert "pg0" not in send(lab, under, outer(under, 4, inner(source=FAR, to=HOST), vni=20))
    assert send(lab, host, inner()) == {}


def test_a_table_with_a_tunnel_stays(lab: Lab) -> None:
    """The underlay's table is the tunnel's, and is kept for it; packets are looked up and found there only."""
    host, under = lab.pg(2)
    lab.cli(
        """
        ip table add 5
        set interface ip table pg1 5
        set interface ip address pg1 10.0.1.1/24
        set ip neighbor pg1 10.0.1.2 02:00:00:00:01:02
        set interface l2 bridge pg0 1
        """
    )
    lab.cli(f"{MAKE} instance 1")
    tunnel(lab, 4, "encap-vrf-id 5")
    assert "fib-idx 1" in lab.cli("show vxlan tunnel")
    assert send(lab, host, inner())["pg1"][0]["VXLAN"].vni == 13
    assert "pg0" in send(lab, under, outer(under, 4, inner(source=FAR, to=HOST)))
    lab.cli("set interface ip address del pg1 all")
    lab.cli("set interface ip table pg1 0")
    with pytest.raises(CliError, match="in use"):
        lab.cli("ip table del 5")
    lab.cli(f"{MAKE} encap-vrf-id 5 del")
    lab.cli("ip table del 5")


def test_deleted_from_its_bridge_domain(lab: Lab) -> None:
    """What was learned behind a tunnel goes with it."""
    host, under = underlay(lab)
    tunnel(lab, 4)
    send(lab, under, outer(under, 4, inner(source=FAR, to=HOST)))
    assert FAR in lab.cli("show l2fib verbose")
    lab.cli(f"{MAKE} del")
    assert FAR not in lab.cli("show l2fib verbose")
    assert send(lab, host, inner()) == {}


def test_without_ethernet(lab: Lab) -> None:
    """An l3 tunnel carries IP packets: they are routed into it, and come out of it to be routed."""
    host, under = underlay(lab)
    lab.cli(
        """
        set interface l3 pg0
        set interface ip address pg0 192.168.0.254/24
        set ip neighbor pg0 192.168.0.1 02:00:00:00:00:aa
        create vxlan tunnel src 10.0.1.1 dst 10.0.1.2 vni 13 l3
        set interface ip address vxlan_tunnel0 172.16.0.1/30
        ip route add 192.168.7.0/24 via vxlan_tunnel0
        """
    )
    there = Ether(src=HOST, dst=host.mac) / IP(src="192.168.0.1", dst="192.168.7.7") / UDP(sport=1, dport=2) / Raw(b"x")
    (sent,) = send(lab, host, there)["pg1"]
    carried = IP(bytes(sent["VXLAN"].payload))
    assert (carried.dst, carried.ttl, carried[Raw].load) == ("192.168.7.7", 63, b"x")
    back = IP(src="192.168.7.7", dst="192.168.0.1") / UDP(sport=2, dport=1) / Raw(b"y")
    (got,) = send(lab, under, outer(under, 4, back))["pg0"]
    assert (got.dst, got[IP].ttl, got[Raw].load) == (HOST, 63, b"y")


@pytest.mark.parametrize(("node", "leaves"), [("ethernet-input", "pg0"), ("error-drop", None)])
def test_where_what_comes_out_goes(lab: Lab, node: str, leaves: str | None) -> None:
    """As `decap-next' says: here to be routed by who has the tunnel's MAC address."""
    _, under = underlay(lab)
    lab.cli(
        f"""
        set interface l3 pg0
        set interface ip address pg0 192.168.0.254/24
        set ip neighbor pg0 192.168.0.2 02:00:00:00:00:aa
        {MAKE} decap-next node {node}
        set interface ip address vxlan_tunnel0 192.168.1.254/24
        """
    )
    tunnel_mac = re.search(r"Ethernet address (\S+)", lab.cli("show hardware-interfaces vxlan_tunnel0"))
    assert tunnel_mac
    frame = Ether(src=FAR, dst=tunnel_mac[1]) / IP(src="192.168.1.1", dst="192.168.0.2") / UDP(sport=1, dport=2)
    assert list(send(lab, under, outer(under, 4, frame))) == ([leaves] if leaves else [])


def test_ten_thousand(compiled_lab: Lab) -> None:
    """Each is a tunnel of its own; those that are left work when others are gone."""
    lab = compiled_lab
    host, under = underlay(lab)
    tunnels = lab.engine[Tunnels]
    far = [IPv4Address("10.1.0.0") + n for n in range(10_000)]
    for n, remote in enumerate(far):
        tunnels.create(IPv4Address(OURS), remote, n + 1)
    lab.cli("ip route add 10.1.0.0/16 via 10.0.1.2 pg1")
    lab.cli("set interface l2 bridge vxlan_tunnel9999 1")
    for n in range(1000):
        tunnels.delete(IPv4Address(OURS), far[n], n + 1)
    assert len(tunnels) == 9000
    (sent,) = send(lab, host, inner())["pg1"]
    assert (sent["IP"].dst, sent["VXLAN"].vni) == (str(far[9999]), 10_000)
    frame = inner(source=FAR, to=HOST)
    assert "pg0" in send(lab, under, outer(under, 4, frame, src=str(far[9999]), vni=10_000))
    before = lab.errors().get(("vxlan4-input", "no such tunnel packets"), 0)
    gone, left = (
        [outer(under, 4, frame, src=str(far[n]), vni=n + 1) for n in r] for r in (range(50), range(1000, 1050))
    )
    send(lab, under, *gone, *left)
    assert lab.errors()["vxlan4-input", "no such tunnel packets"] == before + 50
