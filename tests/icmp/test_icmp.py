"""ICMP: echo to ourselves, and the errors that a router sends, may not send, and bounds."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP, ICMPerror, IPerror
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from tests.conftest import Lab

from weft.features.interface.model import Interface

A_MAC, A = "02:00:00:00:00:0a", "10.0.0.10"
B_MAC, B = "02:00:00:00:00:0b", "10.0.1.10"
GATEWAY = "10.0.0.1"


@pytest.fixture
def ports(lab: Lab) -> list[Interface]:
    """Two subnets with a host each: A behind pg0, B behind pg1."""
    made = lab.pg(2)
    lab.cli(
        f"""
        set interface ip address pg0 10.0.0.1/24
        set interface ip address pg1 10.0.1.1/24
        set ip neighbor pg0 {A} {A_MAC} static
        set ip neighbor pg1 {B} {B_MAC} static
        """
    )
    lab.engine.step()
    lab.output()
    return made


def from_a(ports: list[Interface], payload: Packet, **ip: object) -> Packet:
    """A frame of A's to us."""
    return Ether(src=A_MAC, dst=ports[0].mac) / IP(**{"src": A, "dst": B, "ttl": 64, "id": 77} | ip) / payload


def only(out: dict[str, list[Packet]], port: str = "pg0") -> Packet:
    """The one packet that left, by that port, with right checksums."""
    assert list(out) == [port]
    (packet,) = out[port]
    again = packet.copy()
    for layer in (IP, ICMP):
        if layer in again:
            del again[layer].chksum
    assert bytes(again) == bytes(packet), "a checksum is wrong"
    return packet


# --- echo


@pytest.mark.parametrize("size", [0, 1, 7, 56, 1472])
def test_an_echo_request_is_answered(lab: Lab, ports: list[Interface], size: int) -> None:
    payload = bytes(random.Random(size).randrange(256) for _ in range(size))
    reply = only(lab.send(ports[0], from_a(ports, ICMP(id=5, seq=9) / Raw(payload), dst=GATEWAY)))
    assert (reply.src, reply.dst) == (ports[0].mac, A_MAC)
    assert (reply[IP].src, reply[IP].dst, reply[IP].ttl) == (GATEWAY, A, 64)
    assert (reply[ICMP].type, reply[ICMP].code, reply[ICMP].id, reply[ICMP].seq) == (0, 0, 5, 9)
    assert bytes(reply[ICMP].payload) == payload
    assert lab.errors()["ip4-icmp-input", "echo replies sent"] == 1


def test_our_address_on_another_interface_answers_too(lab: Lab, ports: list[Interface]) -> None:
    reply = only(lab.send(ports[0], from_a(ports, ICMP(id=5, seq=9), dst="10.0.1.1")))
    assert (reply[IP].src, reply[IP].dst) == ("10.0.1.1", A)


def test_a_wrong_checksum_stays_wrong(lab: Lab, ports: list[Interface]) -> None:
    """The reply is made by change of the request's checksum, so who asked sees that the packet was damaged."""
    packet = from_a(ports, ICMP(id=5, seq=9) / b"abcd", dst=GATEWAY)
    right = ICMP(bytes(packet[ICMP])).chksum
    packet[ICMP].chksum = (right + 1) & 0xFFFF
    (reply,) = lab.send(ports[0], packet)["pg0"]
    damaged = reply[ICMP].chksum
    del reply[ICMP].chksum
    assert ICMP(bytes(reply[ICMP])).chksum != damaged


@pytest.mark.parametrize("kind", [13, 15, 17, 42, 255])
def test_types_that_nobody_takes(lab: Lab, ports: list[Interface], kind: int) -> None:
    assert lab.send(ports[0], from_a(ports, ICMP(type=kind) / bytes(8), dst=GATEWAY)) == {}
    assert lab.errors()["ip4-icmp-input", "unknown type"] == 1


@pytest.mark.parametrize("length", range(8))
def test_a_message_without_its_header(lab: Lab, ports: list[Interface], length: int) -> None:
    packet = from_a(ports, Raw(bytes(ICMP(id=5, seq=9))[:length]), dst=GATEWAY, proto=1)
    assert lab.send(ports[0], packet) == {}
    assert lab.errors()["ip4-icmp-input", "payload length too small for type"] == 1


def test_padding_is_no_part_of_the_message(lab: Lab, ports: list[Interface]) -> None:
    """A short message in a frame that was filled up to 60 bytes."""
    packet = from_a(ports, Raw(b"\x08\x00\x00\x00"), dst=GATEWAY, proto=1) / b""
    assert lab.send(ports[0], bytes(packet).ljust(60, b"\0")) == {}
    assert lab.errors()["ip4-icmp-input", "payload length too small for type"] == 1


# --- errors: their form


def test_time_exceeded(lab: Lab, ports: list[Interface]) -> None:
    packet = from_a(ports, UDP(sport=1111, dport=2222) / b"payload", ttl=1)
    error = only(lab.send(ports[0], packet))
    assert (error.src, error.dst) == (ports[0].mac, A_MAC)
    assert (error[IP].src, error[IP].dst, error[IP].ttl) == (GATEWAY, A, 255)
    assert (error[ICMP].type, error[ICMP].code) == (11, 0)
    assert (error[IPerror].src, error[IPerror].dst, error[IPerror].id) == (A, B, 77)
    assert bytes(error[IPerror].payload) == bytes(packet[IP].payload)
    errors = lab.errors()
    assert errors["ip4-icmp-error", "hop limit exceeded response sent"] == 1
    assert errors["ip4-input", "ip4 ttl <= 1"] == 1


def test_the_quotation_ends_at_576_bytes(lab: Lab, ports: list[Interface]) -> None:
    error = only(lab.send(ports[0], from_a(ports, UDP() / bytes(1000), ttl=1)))
    assert error[IP].len == 576
    assert len(bytes(error[ICMP])) - 8 == 576 - 20 - 8


def test_a_long_packet_in_several_buffers_is_quoted(lab: Lab, ports: list[Interface]) -> None:
    error = only(lab.send(ports[0], from_a(ports, UDP() / bytes(5000), ttl=1)))
    assert error[IP].len == 576


def test_padding_is_not_quoted(lab: Lab, ports: list[Interface]) -> None:
    packet = from_a(ports, UDP(), ttl=1)
    error = only(lab.send(ports[0], bytes(packet).ljust(60, b"\xee")))
    assert error[IP].len == 28 + 28


def test_a_route_that_refuses(lab: Lab, ports: list[Interface]) -> None:
    lab.cli("ip route add 192.0.2.0/24 via null-send-unreach")
    error = only(lab.send(ports[0], from_a(ports, UDP() / b"x", dst="192.0.2.1")))
    assert (error[IP].src, error[ICMP].type, error[ICMP].code) == (GATEWAY, 3, 1)
    assert lab.errors()["ip4-icmp-error", "destination unreachable response sent"] == 1


def test_fragmentation_needed_says_the_mtu(lab: Lab, ports: list[Interface]) -> None:
    lab.cli("set interface mtu 1400 pg1")
    error = only(lab.send(ports[0], from_a(ports, UDP() / bytes(1400), flags="DF")))
    assert (error[ICMP].type, error[ICMP].code, error[ICMP].nexthopmtu) == (3, 4, 1400)
    assert error[IPerror].len == 1428


def test_the_source_is_the_address_on_the_senders_subnet(lab: Lab, ports: list[Interface]) -> None:
    lab.cli("set interface ip address pg0 10.0.7.1/24\nset ip neighbor pg0 10.0.7.7 02:00:00:00:00:07")
    lab.engine.step()
    lab.output()
    packet = from_a(ports, UDP(), ttl=1, src="10.0.7.7")
    assert only(lab.send(ports[0], packet))[IP].src == "10.0.7.1"


# --- errors: about what none is sent (RFC 1812 4.3.2.7)


def assert_silence(lab: Lab, port: Interface, packet: Packet) -> None:
    """No packet leaves."""
    assert lab.send(port, packet) == {}
    assert lab.errors().get(("ip4-icmp-error", "hop limit exceeded response sent"), 0) == 0


@pytest.mark.parametrize("kind", [3, 4, 5, 11, 12])
def test_none_about_an_icmp_error(lab: Lab, ports: list[Interface], kind: int) -> None:
    quotation = IP(src=B, dst=A) / UDP()
    assert_silence(lab, ports[0], from_a(ports, ICMP(type=kind) / quotation, ttl=1))
    assert lab.errors()["ip4-icmp-error", "error message dropped"] == 1


@pytest.mark.parametrize("kind", [0, 8, 13])
def test_one_about_an_icmp_query(lab: Lab, ports: list[Interface], kind: int) -> None:
    error = only(lab.send(ports[0], from_a(ports, ICMP(type=kind) / bytes(20), ttl=1)))
    assert error[ICMP].type == 11
    assert error[ICMPerror].type == kind


def test_none_about_a_fragment_but_the_first(lab: Lab, ports: list[Interface]) -> None:
    assert_silence(lab, ports[0], from_a(ports, Raw(bytes(64)), ttl=1, frag=100, proto=17))


def test_one_about_the_first_fragment(lab: Lab, ports: list[Interface]) -> None:
    error = only(lab.send(ports[0], from_a(ports, UDP() / bytes(64), ttl=1, flags="MF")))
    assert error[ICMP].type == 11


@pytest.mark.parametrize(
    "source", ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "10.0.0.255"]
)
def test_none_to_what_is_no_host(lab: Lab, ports: list[Interface], source: str) -> None:
    assert_silence(lab, ports[0], from_a(ports, UDP(), ttl=1, src=source))


@pytest.mark.parametrize("destination", ["224.0.0.1", "255.255.255.255", "10.0.0.255"])
def test_none_about_what_was_sent_to_many(lab: Lab, ports: list[Interface], destination: str) -> None:
    assert_silence(lab, ports[0], from_a(ports, UDP(), ttl=1, dst=destination))


def test_none_about_a_broadcast_frame(lab: Lab, ports: list[Interface]) -> None:
    packet = from_a(ports, UDP(), ttl=1)
    packet.dst = "ff:ff:ff:ff:ff:ff"
    assert_silence(lab, ports[0], packet)


def test_errors_are_limited(lab: Lab, ports: list[Interface]) -> None:
    """A burst of 64, and 1000 a second: what 300 at once may bring is near the burst."""
    out = lab.send(ports[0], *[from_a(ports, UDP(), ttl=1)] * 300)["pg0"]
    errors = lab.errors()
    assert 64 <= len(out) < 300
    assert errors["ip4-icmp-error", "hop limit exceeded response sent"] == len(out)
    assert errors["ip4-icmp-error", "error message dropped"] == 300 - len(out)


# --- whatever comes


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=80), ttl=st.sampled_from([1, 64]), to_us=st.booleans(), ihl=st.integers(5, 15))
def test_any_message_does_no_harm(
    lab: Lab, ports: list[Interface], body: bytes, ttl: int, to_us: bool, ihl: int
) -> None:
    """What leaves is a reply or an error to the sender, or the packet on its way."""
    packet = from_a(ports, Raw(body), ttl=ttl, dst=GATEWAY if to_us else B, proto=1, ihl=ihl)
    for port, packets in lab.send(ports[0], packet).items():
        for each in packets:
            assert each.dst == (A_MAC if port == "pg0" else B_MAC)


def test_a_cut_echo_request(lab: Lab, ports: list[Interface]) -> None:
    """The IP header says how long the packet should be: every cut is found."""
    whole = bytes(from_a(ports, ICMP(id=5, seq=9) / bytes(32), dst=GATEWAY))
    assert lab.send(ports[0], *(whole[:length] for length in range(14, len(whole)))) == {}
    assert sum(count for (node, _), count in lab.errors().items() if node == "ip4-input") == len(whole) - 14


# --- traces


def test_the_trace_of_an_echo(lab: Lab, ports: list[Interface]) -> None:
    """At each node the packet is as the node got it."""
    lab.cli("trace add pg-input 1")
    lab.send(ports[0], from_a(ports, ICMP(id=5, seq=9), dst=GATEWAY))
    shown = lab.cli("show trace")
    stations = [line.split()[1] for line in shown.splitlines() if line[:2].isdigit()]
    at = stations.index("ip4-icmp-input")
    assert stations[at : at + 2] == ["ip4-icmp-input", "ip4-icmp-echo-request"]
    request = shown[shown.index("ip4-icmp-echo-request") :]
    first = request.index("ICMP echo_request checksum 0x")
    assert "ICMP echo_reply checksum 0x" in request[first:]


def test_the_trace_of_an_error_is_the_packets(lab: Lab, ports: list[Interface]) -> None:
    lab.cli("trace add pg-input 1")
    lab.send(ports[0], from_a(ports, ICMP(id=5, seq=9), ttl=1))
    shown = lab.cli("show trace")
    assert shown.count("Packet ") == 1
    assert "ICMP time_exceeded ttl_exceeded_in_transit checksum 0x" in shown
    assert "ip4-input: ip4 ttl <= 1" in shown
