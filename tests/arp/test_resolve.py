"""Packets for whom no MAC address is known: an ARP request is sent, once in a while; the answer opens the way."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet
from tests.conftest import Lab

from weft.features.interface.model import Interface

from .net import EVERYBODY, A, B, Host

FAR = Host("02:00:00:00:00:0f", "10.0.1.10")
ROUTER = Host("02:00:00:00:00:0e", "10.0.1.254")


@pytest.fixture
def ports(lab: Lab) -> list[Interface]:
    """A is behind pg0, FAR and ROUTER are behind pg1; A is known."""
    made = lab.pg(2)
    lab.cli(
        f"""
        set interface ip address pg0 10.0.0.1/24
        set interface ip address pg1 10.0.1.1/24
        set ip neighbor pg0 {A.ip} {A.mac} static
        """
    )
    lab.engine.step()
    lab.output()
    return made


def to(ports: list[Interface], destination: str, **ip: object) -> Packet:
    """A packet of A's to be routed."""
    return Ether(src=A.mac, dst=ports[0].mac) / IP(src=A.ip, dst=destination, **ip) / UDP() / b"data"


def requests(out: dict[str, list[Packet]]) -> list[str]:
    """Whom pg1 was asked for."""
    assert set(out) <= {"pg1"}
    packets = out.get("pg1", [])
    for packet in packets:
        assert (packet.dst, packet[ARP].op, packet[ARP].psrc) == (EVERYBODY, 1, "10.0.1.1")
        assert packet[ARP].hwsrc == packet.src
        assert packet[ARP].hwdst == "00:00:00:00:00:00"
    return [packet[ARP].pdst for packet in packets]


def test_a_host_on_a_connected_subnet_is_asked_for(lab: Lab, ports: list[Interface]) -> None:
    out = lab.send(ports[0], to(ports, FAR.ip))
    assert requests(out) == [FAR.ip]
    assert out["pg1"][0].src == ports[1].mac
    assert lab.errors()["ip4-glean", "ARP requests sent"] == 1


def test_its_answer_opens_the_way(lab: Lab, ports: list[Interface]) -> None:
    lab.send(ports[0], to(ports, FAR.ip))
    assert lab.send(ports[1], FAR.answers(ports[1].mac, "10.0.1.1")) == {}
    (packet,) = lab.send(ports[0], to(ports, FAR.ip))["pg1"]
    assert (packet.src, packet.dst, packet[IP].dst) == (ports[1].mac, FAR.mac, FAR.ip)


def test_the_next_hop_of_a_route_is_asked_for(lab: Lab, ports: list[Interface]) -> None:
    lab.cli(f"ip route add 192.0.2.0/24 via {ROUTER.ip} pg1")
    assert requests(lab.send(ports[0], to(ports, "192.0.2.7"))) == [ROUTER.ip]
    assert lab.errors()["ip4-arp", "ARP requests sent"] == 1
    lab.send(ports[1], ROUTER.answers(ports[1].mac, "10.0.1.1"))
    (packet,) = lab.send(ports[0], to(ports, "192.0.2.7"))["pg1"]
    assert (packet.dst, packet[IP].dst) == (ROUTER.mac, "192.0.2.7")


def test_a_next_hop_that_is_known_already(lab: Lab, ports: list[Interface]) -> None:
    lab.cli(f"set ip neighbor pg1 {ROUTER.ip} {ROUTER.mac}\nip route add 192.0.2.0/24 via {ROUTER.ip} pg1")
    (packet,) = lab.send(ports[0], to(ports, "192.0.2.7"))["pg1"]
    assert packet.dst == ROUTER.mac


def test_many_packets_to_one_host_ask_once(lab: Lab, ports: list[Interface]) -> None:
    assert requests(lab.send(ports[0], *[to(ports, FAR.ip)] * 20)) == [FAR.ip]
    errors = lab.errors()
    assert (errors["ip4-glean", "ARP requests sent"], errors["ip4-glean", "ARP requests throttled"]) == (1, 19)


def test_a_moment_later_it_is_asked_for_again(lab: Lab, ports: list[Interface]) -> None:
    lab.send(ports[0], to(ports, FAR.ip))
    lab.engine.advance(1)
    assert requests(lab.send(ports[0], to(ports, FAR.ip))) == [FAR.ip]


def test_many_hosts_are_asked_for_each(lab: Lab, ports: list[Interface]) -> None:
    hosts = [f"10.0.1.{number}" for number in range(10, 60)]
    asked = requests(lab.send(ports[0], *(to(ports, host) for host in hosts)))
    # Two in a window may share a bit; of 50 hardly ever more than one do.
    assert set(asked) <= set(hosts) and len(asked) >= 48


def test_a_neighbor_that_goes_is_asked_for_anew(lab: Lab, ports: list[Interface]) -> None:
    lab.cli(f"set ip neighbor pg1 {FAR.ip} {FAR.mac}")
    assert lab.send(ports[0], to(ports, FAR.ip))["pg1"][0].dst == FAR.mac
    lab.cli(f"set ip neighbor del pg1 {FAR.ip}")
    assert requests(lab.send(ports[0], to(ports, FAR.ip))) == [FAR.ip]


def test_a_neighbor_with_a_new_mac_address(lab: Lab, ports: list[Interface]) -> None:
    lab.cli(f"set ip neighbor pg1 {FAR.ip} {FAR.mac}")
    lab.send(ports[1], Host(B.mac, FAR.ip).asks("10.0.1.1"))
    assert lab.send(ports[0], to(ports, FAR.ip))["pg1"][0].dst == B.mac


def test_our_own_new_mac_address_is_in_every_header(lab: Lab, ports: list[Interface]) -> None:
    lab.cli(f"set ip neighbor pg1 {FAR.ip} {FAR.mac}\nset interface mac address pg1 02:00:00:00:aa:aa")
    lab.engine.step()
    lab.output()
    assert lab.send(ports[0], to(ports, FAR.ip))["pg1"][0].src == "02:00:00:00:aa:aa"
    (request,) = lab.send(ports[0], to(ports, "10.0.1.77"))["pg1"]
    assert (request.src, request[ARP].hwsrc) == ("02:00:00:00:aa:aa", "02:00:00:00:aa:aa")


def test_a_sub_interface_asks_with_its_tag(lab: Lab, ports: list[Interface]) -> None:
    lab.cli("create sub-interfaces pg1 9\nset interface state pg1.9 up\nset interface ip address pg1.9 10.0.9.1/24")
    lab.engine.step()
    lab.output()
    (request,) = lab.send(ports[0], to(ports, "10.0.9.9"))["pg1"]
    assert (request[Dot1Q].vlan, request[ARP].psrc, request[ARP].pdst) == (9, "10.0.9.1", "10.0.9.9")
    answer = Ether(src=FAR.mac, dst=ports[1].mac) / Dot1Q(vlan=9)
    lab.send(ports[1], answer / ARP(op=2, hwsrc=FAR.mac, psrc="10.0.9.9", hwdst=ports[1].mac, pdst="10.0.9.1"))
    (packet,) = lab.send(ports[0], to(ports, "10.0.9.9"))["pg1"]
    assert (packet.dst, packet[Dot1Q].vlan, packet[IP].dst) == (FAR.mac, 9, "10.0.9.9")


def test_each_table_has_its_own_neighbors(lab: Lab, ports: list[Interface]) -> None:
    """The same subnet twice, in two tables: what is learned in one is nothing to the other."""
    (other,) = lab.pg(1)
    lab.cli("ip table add 7\nset interface ip table pg2 7\nset interface ip address pg2 10.0.1.1/24")
    lab.engine.step()
    lab.output()
    lab.send(other, FAR.asks("10.0.1.1"))
    assert requests(lab.send(ports[0], to(ports, FAR.ip))) == [FAR.ip]
    assert lab.send(other, Host(B.mac, "10.0.0.7").asks("10.0.0.1")) == {}


def test_an_interface_that_is_down_asks_nobody(lab: Lab, ports: list[Interface]) -> None:
    lab.cli("set interface state pg1 down")
    assert lab.send(ports[0], to(ports, FAR.ip)) == {}


def test_the_request_is_in_the_packets_trace(lab: Lab, ports: list[Interface]) -> None:
    lab.cli("trace add pg-input 1")
    lab.send(ports[0], to(ports, FAR.ip))
    shown = lab.cli("show trace")
    assert f"{ports[1].mac}/10.0.1.1 -> 00:00:00:00:00:00/{FAR.ip}" in shown
    assert "ip4-glean: ARP requests sent" in shown
