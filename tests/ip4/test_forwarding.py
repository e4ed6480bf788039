"""What a router does with a packet that is all right (RFC 1812 5.2, 5.3)."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet, Raw
from tests.conftest import Lab
from tests.ip4.features import ARCS
from tests.ip4.net import Net, errors, host, host_mac

from weft.features.interface.model import ip4_packets

PAYLOAD = b"some payload of an odd length"


def udp(**fields: object) -> Packet:
    return IP(src=host(0), dst=host(1), **fields) / UDP(sport=5, dport=6) / Raw(PAYLOAD)


def checked(packet: Packet) -> Packet:
    """The same packet with all checksums computed anew."""
    fresh = packet.copy()
    for layer in (IP, UDP, ICMP):
        if layer in fresh:
            del fresh[layer].chksum
    return Ether(bytes(fresh))


def test_a_packet_gets_one_hop_less_and_new_addresses_of_layer_2(net: Net) -> None:
    out = net.route(udp(ttl=64, tos=0xB8, id=0x1234))
    assert list(out) == ["pg1"]
    (frame,) = out["pg1"]
    assert (frame.dst, frame.src, frame.type) == (host_mac(1), net.ports[1].mac, 0x0800)
    assert (frame[IP].ttl, frame[IP].tos, frame[IP].id) == (63, 0xB8, 0x1234)
    assert bytes(frame) == bytes(checked(frame))
    assert bytes(frame[Raw]) == PAYLOAD


@pytest.mark.parametrize("identification", [0, 0xFFFF, *range(0x8F00, 0x8F12)])
def test_the_checksum_stays_right_whatever_it_was(net: Net, identification: int) -> None:
    """RFC 1624: also where the incremental update passes 0xffff."""
    for ttl in (2, 64, 255):
        (frame,) = net.route(udp(ttl=ttl, id=identification))["pg1"]
        assert frame[IP].ttl == ttl - 1
        assert bytes(frame) == bytes(checked(frame))


@pytest.mark.parametrize("sum_before", [0xFEFF, 0xFEFE, 0xFF00, 0xFFFF, 0x0000, 0x0100])
def test_the_checksum_may_be_any(net: Net, sum_before: int) -> None:
    """An identification that makes the checksum just this one; of the two zeros only 0 is what a sender computes."""
    packet = IP(bytes(udp(ttl=9, id=0)))
    wanted = (packet.chksum - sum_before) % 0xFFFF
    (frame,) = net.route(udp(ttl=9, id=wanted))["pg1"]
    assert frame[IP].chksum == checked(frame)[IP].chksum


@pytest.mark.parametrize("ttl", [0, 1])
def test_a_packet_that_must_not_live_longer_is_reported(net: Net, ttl: int) -> None:
    out = net.route(udp(ttl=ttl))
    assert list(out) == ["pg0"]
    (frame,) = out["pg0"]
    assert (frame[IP].src, frame[IP].dst) == ("10.0.0.1", host(0))
    assert (frame[ICMP].type, frame[ICMP].code) == (11, 0)
    assert errors(net.lab)["ip4 ttl <= 1"] == 1
    assert bytes(frame) == bytes(checked(frame))


def test_an_interface_counts_its_ip4_packets(net: Net) -> None:
    net.route(udp(), udp(), udp())
    assert ip4_packets.read(net.ports[0].sw_if_index) == 3
    assert ip4_packets.read(net.ports[1].sw_if_index) == 0


def test_long_packets_are_forwarded_whole(net: Net) -> None:
    """Chains of buffers."""
    payload = bytes(range(256)) * 34
    (frame,) = net.route(IP(src=host(0), dst=host(1)) / UDP() / Raw(payload))["pg1"]
    assert bytes(frame[Raw]) == payload
    assert bytes(frame) == bytes(checked(frame))


def test_an_unknown_host_on_a_subnet_is_asked_for(net: Net) -> None:
    out = net.route(IP(src=host(0), dst="10.0.1.77") / UDP())
    assert [(frame[ARP].op, frame[ARP].pdst) for frame in out["pg1"]] == [(1, "10.0.1.77")]


def test_no_route_no_way(net: Net) -> None:
    assert net.route(IP(src=host(0), dst="192.0.2.1") / UDP()) == {}


@pytest.mark.parametrize("destination", ["10.0.1.0", "10.0.1.255", "0.0.0.0", "240.0.0.1", "255.255.255.255"])
def test_what_is_no_hosts_address_is_dropped(net: Net, destination: str) -> None:
    """Directed broadcasts too (RFC 2644)."""
    assert net.way(destination) is None


def test_groups_are_not_forwarded(net: Net) -> None:
    assert net.route(IP(src=host(0), dst="224.1.2.3") / UDP()) == {}
    assert errors(net.lab)["Multicast RPF check failed"] == 1


def test_an_interface_without_an_address_takes_nothing(lab: Lab, net: Net) -> None:
    (port,) = lab.pg(1)
    frame = Ether(dst=port.mac, src="02:00:00:00:09:09") / udp()
    assert lab.send(port, frame) == {}


def test_an_interface_that_lost_its_address_takes_nothing(net: Net) -> None:
    net.lab.cli("set interface ip address del pg0 10.0.0.1/24")
    assert net.route(udp()) == {}
    net.lab.cli("set interface ip address pg0 10.0.0.1/24")
    net.lab.output()
    assert list(net.route(udp())) == ["pg1"]


def test_packets_leave_with_the_tags_of_a_sub_interface(net: Net) -> None:
    net.lab.cli(
        """
        create sub-interfaces pg1 7
        set interface state pg1.7 up
        set interface ip address pg1.7 10.7.0.1/24
        set ip neighbor pg1.7 10.7.0.2 02:00:00:00:07:02
        create sub-interfaces pg1 8 dot1ad 8 inner-dot1q 9 exact-match
        set interface state pg1.8 up
        set interface ip address pg1.8 10.8.0.1/24
        set ip neighbor pg1.8 10.8.0.2 02:00:00:00:08:02
        """
    )
    net.lab.output()
    (frame,) = net.route(IP(src=host(0), dst="10.7.0.2") / UDP())["pg1"]
    assert (frame.dst, frame[Dot1Q].vlan, frame[IP].ttl) == ("02:00:00:00:07:02", 7, 63)
    (frame,) = net.route(IP(src=host(0), dst="10.8.0.2") / UDP())["pg1"]
    assert frame.type == 0x88A8
    assert bytes(frame)[14:22].hex() == "0008810000090800"


def test_tables_are_worlds_of_their_own(lab: Lab, net: Net) -> None:
    """The same subnets and hosts in two tables, nothing leaks."""
    others = lab.pg(2)
    for number, port in enumerate(others):
        lab.cli(
            f"""
            set interface ip table {port.name} 4
            set interface ip address {port.name} 10.0.{number}.1/24
            set ip neighbor {port.name} 10.0.{number}.2 02:00:00:00:f{number}:02
            """
        )
    lab.output()
    assert net.way(host(1)) == ("pg1", host_mac(1))
    frame = Ether(dst=others[0].mac, src="02:00:00:00:f0:02") / udp()
    assert [(name, [each.dst for each in out]) for name, out in lab.send(others[0], frame).items()] == [
        ("pg3", ["02:00:00:00:f1:02"])
    ]
    lab.cli("ip route add 20.0.0.0/8 table 4 via 10.0.1.2 pg3")
    assert net.way("20.1.1.1") is None
    frame = Ether(dst=others[0].mac, src="02:00:00:00:f0:02") / IP(src="10.0.0.2", dst="20.1.1.1") / UDP()
    assert list(lab.send(others[0], frame)) == ["pg3"]


def test_a_route_may_lead_to_another_table(net: Net) -> None:
    net.lab.cli("ip table add 5\nip route add 20.0.0.0/8 via ip4-lookup-in-table 5")
    assert net.way("20.1.1.1") is None
    net.lab.cli("ip route add 20.1.0.0/16 table 5 via 10.0.1.2 pg1")
    assert net.way("20.1.1.1") == ("pg1", host_mac(1))
    assert net.way("20.2.1.1") is None


def test_tables_that_lead_to_one_another_are_no_trap(net: Net) -> None:
    net.lab.cli(
        """
        ip table add 5
        ip route add 20.0.0.0/8 via ip4-lookup-in-table 5
        ip route add 20.0.0.0/8 table 5 via ip4-lookup-in-table 0
        """
    )
    assert net.way("20.1.1.1") is None
    assert errors(net.lab)["tables that lead to one another"] == 1


@pytest.mark.parametrize(("word", "code"), [("null-send-unreach", 1), ("null-send-prohibit", 10)])
def test_a_route_may_refuse_and_say_so(net: Net, word: str, code: int) -> None:
    net.lab.cli(f"ip route add 20.0.0.0/8 via {word}")
    (frame,) = net.route(IP(src=host(0), dst="20.1.1.1") / UDP())["pg0"]
    assert (frame[ICMP].type, frame[ICMP].code) == (3, code)


@pytest.mark.parametrize("arc", ARCS)
def test_features_see_packets_on_their_way(net: Net, arc: str) -> None:
    """On each arc a feature that counts, and passes packets on."""
    port = net.ports[1 if arc == "ip4-output" else 0]
    destination = {"ip4-local": "10.0.0.1", "ip4-drop": "240.0.0.1"}.get(arc, host(1))
    packet = (
        IP(src=host(0), dst=destination, proto=99) if arc == "ip4-punt" else IP(src=host(0), dst=destination) / UDP()
    )
    if arc == "ip4-punt":
        packet[IP].dst = "10.0.0.1"
    before = net.route(packet)
    net.lab.engine.graph.enable(arc, f"test-{arc}", port.sw_if_index)
    after = net.route(packet)
    assert {name: len(frames) for name, frames in before.items()} == {name: len(f) for name, f in after.items()}
    assert net.lab.errors()[f"test-{arc}", "packets seen"] == 1
    if arc == "ip4-output":
        assert net.lab.errors()["test-ip4-output", "headers in front"] == 1
