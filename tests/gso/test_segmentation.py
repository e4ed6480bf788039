"""Large packets that leave by a device without offloads are cut, and checksums finished, as RFC 9293 and 768 want."""

from __future__ import annotations

import random

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Packet
from tests.conftest import Lab

from weft.core import buffer
from weft.core.buffer import allocate_many
from weft.core.runtime import workers
from weft.features.interface.model import tx

from .offload import TCPV4, TCPV6, UDP_L4, owed, send_owing

PAYLOAD = random.Random(1).randbytes(60000)


def tcp4(payload: bytes, **fields: object) -> Packet:
    return (
        Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01")
        / IP(src="10.0.0.1", dst="10.0.0.2", id=0xFFFE, ttl=9)
        / TCP(sport=1000, dport=80, seq=0xFFFFF000, **fields)
        / payload
    )


def good(packet: Packet) -> Packet:
    """The packet with all checksums and lengths computed by scapy."""
    fresh = packet.copy()
    for layer, names in ((IP, ("chksum", "len")), (TCP, ("chksum",)), (UDP, ("chksum", "len")), (IPv6, ("plen",))):
        if layer in fresh:
            for name in names:
                fresh[layer].delfieldval(name)
    return type(packet)(bytes(fresh))


@pytest.mark.parametrize(("length", "size"), [(60000, 1448), (1449, 1448), (2896, 1448), (9000, 8948), (5000, 536)])
def test_tcp_over_ipv4_is_cut_into_numbered_segments(lab: Lab, length: int, size: int) -> None:
    (port,) = lab.pg(1)
    flags = "PAFC"
    out = send_owing(lab, port, tcp4(PAYLOAD[:length], flags=flags), TCPV4, size)
    assert b"".join(bytes(each[TCP].payload) for each in out) == PAYLOAD[:length]
    count = -(-length // size)
    assert len(out) == count
    for number, segment in enumerate(out):
        assert bytes(segment) == bytes(good(segment))
        assert len(segment[TCP].payload) == min(size, length - number * size)
        assert segment[IP].id == (0xFFFE + number) & 0xFFFF
        assert segment[TCP].seq == (0xFFFFF000 + number * size) & 0xFFFFFFFF
        expected = {"A", *("FP" if number == count - 1 else ""), *("C" if number == 0 else "")}
        assert set(str(segment[TCP].flags)) == expected


def test_tcp_options_and_ip_options_are_in_every_segment(lab: Lab) -> None:
    (port,) = lab.pg(1)
    packet = tcp4(PAYLOAD[:4000], flags="A", options=[("NOP", None), ("NOP", None), ("Timestamp", (7, 9))])
    packet[IP].options = [b"\x94\x04\x00\x00"]  # type: ignore[list-item]
    out = send_owing(lab, port, Ether(bytes(packet)), TCPV4, 1000)
    assert len(out) == 4
    for segment in out:
        assert segment[TCP].options == [("NOP", None), ("NOP", None), ("Timestamp", (7, 9))]
        assert segment[IP].ihl == 6
        assert bytes(segment) == bytes(good(segment))


def test_tcp_over_ipv6_is_cut(lab: Lab) -> None:
    (port,) = lab.pg(1)
    packet = Ether() / IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP(seq=5, flags="A") / PAYLOAD[:10001]
    out = send_owing(lab, port, packet, TCPV6, 1428)
    assert b"".join(bytes(each[TCP].payload) for each in out) == PAYLOAD[:10001]
    assert [each[TCP].seq for each in out] == [5 + 1428 * number for number in range(8)]
    assert all(bytes(each) == bytes(good(each)) for each in out)


@pytest.mark.parametrize("ip", [IP(src="10.0.0.1", dst="10.0.0.2"), IPv6(src="2001:db8::1", dst="2001:db8::2")])
def test_udp_is_cut_into_datagrams_of_their_own_length(lab: Lab, ip: Packet) -> None:
    (port,) = lab.pg(1)
    out = send_owing(lab, port, Ether() / ip / UDP(sport=1, dport=2) / PAYLOAD[:5000], UDP_L4, 1200)
    assert [len(each[UDP].payload) for each in out] == [1200] * 4 + [200]
    assert [each[UDP].len for each in out] == [1208] * 4 + [208]
    assert all(bytes(each) == bytes(good(each)) for each in out)


@pytest.mark.parametrize("tags", [Dot1Q(vlan=5), Dot1AD(vlan=7) / Dot1Q(vlan=5)])
def test_tags_are_in_every_segment(lab: Lab, tags: Packet) -> None:
    (port,) = lab.pg(1)
    packet = Ether() / tags / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(flags="A") / PAYLOAD[:3000]
    out = send_owing(lab, port, packet, TCPV4, 1448)
    assert [bytes(each)[12:18] for each in out] == [bytes(packet)[12:18]] * 3
    assert [len(each[TCP].payload) for each in out] == [1448, 1448, 104]
    assert all(bytes(each) == bytes(good(each)) for each in out)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 2000, 2014, 6001])
def test_an_owed_checksum_is_finished(lab: Lab, length: int) -> None:
    (port,) = lab.pg(1)
    packet = tcp4(PAYLOAD[:length], flags="A")
    (out,) = send_owing(lab, port, packet)
    assert bytes(out) == bytes(good(packet))


def test_a_udp_checksum_of_zero_is_sent_as_all_ones(lab: Lab) -> None:
    (port,) = lab.pg(1)
    # A payload that makes the sum of the whole datagram all ones, its complement 0 (RFC 768).
    base = Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=1, dport=2) / b"\0\0"
    missing = good(base)[UDP].chksum
    packet = Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=1, dport=2) / missing.to_bytes(2, "big")
    (out,) = send_owing(lab, port, packet)
    assert out[UDP].chksum == 0xFFFF


def test_segments_are_counted_on_the_interface_as_they_leave(lab: Lab) -> None:
    (port,) = lab.pg(1)
    out = send_owing(lab, port, tcp4(PAYLOAD[:3000], flags="A"), TCPV4, 1000)
    assert tx.read(port.sw_if_index) == (3, sum(len(each) for each in out))
    assert lab.errors() == {("gso-segment", "segments made"): 3}


def test_no_buffer_is_lost_whether_there_are_enough_or_not(lab: Lab) -> None:
    (port,) = lab.pg(1)
    before = free_buffers()
    send_owing(lab, port, tcp4(PAYLOAD, flags="A"), TCPV4, 1448)
    assert free_buffers() == before
    held = lab.engine.arena.allocate(4 * before)
    lab.engine.call(allocate_many, workers[0].cache, held, before - 50)
    out = send_owing(lab, port, tcp4(PAYLOAD, flags="A"), TCPV4, 1448)
    assert 0 < len(out) < 42
    assert free_buffers() == 50
    assert lab.errors()["gso-segment", "no buffers to segment GSO"] == 1


def free_buffers() -> int:
    return buffer.pool.free + workers[0].cache.count


@pytest.mark.parametrize(
    "packet",
    [
        Ether(type=0x88B5) / PAYLOAD[:200],
        Ether() / IP(src="1.1.1.1", dst="1.1.1.2", ihl=15) / TCP() / PAYLOAD[:100],
        Ether() / IPv6() / TCP() / PAYLOAD[:100],
    ],
)
def test_what_is_no_tcp_over_ipv4_is_not_cut(lab: Lab, packet: Packet) -> None:
    (port,) = lab.pg(1)
    out = send_owing(lab, port, packet, TCPV4, 20, start=34)
    assert out == []
    assert lab.errors() == {("gso-segment", "unhandled gso type"): 1}


def test_a_million_segments_are_refused(lab: Lab) -> None:
    (port,) = lab.pg(1)
    assert send_owing(lab, port, tcp4(PAYLOAD, flags="A"), TCPV4, 1) == []
    assert lab.errors() == {("gso-segment", "unhandled gso type"): 1}


def test_a_checksum_out_of_the_packet_is_an_error(lab: Lab) -> None:
    (port,) = lab.pg(1)
    for start, offset in ((2000, 16), (-1, 16), (34, 60000)):
        assert owed(lab, port, tcp4(b"", flags="A"), start=start, offset=offset) == []
    assert lab.errors() == {("checksum-finish", "checksum is out of the packet"): 3}
