"""ARP of a bridge domain's BVI: requests come through layer 2, answers go back that way."""

from __future__ import annotations

import pytest
from scapy.layers.l2 import ARP, Dot1Q, Ether
from tests.conftest import Lab

from weft.features.interface.model import Interface, Interfaces

from .net import A, Host, tagged

GATEWAY = "10.0.0.1"


@pytest.fixture
def trunk(lab: Lab) -> Interface:
    """VLAN 2 of pg0 is bridged with loop0, the gateway 10.0.0.1/24 of table 4; pg1 is in the bridge domain too."""
    (made, _) = lab.pg(2)
    lab.cli(
        """
        loopback create
        ip table add 4
        set interface l2 bridge loop0 2 bvi
        set interface ip table loop0 4
        set interface ip address loop0 10.0.0.1/24
        set interface state loop0 up
        create sub-interfaces pg0 2
        set interface l2 bridge pg0.2 2
        set interface l2 tag-rewrite pg0.2 pop 1
        set interface state pg0.2 up
        set interface l2 bridge pg1 2
        """
    )
    lab.engine.step()
    lab.output()
    return made


def test_a_request_is_answered_with_the_tag(lab: Lab, trunk: Interface) -> None:
    gateway = lab.engine[Interfaces]["loop0"]
    out = lab.send(trunk, tagged(A.asks(GATEWAY), 2))
    (reply,) = out["pg0"]
    assert (reply.src, reply.dst, reply[Dot1Q].vlan) == (gateway.mac, A.mac, 2)
    assert (reply[ARP].op, reply[ARP].psrc, reply[ARP].hwsrc) == (2, GATEWAY, gateway.mac)


def test_a_request_without_tag_is_answered_without(lab: Lab, trunk: Interface) -> None:
    out = lab.send(lab.ports[1], A.asks(GATEWAY))
    (reply,) = out["pg1"]
    assert (reply.type, reply[ARP].psrc) == (0x0806, GATEWAY)


def test_the_asker_is_a_neighbor_on_the_bvi(lab: Lab, trunk: Interface) -> None:
    lab.send(trunk, tagged(A.asks(GATEWAY), 2))
    assert lab.cli("show ip neighbors").splitlines()[1].split()[1:] == [A.ip, "D", A.mac, "loop0"]


def test_who_claims_the_bvis_address_is_refused(lab: Lab, trunk: Interface) -> None:
    lab.send(trunk, tagged(Host(A.mac, GATEWAY).asks(GATEWAY), 2))
    assert lab.cli("show ip neighbors") == ""


def test_a_forged_sender_behind_the_bridge_is_refused(lab: Lab, trunk: Interface) -> None:
    packet = A.asks(GATEWAY)
    packet.src = "02:00:00:00:00:77"
    lab.send(trunk, tagged(packet, 2))
    assert lab.errors()["arp-reply", "ARP hw addr does not match L2 frame src addr"] == 1
    assert lab.cli("show ip neighbors") == ""


def test_an_unknown_host_is_asked_for_in_the_whole_bridge_domain(lab: Lab, trunk: Interface) -> None:
    lab.cli("ping 10.0.0.77 table-id 4 repeat 1 interval 0.01")
    out = lab.output()
    (tagged_request,), (request,) = out["pg0"], out["pg1"]
    assert (tagged_request[Dot1Q].vlan, tagged_request[ARP].pdst) == (2, "10.0.0.77")
    assert (request.dst, request[ARP].op, request[ARP].psrc) == ("ff:ff:ff:ff:ff:ff", 1, GATEWAY)
    assert isinstance(request, Ether)
