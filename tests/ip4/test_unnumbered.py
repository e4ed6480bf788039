"""Unnumbered interfaces: they go by another interface's addresses, and have no subnet of their own."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet
from tests.conftest import Lab
from tests.ip6.net import heard

from weft.core.cli import CliError

HOST_MAC, FAR_MAC = "02:00:00:00:aa:05", "02:00:00:00:bb:09"
LENDER = "10.0.9.1"


@pytest.fixture
def net(lab: Lab) -> Lab:
    """pg1 uses the addresses of loop0; pg0 has a subnet, and a host on it."""
    lab.pg(2)
    lab.cli(
        f"""
        set interface ip address pg0 10.0.0.1/24
        set ip neighbor pg0 10.0.0.2 02:00:00:00:00:02
        create loopback interface
        set interface state loop0 up
        set interface ip address loop0 {LENDER}/24
        set interface ip address loop0 2001:db8:9::1/64
        set interface unnumbered pg1 use loop0
        """
    )
    lab.engine.step()
    lab.output()
    return lab


def to_pg1(lab: Lab, packet: Packet, mac: str = HOST_MAC) -> dict[str, list[Packet]]:
    dst = "ff:ff:ff:ff:ff:ff" if ARP in packet else lab.ports[1].mac
    return heard(lab.send(lab.ports[1], Ether(src=mac, dst=dst) / packet))


def from_pg0(lab: Lab, destination: str) -> list[Packet]:
    """What leaves by pg1 when the host on pg0 sends a packet."""
    frame = Ether(dst=lab.ports[0].mac) / IP(src="10.0.0.2", dst=destination) / UDP()
    return heard(lab.send(lab.ports[0], frame)).get("pg1", [])


def asks(sender: str, target: str = LENDER, mac: str = HOST_MAC) -> Packet:
    return ARP(op=1, hwsrc=mac, psrc=sender, pdst=target)


def test_it_answers_for_the_others_address_by_its_own_mac_address(net: Lab) -> None:
    (answer,) = to_pg1(net, asks("10.0.9.5"))["pg1"]
    assert (answer[ARP].op, answer[ARP].psrc, answer[ARP].hwsrc) == (2, LENDER, net.ports[1].mac)
    (reply,) = to_pg1(net, IP(src="10.0.9.5", dst=LENDER) / ICMP())["pg1"]
    assert (reply[IP].src, reply.dst) == (LENDER, HOST_MAC)


def test_a_neighbor_on_it_has_a_route_inside_the_others_subnet(net: Lab) -> None:
    to_pg1(net, asks("10.0.9.5"))
    assert [(frame.dst, frame[IP].dst) for frame in from_pg0(net, "10.0.9.5")] == [(HOST_MAC, "10.0.9.5")]
    net.cli("set interface unnumbered del pg1")
    assert from_pg0(net, "10.0.9.5") == []


def test_a_host_behind_it_needs_a_route_only(net: Lab) -> None:
    """Of any address: it is asked for, may ask, and is answered."""
    net.cli("ip route add 172.16.5.9/32 via pg1")
    assert [(each[ARP].psrc, each[ARP].pdst) for each in from_pg0(net, "172.16.5.9")] == [(LENDER, "172.16.5.9")]
    (answer,) = to_pg1(net, asks("172.16.5.9", mac=FAR_MAC), FAR_MAC)["pg1"]
    assert answer[ARP].psrc == LENDER
    assert [frame.dst for frame in from_pg0(net, "172.16.5.9")] == [FAR_MAC]
    assert to_pg1(net, asks("172.16.5.10", mac=FAR_MAC), FAR_MAC) == {}


def test_errors_come_from_the_others_address(net: Lab) -> None:
    to_pg1(net, asks("10.0.9.5"))
    (error,) = to_pg1(net, IP(src="10.0.9.5", dst="10.0.0.2", ttl=1) / UDP())["pg1"]
    assert (error[IP].src, error[ICMP].type) == (LENDER, 11)


def test_ipv6_too(net: Lab) -> None:
    host = "2001:db8:9::5"
    solicitation = ICMPv6ND_NS(tgt="2001:db8:9::1") / ICMPv6NDOptSrcLLAddr(lladdr=HOST_MAC)
    (answer,) = to_pg1(net, IPv6(src=host, dst="2001:db8:9::1", hlim=255) / solicitation)["pg1"]
    assert answer[ICMPv6ND_NA].tgt == "2001:db8:9::1"
    (reply,) = to_pg1(net, IPv6(src=host, dst="2001:db8:9::1") / ICMPv6EchoRequest())["pg1"]
    assert ICMPv6EchoReply in reply and reply.dst == HOST_MAC


def test_it_follows_what_the_other_has(net: Lab) -> None:
    """And no more once it has given the addresses back."""
    net.cli("set interface ip address loop0 10.0.8.1/24")
    assert "pg1" in to_pg1(net, asks("10.0.8.5", "10.0.8.1"))
    net.cli("set interface ip address del loop0 10.0.8.1/24")
    assert to_pg1(net, asks("10.0.8.5", "10.0.8.1")) == {}
    net.cli("set interface unnumbered del pg1")
    assert to_pg1(net, asks("10.0.9.6")) == {}
    net.cli("set interface ip address pg1 10.0.7.1/24")
    assert "pg1" in to_pg1(net, asks("10.0.7.5", "10.0.7.1"))


def test_the_other_may_be_deleted(net: Lab) -> None:
    net.cli("delete loopback interface intfc loop0")
    assert "unnumbered" not in net.cli("show interface address")
    assert to_pg1(net, asks("10.0.9.5")) == {}


def test_it_is_shown_as_vpp_shows_it(net: Lab) -> None:
    lines = net.cli("show interface address pg1").splitlines()
    assert lines[:3] == ["pg1 (up):", "  unnumbered, use loop0", f"  L3 {LENDER}/24"]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("set interface unnumbered pg0 use loop0", "pg0 has 10.0.0.1/24"),
        ("set interface unnumbered pg1 use pg1", "cannot use"),
        ("set interface unnumbered loop0 use pg0", "cannot use"),
        ("set interface unnumbered del pg0", "not unnumbered"),
        ("set interface unnumbered local0 use loop0", "local0"),
        ("set interface ip address pg1 10.0.7.1/24", "pg1 is unnumbered, it uses loop0"),
    ],
)
def test_what_cannot_be_is_refused(net: Lab, command: str, reason: str) -> None:
    before = net.cli("show interface address")
    with pytest.raises(CliError, match=reason):
        net.cli(command)
    assert net.cli("show interface address") == before
