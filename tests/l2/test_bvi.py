"""BVIs: packets between layer 2 and layer 3, both ways, as VPP's traces of the two-VLAN configuration show."""

from __future__ import annotations

import re

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw
from tests.conftest import Lab
from tests.l2.frames import BROADCAST, frame, mac

from weft.core.cli import CliError
from weft.features.interface.model import Interfaces, rx

HOST_2, HOST_3 = mac(0x2205), mac(0x3305)
GATEWAY, GATEWAY_3 = "de:ad:00:00:00:16", "de:ad:00:00:00:21"

#: The configuration of VPP's transcript.
CONFIGURATION = """
set interface state pg0 up
create sub-interfaces pg0 2
create sub-interfaces pg0 3
set interface l2 bridge pg0.2 22
set interface l2 tag-rewrite pg0.2 pop 1
set interface state pg0.2 up
set interface l2 bridge pg0.3 33
set interface l2 tag-rewrite pg0.3 pop 1
set interface state pg0.3 up
loopback create instance 22
loopback create instance 33
ip table add 40
set interface l2 bridge loop22 22 bvi
set interface l2 bridge loop33 33 bvi
set interface ip table loop22 40
set interface ip table loop33 40
set interface ip address loop22 192.168.22.1/24
set interface ip address loop33 192.168.33.1/24
set interface state loop22 up
set interface state loop33 up
"""


@pytest.fixture
def two_vlans(lab: Lab) -> Lab:
    lab.pg(1)
    lab.cli(CONFIGURATION)
    lab.cli(f"set ip neighbor loop33 192.168.33.5 {HOST_3}\nl2fib add {HOST_3} 33 pg0.3 static")
    lab.engine.step()
    lab.output()
    return lab


def question() -> bytes:
    return bytes(
        Ether(src=HOST_2, dst=BROADCAST)
        / Dot1Q(vlan=2)
        / ARP(op=1, hwsrc=HOST_2, psrc="192.168.22.5", pdst="192.168.22.1")
    )


def echo(destination: str, ttl: int = 64) -> bytes:
    return bytes(
        Ether(src=HOST_2, dst=GATEWAY)
        / Dot1Q(vlan=2)
        / IP(src="192.168.22.5", dst=destination, ttl=ttl, id=1)
        / ICMP()
        / Raw(b"x" * 30)
    )


def test_arp_is_answered_through_the_bvi(two_vlans: Lab) -> None:
    lab = two_vlans
    (reply,) = lab.send(lab.ports[0], question())["pg0"]
    assert (reply.src, reply.dst, reply[Dot1Q].vlan) == (GATEWAY, HOST_2, 2)
    assert (reply[ARP].op, reply[ARP].hwsrc, reply[ARP].psrc) == (2, GATEWAY, "192.168.22.1")


def test_a_packet_is_routed_from_one_vlan_to_the_other(two_vlans: Lab) -> None:
    lab = two_vlans
    lab.send(lab.ports[0], question())
    (out,) = lab.send(lab.ports[0], echo("192.168.33.5"))["pg0"]
    assert (out.src, out.dst, out[Dot1Q].vlan) == ("de:ad:00:00:00:21", HOST_3, 3)
    assert (out[IP].ttl, out[IP].src, out[IP].dst) == (63, "192.168.22.5", "192.168.33.5")
    (reply,) = lab.send(lab.ports[0], echo("192.168.22.1"))["pg0"]
    assert (reply.dst, reply[Dot1Q].vlan, reply[ICMP].type) == (HOST_2, 2, 0)
    (late,) = lab.send(lab.ports[0], echo("192.168.33.5", ttl=1))["pg0"]
    assert (late.dst, late[Dot1Q].vlan, late[ICMP].type) == (HOST_2, 2, 11)


def test_the_bvi_counts_what_it_takes_without_the_ethernet_header(two_vlans: Lab) -> None:
    lab = two_vlans
    bvi = lab.engine[Interfaces]["loop22"].sw_if_index
    lab.send(lab.ports[0], question(), echo("192.168.33.5"))
    assert rx.read(bvi) == (2, len(question()) - 18 + len(echo("192.168.33.5")) - 18)


def test_traces_are_those_of_vpp(two_vlans: Lab) -> None:
    """Node for node and word for word, apart from interface numbers."""
    lab = two_vlans
    lab.engine.advance(82)
    lab.engine.trace.add("pg-input", 10)
    lab.send(lab.ports[0], question())
    lab.send(lab.ports[0], echo("192.168.33.5"))
    text = lab.cli("show trace")
    index = {each.name: each.sw_if_index for each in lab.engine[Interfaces]}
    two, three, bvi_2, bvi_3 = (index[name] for name in ("pg0.2", "pg0.3", "loop22", "loop33"))
    to_3 = f"dst {HOST_3} src {GATEWAY_3}"
    expected = f"""
l2-input: sw_if_index {two} dst ff:ff:ff:ff:ff:ff src {HOST_2} [l2-input-vtr l2-learn l2-flood ]
l2-input-vtr: sw_if_index {two} dst ff:ff:ff:ff:ff:ff src {HOST_2} data 08 06 00 01 08 00 06 04 00 01 02 00
l2-learn: sw_if_index {two} dst ff:ff:ff:ff:ff:ff src {HOST_2} bd_index 1
l2-flood: sw_if_index {two} dst ff:ff:ff:ff:ff:ff src {HOST_2} bd_index 1
l2-input: sw_if_index {bvi_2} dst {HOST_2} src {GATEWAY} [l2-fwd l2-flood l2-flood ]
l2-fwd:   sw_if_index {bvi_2} dst {HOST_2} src {GATEWAY} bd_index 1 result [0x101{two:010x}, {two}] none
l2-output: sw_if_index {two} dst {HOST_2} src {GATEWAY} data 81 00 00 02 08 06 00 01 08 00 06 04
l2-input: sw_if_index {two} dst {GATEWAY} src {HOST_2} [l2-input-vtr l2-learn l2-fwd l2-flood l2-flood ]
l2-input-vtr: sw_if_index {two} dst {GATEWAY} src {HOST_2} data 08 00 45 00 00 3a 00 01 00 00 40 01
l2-learn: sw_if_index {two} dst {GATEWAY} src {HOST_2} bd_index 1
l2-fwd:   sw_if_index {two} dst {GATEWAY} src {HOST_2} bd_index 1 result [0x7{bvi_2:08x}, {bvi_2}] static age-not bvi
l2-input: sw_if_index {bvi_3} dst {HOST_3} src {GATEWAY_3} [l2-fwd l2-flood l2-flood ]
l2-fwd:   sw_if_index {bvi_3} {to_3} bd_index 2 result [0x3{three:08x}, {three}] static age-not
l2-output: sw_if_index {three} dst {HOST_3} src {GATEWAY_3} data 81 00 00 03 08 00 45 00 00 3a 00 01
""".split("\n")[1:-1]
    lines = [line.strip() for line in text.splitlines() if re.match(r"  l2-", line)]
    assert lines == expected


def test_packets_for_others_do_not_get_to_layer_3(two_vlans: Lab) -> None:
    """An unknown destination is flooded, and the BVI's layer 3 takes what is for its own MAC address only."""
    lab = two_vlans
    stranger = bytes(
        Ether(src=HOST_2, dst=mac(9)) / Dot1Q(vlan=2) / IP(src="192.168.22.5", dst="192.168.22.1") / ICMP()
    )
    assert lab.send(lab.ports[0], stranger) == {}
    assert lab.errors()["l2-flood", "BVI L3 mac mismatch"] == 1


def test_an_ethertype_without_layer_3(two_vlans: Lab) -> None:
    lab = two_vlans
    unknown = bytes(Ether(src=HOST_2, dst=GATEWAY) / Dot1Q(vlan=2, type=0x88B6) / Raw(b"?" * 50))
    broadcast = bytes(Ether(src=HOST_2, dst=BROADCAST) / Dot1Q(vlan=2, type=0x88B6) / Raw(b"?" * 50))
    assert lab.send(lab.ports[0], unknown, broadcast) == {}
    assert lab.errors()["l2-fwd", "BVI packet with unhandled ethertype"] == 1
    assert lab.errors()["l2-flood", "BVI packet with unhandled ethertype"] == 1


def test_a_bvi_that_is_down_takes_nothing(two_vlans: Lab) -> None:
    lab = two_vlans
    lab.cli("set interface state loop22 down")
    assert lab.send(lab.ports[0], question(), echo("192.168.22.1")) == {}


def test_broadcast_reaches_members_and_the_bvi(lab: Lab) -> None:
    a, _, _ = lab.pg(3)
    lab.cli(
        """loopback create
        set interface l2 bridge loop0 1 bvi
        set interface l2 bridge pg0 1
        set interface l2 bridge pg1 1
        set interface l2 bridge pg2 1
        set interface state loop0 up
        set interface ip address loop0 10.0.0.1/24"""
    )
    lab.engine.step()
    lab.output()
    ask = Ether(src=mac(1), dst=BROADCAST) / ARP(op=1, hwsrc=mac(1), psrc="10.0.0.2", pdst="10.0.0.1")
    out = lab.send(a, ask)
    assert sorted(out) == ["pg0", "pg1", "pg2"]
    assert out["pg0"][0][ARP].op == 2
    assert bytes(out["pg1"][0]) == bytes(out["pg2"][0]) == bytes(ask)


def test_layer_3_broadcasts_into_the_bridge_domain(lab: Lab) -> None:
    """A question of layer 3 goes to all members, whatever their split-horizon groups."""
    lab.pg(2)
    lab.cli(
        """loopback create
        set interface l2 bridge loop0 1 bvi 1
        set interface l2 bridge pg0 1 1
        set interface l2 bridge pg1 1 0
        set interface state loop0 up
        set interface ip address loop0 10.0.0.1/24"""
    )
    lab.engine.step()
    lab.output()
    lab.cli("ping 10.0.0.9 repeat 1 interval 0.01")
    out = lab.output()
    assert sorted(out) == ["pg0", "pg1"]
    assert all(packet[ARP].pdst == "10.0.0.9" for packets in out.values() for packet in packets)


def test_a_second_bvi_is_refused_and_nothing_changes(lab: Lab) -> None:
    lab.cli(
        "loopback create\nloopback create\nset interface l2 bridge loop0 1 bvi\nset interface l2 bridge loop1 2 bvi"
    )
    before = lab.cli("show bridge-domain") + lab.cli("show l2fib verbose")
    with pytest.raises(CliError, match=r"^set interface l2 bridge: bridge-domain already has a bvi interface$"):
        lab.cli("set int l2 bridge loop1 1 bvi")
    assert lab.cli("show bridge-domain") + lab.cli("show l2fib verbose") == before
    lab.cli("set interface l2 bridge loop0 1 bvi")
    assert lab.cli("show l2fib").startswith("L2FIB total/learned entries: 2/0")


def test_a_new_mac_address_of_a_bvi(two_vlans: Lab) -> None:
    lab = two_vlans
    lab.cli("set interface mac address loop22 02:00:00:00:be:ef")
    lab.engine.step()
    lab.output()
    assert lab.send(lab.ports[0], echo("192.168.22.1")) == {}
    (reply,) = lab.send(lab.ports[0], question())["pg0"]
    assert reply.src == "02:00:00:00:be:ef"
    renewed = Ether(echo("192.168.22.1"))
    renewed.dst = "02:00:00:00:be:ef"
    assert lab.send(lab.ports[0], renewed)["pg0"][0][ICMP].type == 0


def test_a_loopback_that_is_no_bvi_any_more(two_vlans: Lab) -> None:
    lab = two_vlans
    lab.cli("set interface l3 loop22")
    assert GATEWAY not in lab.cli("show l2fib verbose")
    assert lab.send(lab.ports[0], echo("192.168.22.1"), bytes(frame(1, BROADCAST))) == {}
    lab.cli("loopback delete loop22\nset interface l3 pg0.2\ncreate bridge-domain 22 del")
