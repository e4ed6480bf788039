"""ARP termination: requests for known addresses are answered by the bridge, as VPP's arp-term-l2bd does."""

from __future__ import annotations

import pytest
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet
from tests.conftest import Lab
from tests.l2.frames import BROADCAST, mac

from weft.core.cli import CliError


@pytest.fixture
def terminating(lab: Lab) -> Lab:
    """pg0, pg1 and pg2 in bridge domain 1, which answers for 10.0.0.2."""
    for port in lab.pg(3):
        lab.cli(f"set interface l2 bridge {port.name} 1")
    lab.cli(f"set bridge-domain arp term 1\nset bridge-domain arp entry 1 10.0.0.2 {mac(2)}")
    return lab


def request(target: str, sender: str = "10.0.0.1", **fields: object) -> Packet:
    return Ether(src=mac(1), dst=BROADCAST) / ARP(
        **{"op": 1, "hwsrc": mac(1), "psrc": sender, "pdst": target, **fields}
    )


def test_a_known_address_is_answered_and_not_flooded(terminating: Lab) -> None:
    out = terminating.send(terminating.ports[0], request("10.0.0.2"))
    (reply,) = out.pop("pg0")
    assert out == {}
    assert (reply.src, reply.dst) == (mac(2), mac(1))
    arp = reply[ARP]
    assert (arp.op, arp.hwsrc, arp.psrc, arp.hwdst, arp.pdst) == (2, mac(2), "10.0.0.2", mac(1), "10.0.0.1")
    assert terminating.errors()["arp-term-l2bd", "ARP replies sent"] == 1


@pytest.mark.parametrize(
    "packet",
    [
        request("10.0.0.3"),
        request("10.0.0.2", sender="10.0.0.2"),
        request("10.0.0.2", op=2),
        Ether(src=mac(1), dst="33:33:ff:00:00:02") / IPv6(src="fe80::1", dst="ff02::1:ff00:2") / ICMPv6ND_NS(),
    ],
    ids=["unknown", "announcement", "reply", "ipv6"],
)
def test_everything_else_is_flooded(terminating: Lab, packet: Packet) -> None:
    assert sorted(terminating.send(terminating.ports[0], packet)) == ["pg1", "pg2"]


@pytest.mark.parametrize(
    ("packet", "error"),
    [
        (request("10.0.0.2", hwsrc=mac(9)), "ARP hw addr does not match L2 frame src addr"),
        (request("10.0.0.2", hwsrc="01:00:00:00:00:01"), "ARP hw addr does not match L2 frame src addr"),
        (request("10.0.0.2", sender="224.0.0.1"), "IP4 source address not local to subnet"),
        (request("10.0.0.2", hwtype=6), "L2 type not ethernet"),
        (request("10.0.0.2", ptype=0x86DD), "L3 type not IP4"),
        (request("10.0.0.2", plen=16), "L3 type not IP4"),
        (bytes(request("10.0.0.2"))[:30], "ARP packet too short"),
    ],
)
def test_requests_that_make_no_sense_are_dropped(terminating: Lab, packet: Packet | bytes, error: str) -> None:
    assert terminating.send(terminating.ports[0], packet) == {}
    assert terminating.errors()["arp-term-l2bd", error] == 1


def test_switched_off_by_the_bridge_domain_or_the_port(terminating: Lab) -> None:
    terminating.cli("set interface l2 arp-term pg0 disable")
    assert sorted(terminating.send(terminating.ports[0], request("10.0.0.2"))) == ["pg1", "pg2"]
    assert sorted(terminating.send(terminating.ports[1], request("10.0.0.2"))) == ["pg1"]
    terminating.cli("set bridge-domain arp term 1 disable")
    assert sorted(terminating.send(terminating.ports[1], request("10.0.0.2"))) == ["pg0", "pg2"]


def test_unanswered_requests_may_go_to_one_interface(terminating: Lab) -> None:
    terminating.pg(1)
    terminating.cli("set interface l2 bridge pg3 1 uu-fwd\nset bridge-domain arp-ufwd 1")
    assert sorted(terminating.send(terminating.ports[0], request("10.0.0.3"))) == ["pg3"]
    assert sorted(terminating.send(terminating.ports[0], request("10.0.0.2"))) == ["pg0"]


def test_layer_3_asks_through_the_bvi_and_is_answered(terminating: Lab) -> None:
    terminating.cli(
        """loopback create
        set interface l2 bridge loop0 1 bvi
        set interface state loop0 up
        set interface ip address loop0 10.0.0.1/24"""
    )
    terminating.engine.step()
    terminating.output()
    terminating.cli("ping 10.0.0.2 repeat 1 interval 0.01")
    terminating.engine.step()
    assert f"10.0.0.2 {mac(2)}" in " ".join(terminating.cli("show ip neighbors").replace("D ", " ").split())


def test_entries_come_change_and_go(terminating: Lab) -> None:
    lab = terminating
    lab.cli(f"set bridge-domain arp entry 1 10.0.0.2 {mac(7)}")
    assert lab.send(lab.ports[0], request("10.0.0.2"))["pg0"][0][ARP].hwsrc == mac(7)
    assert f"10.0.0.2                 =>   {mac(7)}" in lab.cli("show bridge-domain 1 arp")
    lab.cli(f"set bridge-domain arp entry 1 10.0.0.2 {mac(7)} del")
    assert sorted(lab.send(lab.ports[0], request("10.0.0.2"))) == ["pg1", "pg2"]
    lab.cli(f"set bridge-domain arp entry 1 10.0.0.2 {mac(7)}\nset bridge-domain arp entry 1 del-all")
    assert sorted(lab.send(lab.ports[0], request("10.0.0.2"))) == ["pg1", "pg2"]


@pytest.mark.parametrize(
    "arguments",
    [f"9 10.0.0.1 {mac(1)}", "1 10.0.0.1 01:00:00:00:00:01", f"1 10.0.0.300 {mac(1)}", f"1 10.0.0.9 {mac(1)} del", "1"],
)
def test_entries_that_cannot_be(terminating: Lab, arguments: str) -> None:
    with pytest.raises(CliError):
        terminating.cli(f"set bridge-domain arp entry {arguments}")


def test_bridge_domains_have_their_own_entries(terminating: Lab) -> None:
    lab = terminating
    a, _ = lab.pg(2)
    lab.cli("set interface l2 bridge pg3 2\nset interface l2 bridge pg4 2\nset bridge-domain arp term 2")
    assert sorted(lab.send(a, request("10.0.0.2"))) == ["pg4"]
