"""Checksums and TCP segmentation left to the other side, both ways."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from tests.conftest import Lab
from tests.gso.offload import pseudo_header
from tests.vhost_user.frontend import (
    CSUM,
    GUEST_CSUM,
    GUEST_TSO4,
    GUEST_TSO6,
    HOST_TSO4,
    HOST_TSO6,
    MRG_RXBUF,
    PLAIN,
    FrontEnd,
)
from tests.vhost_user.guest import Buffer

TO_US = CSUM | HOST_TSO4 | HOST_TSO6
TO_GUEST = GUEST_CSUM | GUEST_TSO4 | GUEST_TSO6
EVERYTHING = PLAIN | MRG_RXBUF | TO_US | TO_GUEST

# virtio 1.2, 5.1.6
NEEDS_CSUM, TCPV4 = 1, 1
START = 14 + 20  #: of the layer-4 header


def segment(payload: int, kind: type[Packet] = TCP) -> tuple[bytes, Packet]:
    """A packet whose checksum is owed (the pseudo-header's sum stands in its place), and the same complete."""
    packet = Ether(src="52:54:00:00:00:01", dst="52:54:00:00:00:02") / IP(src="10.0.0.1", dst="10.0.0.2")
    packet = packet / (TCP(sport=1000, dport=80, flags="A", seq=7) if kind is TCP else UDP(sport=1000, dport=53))
    packet = packet / Raw(bytes(n * 7 & 255 for n in range(payload)))
    complete = Ether(bytes(packet))
    owing = complete.copy()
    owing[kind].chksum = pseudo_header(complete, len(complete[kind]))
    return bytes(owing), complete


def header(kind: int = 0, size: int = 0, offset: int = 16, start: int = START) -> bytes:
    return struct.pack("<BBHHHH", NEEDS_CSUM, kind, START + 20 if kind else 0, size, start, offset)


@pytest.mark.parametrize(("layer", "offset"), [(TCP, 16), (UDP, 6)])
def test_a_guests_checksum_is_completed(
    lab: Lab, front_end: Callable[..., FrontEnd], layer: type[Packet], offset: int
) -> None:
    vm = front_end("gso", features=EVERYTHING).start()
    owing, complete = segment(101, layer)
    vm.transmit(owing, header=header(offset=offset))
    assert [bytes(packet) for packet in lab.output()["pg0"]] == [bytes(complete)]


def test_a_guests_large_segment_is_cut(lab: Lab, front_end: Callable[..., FrontEnd]) -> None:
    vm = front_end("gso", features=EVERYTHING).start()
    owing, complete = segment(3500)
    vm.transmit(owing, header=header(TCPV4, 1000))
    out = lab.output()["pg0"]
    assert [len(packet[TCP].payload) for packet in out] == [1000, 1000, 1000, 500]
    assert b"".join(bytes(packet[TCP].payload) for packet in out) == bytes(complete[TCP].payload)
    assert [packet[TCP].seq for packet in out] == [7, 1007, 2007, 3007]
    for packet in out:
        again = packet.copy()
        del again[TCP].chksum, again[IP].chksum
        assert bytes(again) == bytes(packet), "checksums are right"


def two(lab: Lab, front_end: Callable[..., FrontEnd], tmp_path: Path, second: int) -> tuple[FrontEnd, FrontEnd]:
    """Two machines, cross-connected; the second one's driver knows these features."""
    first = front_end("gso", features=EVERYTHING)
    lab.cli(f"""
        create vhost-user socket {tmp_path}/second.sock server gso
        set interface state VirtualEthernet0/0/1 up
        set interface l2 xconnect VirtualEthernet0/0/0 VirtualEthernet0/0/1
        set interface l2 xconnect VirtualEthernet0/0/1 VirtualEthernet0/0/0
    """)
    other = FrontEnd(lab, tmp_path / "second.sock", features=second, size=64)
    return first.start(), other.start()


def test_a_packet_of_60_kilobytes_crosses_unsplit(lab: Lab, front_end: Callable[..., FrontEnd], tmp_path: Path) -> None:
    first, second = two(lab, front_end, tmp_path, EVERYTHING)
    given = second.offer(40)
    owing, _ = segment(60000)
    first.transmit(owing, header=header(TCPV4, 1448))
    [(said, frame)] = second.collect(given)
    flags, kind, length, size, start, offset, buffers = struct.unpack("<BBHHHHH", said)
    assert frame == owing
    assert (flags, kind, length, size, start, offset) == (NEEDS_CSUM, TCPV4, START + 20, 1448, START, 16)
    assert buffers == -(-(len(owing) + 12) // 2048)
    second.close()


def test_for_a_guest_that_takes_no_large_segments_it_is_cut(
    lab: Lab, front_end: Callable[..., FrontEnd], tmp_path: Path
) -> None:
    first, second = two(lab, front_end, tmp_path, PLAIN | MRG_RXBUF)
    given = second.offer(40)
    owing, complete = segment(5000)
    first.transmit(owing, header=header(TCPV4, 1448))
    out = second.collect(given)
    assert [said[:10] for said, _ in out] == [bytes(10)] * 4
    assert b"".join(bytes(Ether(frame)[TCP].payload) for _, frame in out) == bytes(complete[TCP].payload)
    second.close()


@pytest.mark.parametrize(
    "said",
    [
        header(start=5000),
        header(offset=5000),
        header(start=0),
        header(TCPV4, 0),
        header(3, 1000),
        header(0x7F, 1000),
        header(TCPV4, 1000, start=START + 90),
    ],
    ids=["start", "offset", "no start", "size 0", "UFO", "unknown", "no TCP header"],
)
def test_headers_that_are_impossible(lab: Lab, front_end: Callable[..., FrontEnd], said: bytes) -> None:
    vm = front_end("gso", features=EVERYTHING).start()
    vm.transmit(segment(100)[0], header=said)
    assert lab.output() == {}
    assert lab.errors()[("vhost-user-input", "bad virtio header")] == 1


def test_a_header_says_nothing_where_offloads_were_not_agreed_on(lab: Lab, front_end: Callable[..., FrontEnd]) -> None:
    vm = front_end(features=PLAIN).start()
    owing, _ = segment(100)
    vm.transmit(owing, header=header())
    assert [bytes(packet) for packet in lab.output()["pg0"]] == [owing]


def test_a_packet_longer_than_the_ring_has_room(lab: Lab, front_end: Callable[..., FrontEnd], tmp_path: Path) -> None:
    first, second = two(lab, front_end, tmp_path, EVERYTHING)
    second.offer(10)
    first.transmit(segment(60000)[0], header=header(TCPV4, 1448))
    assert second.vrings[0].queue.used() == []
    assert first.vrings[1].queue.used() != []
    second.vrings[0].queue.offer(Buffer(second.memory.allocate(64), 64, True))
    second.close()
