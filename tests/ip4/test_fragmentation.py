"""Packets that are longer than the next link takes (RFC 791 3.2, RFC 1191)."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP, defragment
from scapy.packet import Packet, Raw
from tests.ip4.net import Net, errors, host


def datagram(size: int, **fields: object) -> Packet:
    """A UDP datagram with ``size`` bytes of payload."""
    payload = random.Random(size).randbytes(size)
    return IP(bytes(IP(src=host(0), dst=host(1), id=77, ttl=9, **fields) / UDP(sport=1, dport=2) / Raw(payload)))


def whole(frames: list[Packet]) -> Packet:
    """The packet that fragments make, as the receiver sees it."""
    (packet,) = defragment([frame[IP] for frame in frames])
    return packet


def mtu(net: Net, size: int) -> None:
    net.lab.cli(f"set interface mtu packet {size} pg1")


@pytest.mark.parametrize("size", [1473, 1480, 1481, 2952, 2953, 5000, 8900])
def test_fragments_make_the_packet_again(net: Net, size: int) -> None:
    mtu(net, 1500)
    sent = datagram(size)
    frames = net.route(sent)["pg1"]
    assert all(len(frame[IP]) <= 1500 and frame[IP].ttl == 8 for frame in frames)
    assert all(frame[IP].chksum == IP(_without_checksum(frame[IP])).chksum for frame in frames)
    assert [frame[IP].flags.MF for frame in frames] == [1] * (len(frames) - 1) + [0]
    got = whole(frames)
    assert bytes(got[UDP]) == bytes(sent[UDP])
    counted = errors(net.lab)
    assert (counted["packet fragmented"], counted["number of sent fragments"]) == (1, len(frames))


def _without_checksum(packet: Packet) -> bytes:
    fresh = packet.copy()
    del fresh.chksum
    return bytes(fresh)


def test_what_fits_stays_whole(net: Net) -> None:
    mtu(net, 1500)
    assert len(net.route(datagram(1472))["pg1"]) == 1


def test_fragments_of_fragments(net: Net) -> None:
    """The last of a packet's fragments is cut again; all fit together."""
    mtu(net, 576)
    sent = datagram(3000)
    first = IP(bytes(sent)[:20] + bytes(sent)[20:1500])
    first.flags, first.len, first.chksum = "MF", None, None
    second = IP(bytes(sent)[:20] + bytes(sent)[1500:])
    second.frag, second.len, second.chksum = 1480 // 8, None, None
    frames = net.route(first, second)["pg1"]
    assert len(frames) == 6
    assert bytes(whole(frames)[UDP]) == bytes(sent[UDP])


def test_who_forbids_fragments_is_told_the_mtu(net: Net) -> None:
    mtu(net, 1400)
    out = net.route(datagram(1400, flags="DF"))
    assert list(out) == ["pg0"]
    (frame,) = out["pg0"]
    assert (frame[ICMP].type, frame[ICMP].code, frame[ICMP].nexthopmtu) == (3, 4, 1400)
    assert errors(net.lab)["ip4 MTU exceeded and DF set"] == 1


def test_a_packet_that_dies_is_not_cut(net: Net) -> None:
    mtu(net, 576)
    packet = datagram(1000)
    packet.ttl, packet.chksum = 1, None
    (frame,) = net.route(packet)["pg0"]
    assert frame[ICMP].type == 11


def test_the_mtu_of_ip4_alone(net: Net) -> None:
    net.lab.cli("set interface mtu ip4 1000 pg1")
    assert len(net.route(datagram(1400))["pg1"]) == 2
    net.lab.cli("set interface mtu ip4 0 pg1")
    assert len(net.route(datagram(1400))["pg1"]) == 1


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(size=st.integers(0, 6000), limit=st.integers(68, 3000))
def test_any_size_through_any_mtu(net: Net, size: int, limit: int) -> None:
    mtu(net, limit)
    sent = datagram(size)
    frames = net.route(sent)["pg1"]
    most = (limit - 20) // 8 * 8
    payload = len(sent) - 20
    assert len(frames) == (1 if len(sent) <= limit else -(-payload // most))
    assert all(len(frame[IP]) <= limit for frame in frames)
    assert bytes(whole(frames)[UDP]) == bytes(sent[UDP])
