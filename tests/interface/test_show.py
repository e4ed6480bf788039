"""show interface and its kin: the same lines as VPP's, where its transcript has them."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw
from tests.conftest import Lab

from weft.core.model import Invalid
from weft.features.interface.arcs import has_feature, set_feature
from weft.features.interface.model import Interfaces

HEADER = "              Name               Idx    State  MTU (L3/IP4/IP6/MPLS)     Counter          Count"


def lines(text: str) -> list[str]:
    return text.splitlines()


def test_show_interface(lab: Lab) -> None:
    """The numbers are made to be those of the transcript: pg0 is 8, pg0.2 is 9; six frames of 402 bytes come."""
    lab.cli("\n".join(["loopback create"] * 7))
    (port,) = lab.pg(1)
    lab.cli("create sub pg0 2\ncreate sub pg0 3\nset int state pg0.2 up\nset int state loop1 up")
    ethernet = Ether(dst="de:ad:00:00:00:16", src="02:00:00:00:22:05") / Dot1Q(vlan=2)
    echo = ethernet / IP(src="192.168.22.5", dst="192.168.33.5") / ICMP() / Raw(b"x" * 30)
    request = ethernet / ARP(psrc="192.168.22.5", pdst="192.168.22.1")
    udp = ethernet / Raw(bytes(46))
    lab.send(port, request, echo, echo, echo, udp, udp)
    shown = lines(lab.cli("show interface"))
    sub = [
        "pg0.2                             9      up           0/0/0/0       rx packets                     6",
        "                                                                    rx bytes                     402",
    ]
    for line in (
        HEADER,
        "local0                            0     down          0/0/0/0",
        "loop0                             1     down         9000/0/0/0",
        "loop1                             2      up          9000/0/0/0",
        "pg0                               8      up          9000/0/0/0     rx packets                     6",
        "                                                                    rx bytes                     402",
        *sub,
    ):
        assert line in shown
    assert lines(lab.cli("sh int pg0.2"))[:3] == [HEADER, *sub]
    lab.cli("clear interfaces")
    assert "rx" not in lab.cli("show interface")


def test_interfaces_are_sorted_by_name_and_sub_interfaces_by_number(lab: Lab) -> None:
    lab.cli("loopback create instance 22\nloopback create instance 3\nloopback create instance 2")
    lab.cli("create sub loop2 10\ncreate sub loop2 9")
    names = [line.split()[0] for line in lines(lab.cli("show interface"))[1:]]
    assert names == ["local0", "loop2", "loop2.9", "loop2.10", "loop22", "loop3"]


def test_show_interface_address(lab: Lab) -> None:
    lab.cli("loopback create\ncreate sub loop0 2\nset int state loop0 up")
    assert lines(lab.cli("show int addr")) == ["local0 (dn):", "loop0 (up):", "loop0.2 (dn):"]
    lab.engine[Interfaces].address_lines.append(lambda interface: ["L3 192.0.2.1/24"] * (interface.name == "loop0"))
    expected = ["loop0 (up):", "  L3 192.0.2.1/24"]
    assert lines(lab.cli("show int addr loop0")) == lines(lab.cli("show int loop0 addr")) == expected


def test_show_interface_features(lab: Lab) -> None:
    lab.cli("loopback create")
    empty = lines(lab.cli("show interface loop0 features"))
    assert empty[0] == "Feature paths configured on loop0..."
    assert empty[1:4] == ["", "device-input:", "  none configured"]
    lab.cli("set interface feature loop0 stats-collect-rx arc device-input")
    assert lines(lab.cli("show int features loop0"))[1:4] == ["", "device-input:", "  stats-collect-rx"]
    lab.cli("set interface feature loop0 stats-collect-rx arc device-input disable")
    assert lines(lab.cli("show interface features loop0")) == empty


def test_show_features(lab: Lab) -> None:
    shown = lines(lab.cli("show features"))
    assert shown[0] == "Available feature paths"
    at = shown.index("interface-output:")
    assert "  stats-collect-tx" in shown[at:]


def test_show_hardware_interfaces(lab: Lab) -> None:
    lab.cli("loopback create\nloopback create\nset interface state loop1 up\ncreate sub loop1 2")
    assert lines(lab.cli("show hardware-interfaces")) == [
        "              Name                Idx   Link  Hardware",
        "local0                             0    down  local0",
        "  Link speed: unknown",
        "  local",
        "loop0                              1    down  loop0",
        "  Link speed: unknown",
        "  Ethernet address de:ad:00:00:00:00",
        "loop1                              2     up   loop1",
        "  Link speed: unknown",
        "  Ethernet address de:ad:00:00:00:01",
    ]
    brief = ["loop1                              2     up   loop1"]
    assert lines(lab.cli("show hardware-interfaces brief loop1"))[1:] == brief
    assert lines(lab.cli("show hardware-interfaces loop1.2 brief"))[1:] == brief


def test_the_speed_of_a_link_is_shown_in_its_unit(lab: Lab) -> None:
    lab.cli("loopback create")
    for kbits, text in ((25_000_000, "25 Gbps"), (2_500_000, "2.5 Gbps"), (100_000, "100 Mbps"), (64, "64 Kbps")):
        lab.engine[Interfaces]["loop0"].speed = kbits
        assert f"  Link speed: {text}" in lines(lab.cli("show hardware-interfaces loop0"))


def test_show_mode(lab: Lab) -> None:
    lab.cli("loopback create\nloopback create")
    assert lines(lab.cli("show mode")) == ["l3 local0", "l3 loop0", "l3 loop1"]
    assert lines(lab.cli("show mode loop1")) == ["l3 loop1"]
    bridged = "l2 bridge loop1 bd_id 2 bvi shg 0"
    lab.engine[Interfaces].modes.append(lambda interface: bridged if interface.name == "loop1" else None)
    assert lines(lab.cli("show mode")) == ["l3 local0", "l3 loop0", bridged]


def test_features_for_programs(lab: Lab) -> None:
    (port,) = lab.pg(1)
    set_feature(lab.engine, port, "device-input", "span-input")
    assert has_feature(lab.engine, port, "device-input", "span-input")
    assert "  span-input" in lines(lab.cli("show interface feat pg0"))
    set_feature(lab.engine, port, "device-input", "span-input", on=False)
    assert not has_feature(lab.engine, port, "device-input", "span-input")
    for arc, feature, error in (
        ("nosuch", "span-input", "INVALID_VALUE"),
        ("device-input", "nosuch", "INVALID_VALUE_2"),
        ("interface-output", "span-input", "INVALID_VALUE_2"),
    ):
        for ask in (set_feature, has_feature):
            with pytest.raises(Invalid) as raised:
                ask(lab.engine, port, arc, feature)
            assert raised.value.error == error
