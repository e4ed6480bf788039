"""What neighbors mean for the forwarding table."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet
from tests.conftest import Lab

from weft.features.interface.model import Interface

MAC = "02:00:00:00:00:0a"
GATEWAY = "10.0.0.1"


@pytest.fixture
def port(lab: Lab) -> Interface:
    (made,) = lab.pg(1)
    lab.cli("set interface ip address pg0 10.0.0.1/24")
    lab.engine.step()
    lab.output()
    return made


def routes(lab: Lab) -> set[str]:
    """All prefixes of table 0."""
    return {line for line in lab.cli("show ip fib").splitlines() if line[:1].isdigit()}


def to(port: Interface, destination: str) -> Packet:
    return Ether(src="02:00:00:00:00:99", dst=port.mac) / IP(src="192.0.2.1", dst=destination) / UDP()


def test_a_neighbor_has_a_host_route(lab: Lab, port: Interface) -> None:
    before = routes(lab)
    lab.cli(f"set ip neighbor pg0 10.0.0.10 {MAC}")
    assert routes(lab) - before == {"10.0.0.10/32"}
    lab.cli("set ip neighbor del pg0 10.0.0.10")
    assert routes(lab) == before


def test_unless_it_is_not_to_have_one(lab: Lab, port: Interface) -> None:
    before = routes(lab)
    lab.cli(f"set ip neighbor pg0 10.0.0.10 {MAC} no-fib-entry")
    assert routes(lab) == before


def test_a_neighbor_off_the_subnet_is_not_forwarded_to_until_the_subnet_comes(lab: Lab, port: Interface) -> None:
    lab.cli(f"set ip neighbor pg0 10.9.9.9 {MAC} static")
    assert lab.send(port, to(port, "10.9.9.9")) == {}
    lab.cli("set interface ip address pg0 10.9.9.1/24")
    assert lab.send(port, to(port, "10.9.9.9"))["pg0"][0].dst == MAC
    lab.cli("set interface ip address del pg0 10.9.9.1/24")
    assert lab.send(port, to(port, "10.9.9.9")) == {}


def test_an_address_that_goes_takes_what_was_learned_along(lab: Lab, port: Interface) -> None:
    lab.cli("set interface ip address pg0 10.0.5.1/24")
    lab.send(port, Ether(src=MAC, dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=MAC, psrc="10.0.0.10", pdst=GATEWAY))
    lab.send(port, Ether(src=MAC, dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=MAC, psrc="10.0.5.10", pdst="10.0.5.1"))
    lab.cli(f"set ip neighbor pg0 10.0.0.9 {MAC} static\nset interface ip address del pg0 10.0.0.1/24")
    shown = lab.cli("show ip neighbors")
    assert "10.0.0.10 " not in shown
    assert "10.0.0.9 " in shown and "10.0.5.10 " in shown
    assert lab.send(port, to(port, "10.0.0.9")) == {}


def test_a_route_of_the_users_goes_before(lab: Lab, port: Interface) -> None:
    lab.cli(f"ip route add 10.0.0.10/32 via drop\nset ip neighbor pg0 10.0.0.10 {MAC}")
    assert lab.send(port, to(port, "10.0.0.10")) == {}
    lab.cli("ip route del 10.0.0.10/32")
    assert lab.send(port, to(port, "10.0.0.10"))["pg0"][0].dst == MAC


def test_the_interface_may_go_with_neighbors_and_routes(lab: Lab) -> None:
    lab.pg(1)
    before = routes(lab)
    lab.cli(
        f"""
        create sub-interfaces pg0 7
        set interface state pg0.7 up
        set interface ip address pg0.7 10.0.7.1/24
        set ip neighbor pg0.7 10.0.7.7 {MAC}
        ip route add 192.0.2.0/24 via 10.0.7.7 pg0.7
        delete sub-interface pg0.7
        """
    )
    assert {route for route in routes(lab) - before if route.startswith("10.0.7.")} == set()
    assert lab.cli("show ip neighbors") == ""
