"""Interfaces without Ethernet (tun, host-interface in mode ip): packets are IP, and nobody is asked for anything."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet
from tests.conftest import Lab

from weft.features.interface.model import Interface, Interfaces
from weft.features.pg.model import Mode, Options, PacketGenerator

MAC = "02:00:00:00:00:0a"


@pytest.fixture
def tunnel(lab: Lab) -> Interface:
    """pg1, without layer 2, with 10.0.9.1/24; beside pg0 with 10.0.0.1/24."""
    lab.pg(1)
    made = lab.engine[PacketGenerator].create("pg1", Options(Mode.IP4))
    lab.engine[PacketGenerator].capture(made)
    lab.engine[Interfaces].set_admin(made, True)
    lab.cli("set interface ip address pg0 10.0.0.1/24\nset interface ip address pg1 10.0.9.1/24")
    return made


def through(lab: Lab, tunnel: Interface, *packets: Packet) -> list[IP]:
    """What leaves by the tunnel, after packets have come in by it."""
    if packets:
        lab.engine[PacketGenerator].send(tunnel, [bytes(packet) for packet in packets])
    return [IP(packet) for packet in lab.engine[PacketGenerator].captured(tunnel)]


def routed(lab: Lab, destination: str) -> None:
    """A packet of a host on pg0."""
    (port,) = lab.ports
    assert lab.send(port, Ether(src=MAC, dst=port.mac) / IP(src="10.0.0.10", dst=destination, ttl=64) / UDP()) == {}


def test_a_packet_to_its_subnet_leaves_as_it_is(lab: Lab, tunnel: Interface) -> None:
    routed(lab, "10.0.9.9")
    (packet,) = through(lab, tunnel)
    assert (packet.src, packet.dst, packet.ttl) == ("10.0.0.10", "10.0.9.9", 63)


def test_so_does_one_by_a_route(lab: Lab, tunnel: Interface) -> None:
    lab.cli("ip route add 192.0.2.0/24 via 10.0.9.9 pg1\nip route add 198.51.100.0/24 via pg1")
    for destination in ("192.0.2.1", "198.51.100.1"):
        routed(lab, destination)
        assert [packet.dst for packet in through(lab, tunnel)] == [destination]


def test_an_echo_request_is_answered(lab: Lab, tunnel: Interface) -> None:
    (reply,) = through(lab, tunnel, IP(src="10.0.9.9", dst="10.0.9.1") / ICMP(id=3, seq=4))
    assert (reply.src, reply.dst, reply[ICMP].type, reply[ICMP].id) == ("10.0.9.1", "10.0.9.9", 0, 3)


def test_time_exceeded_has_the_interfaces_address(lab: Lab, tunnel: Interface) -> None:
    lab.cli(f"set ip neighbor pg0 10.0.0.10 {MAC}")
    (error,) = through(lab, tunnel, IP(src="10.0.9.9", dst="10.0.0.10", ttl=1) / UDP())
    assert (error.src, error.dst, error[ICMP].type) == ("10.0.9.1", "10.0.9.9", 11)
