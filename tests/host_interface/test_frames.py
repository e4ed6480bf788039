"""Frames between Linux and the engine: what one sends, the other gets, byte for byte."""

from __future__ import annotations

import random
import struct
import time

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw
from tests.conftest import Lab
from tests.hosts import Host, Hosts, Wire
from tests.wiring import arriving, connect, plug, wired

from weft.features.interface.model import Interface, rx, rx_miss, tx, tx_error

pytestmark = pytest.mark.root

BYTES = random.Random(2).randbytes(65536)
HEAD = Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01", type=0x88B5)


def port(lab: Lab, host: Host, options: str = "") -> Interface:
    """A host-interface at a host's cable, up."""
    return plug(lab, f"create host-interface name {host.port} {options}")


def pair(lab: Lab, host: Host, options: str = "") -> tuple[Interface, Interface, Wire]:
    """A packet-generator port wired to a host-interface, and the far end of its cable."""
    return *wired(lab, port(lab, host, options)), host.wire()


@pytest.mark.parametrize("length", [14, 60, 1500, 1514])
def test_a_frame_of_any_length_comes_and_goes(lab: Lab, hosts: Hosts, length: int) -> None:
    pg, interface, wire = pair(lab, hosts())
    frame = bytes(HEAD) + BYTES[: length - 14]
    wire.send(frame)
    assert arriving(lab, pg) == [frame]
    lab.send(pg, frame)
    assert wire.receive(1) == [frame]
    assert rx.read(interface.sw_if_index) == (1, length)
    assert tx.read(interface.sw_if_index) == (1, length)


@pytest.mark.parametrize(
    "tags",
    [
        Dot1Q(vlan=2, prio=3, dei=1),
        Dot1Q(vlan=0, prio=7),
        Dot1AD(vlan=2),
        Dot1AD(vlan=7) / Dot1Q(vlan=4094, prio=5),
        Dot1Q(vlan=7) / Dot1Q(vlan=8),
    ],
)
def test_tags_stand_in_the_frame(lab: Lab, hosts: Hosts, tags: Packet) -> None:
    pg, _, wire = pair(lab, hosts())
    frame = bytes(Ether(dst=HEAD.dst, src=HEAD.src) / tags / IP(dst="10.0.0.1") / UDP() / BYTES[:1400])
    wire.send(frame)
    assert arriving(lab, pg) == [frame]
    lab.send(pg, frame)
    assert wire.receive(1) == [frame]


@pytest.mark.parametrize("length", [1973, 2049, 4096 + 14, 9014])
def test_jumbo_frames(lab: Lab, hosts: Hosts, length: int) -> None:
    pg, _, wire = pair(lab, hosts(mtu=9000))
    frames = [bytes(HEAD) + BYTES[number : number + length - 14] for number in range(5)]
    short = bytes(HEAD) + b"short"
    wire.send(*frames, short, *frames)
    assert arriving(lab, pg) == [*frames, short, *frames]
    lab.send(pg, *frames, short)
    assert wire.receive(1) == [*frames, short]


def test_many_frames_keep_their_order(lab: Lab, hosts: Hosts) -> None:
    pg, _, wire = pair(lab, hosts())
    frames = [bytes(HEAD) + struct.pack("!I", number) for number in range(1000)]
    wire.send(*frames)
    assert arriving(lab, pg) == frames
    lab.send(pg, *frames)
    assert wire.receive(1) == frames


def test_frames_that_find_no_room_are_counted(lab: Lab, hosts: Hosts) -> None:
    pg, interface, wire = pair(lab, hosts())
    frame = bytes(HEAD) + bytes(46)
    wire.send(*[frame] * 3000)
    arrived = len(arriving(lab, pg))
    lab.engine.advance(1.1)
    assert arrived >= 2048
    assert rx_miss.read(interface.sw_if_index) == 3000 - arrived


def test_a_frame_that_linux_refuses_does_not_hold_up_the_others(lab: Lab, hosts: Hosts) -> None:
    pg, interface, wire = pair(lab, hosts())
    good = [bytes(HEAD) + bytes([number]) * 50 for number in range(4)]
    large = bytes(HEAD) + BYTES[:1600]
    lab.send(pg, large, good[0], good[1], large, large, good[2], good[3], large)
    assert wire.receive(1) == good
    assert tx_error.read(interface.sw_if_index) == 4
    assert {("af-packet-tx", "tx sendto fatal failure"): 4}.items() <= lab.errors().items()


def tcp(length: int) -> Packet:
    """A large TCP packet as Linux's own stack hands it to a device: the checksum field has the pseudo-header's sum."""
    packet = Ether(
        bytes(
            Ether(dst=HEAD.dst, src=HEAD.src)
            / IP(src="10.0.0.1", dst="10.0.0.2", id=1)
            / TCP(sport=1, dport=2, seq=100, flags="A")
            / BYTES[:length]
        )
    )
    data = bytes([10, 0, 0, 1, 10, 0, 0, 2, 0, 6]) + (20 + length).to_bytes(2, "big")
    total = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, 12, 2))
    packet[TCP].chksum = (total & 0xFFFF) + (total >> 16)
    return packet


OWING = {"flags": 1, "csum_start": 34, "csum_offset": 16, "hdr_len": 54}


@pytest.mark.parametrize("vlan", [None, 9])
@pytest.mark.parametrize("length", [100, 4000, 64000])
def test_large_segments_are_cut_for_a_port_that_takes_none(
    lab: Lab, hosts: Hosts, length: int, vlan: int | None
) -> None:
    host = hosts()
    pg, _, _ = pair(lab, host)
    packet = tcp(length)
    header = dict(OWING, gso_type=1 if length > 1400 else 0, gso_size=1400 if length > 1400 else 0)
    if vlan is not None:
        packet = Ether(dst=packet.dst, src=packet.src) / Dot1Q(vlan=vlan) / packet[IP]
        header["csum_start"] += 4
    host.wire(offload_headers=True).send_owing(bytes(packet), **header)
    out = [Ether(frame) for frame in arriving(lab, pg)]
    assert b"".join(bytes(each[TCP].payload) for each in out) == BYTES[:length]
    assert len(out) == -(-length // 1400)
    for each in out:
        assert (each[Dot1Q].vlan if Dot1Q in each else None) == vlan
        fresh = each.copy()
        del fresh[TCP].chksum, fresh[IP].chksum, fresh[IP].len
        assert bytes(fresh) == bytes(each)


def test_large_segments_pass_whole_between_host_interfaces(lab: Lab, hosts: Hosts) -> None:
    one, other = hosts(), hosts()
    connect(lab.engine, port(lab, one), port(lab, other))
    sender, receiver = one.wire(offload_headers=True), other.wire(offload_headers=True)
    frame = bytes(tcp(60000))
    sender.send_owing(frame, **OWING, gso_type=1, gso_size=1400)
    time.sleep(0.01)
    lab.engine.step()
    assert receiver.receive(1) == [frame]


def test_segments_longer_than_the_mtu_do_not_leave(lab: Lab, hosts: Hosts) -> None:
    one, other = hosts(mtu=9000), hosts()
    out = port(lab, other)
    connect(lab.engine, port(lab, one), out)
    one.wire(offload_headers=True).send_owing(bytes(tcp(60000)), **OWING, gso_type=1, gso_size=8900)
    receiver = other.wire()
    time.sleep(0.01)
    lab.engine.step()
    assert receiver.receive() == []
    assert {("af-packet-tx", "tx frame is longer than the MTU"): 1}.items() <= lab.errors().items()
    assert tx_error.read(out.sw_if_index) == 1


def test_the_engine_segments_where_linux_is_not_to(lab: Lab, hosts: Hosts) -> None:
    one, other = hosts(), hosts()
    connect(lab.engine, port(lab, one), port(lab, other, "cksum-gso-disable"))
    receiver = other.wire(offload_headers=True)
    one.wire(offload_headers=True).send_owing(bytes(tcp(10000)), **OWING, gso_type=1, gso_size=1400)
    time.sleep(0.01)
    lab.engine.step()
    frames = [Ether(frame) for frame in receiver.receive(1)]
    assert [len(frame[TCP].payload) for frame in frames] == [1400] * 7 + [200]
    assert b"".join(frame[TCP].payload.load for frame in frames if Raw in frame) == BYTES[:10000]
