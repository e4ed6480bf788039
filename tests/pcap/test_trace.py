"""pcap trace: what interfaces receive, send and drop, in a file below /tmp."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.l2 import Dot1Q, Ether

from weft.core.cli import CliError
from weft.features.interface.model import Interfaces
from weft.features.pcap.file import Packet, read

FILE = f"weft-test-{os.getpid()}.pcap"
PATH = Path("/tmp") / FILE


@pytest.fixture(autouse=True)
def no_file() -> Iterator[None]:
    PATH.unlink(missing_ok=True)
    yield
    PATH.unlink(missing_ok=True)


def frame(number: int, size: int = 60) -> bytes:
    """A frame for somebody else, which an interface of layer 3 drops."""
    packet = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:99", type=0x0800)
    return bytes(packet) + bytes([number]) * (size - 14)


def leave(lab, port, *packets: bytes) -> None:
    """Packets that leave by a port."""
    for packet in packets:
        assert lab.engine.workers.inject(packet, f"{port.name}-output", tx_sw_if_index=port.sw_if_index)
    lab.engine.step()


def data(packets: list[Packet]) -> list[bytes]:
    return [packet.data for packet in packets]


def test_received_packets(lab) -> None:
    a, b = lab.pg(2)
    lab.cli(f"pcap trace rx file {FILE}")
    sent = [frame(n) for n in range(5)]
    lab.send_raw(a, *sent[:3])
    lab.send_raw(b, *sent[3:])
    assert lab.cli("pcap trace off") == f"Write 5 packets to {PATH}, and stop capture...\n"
    assert data(read(PATH)) == sent


def test_sent_packets(lab) -> None:
    (a,) = lab.pg(1)
    lab.cli(f"pcap trace tx file {FILE}")
    sent = [frame(n) for n in range(3)]
    leave(lab, a, *sent)
    lab.cli("pcap trace off")
    assert data(read(PATH)) == sent


def test_dropped_packets_have_their_ethernet_header(lab) -> None:
    (a,) = lab.pg(1)
    lab.cli(f"pcap trace drop file {FILE}")
    sent = [frame(n) for n in range(3)]
    lab.send_raw(a, *sent)
    lab.cli("pcap trace off")
    assert data(read(PATH)) == sent


def test_dropped_packets_of_one_error(lab) -> None:
    (a,) = lab.pg(1)
    lab.cli(f"pcap trace drop error ethernet-input.unknown-vlan file {FILE}")
    tagged = bytes(Ether(dst="02:00:00:00:00:99") / Dot1Q(vlan=7) / bytes(60))
    lab.send_raw(a, frame(1), tagged, frame(2))
    lab.cli("pcap trace off")
    assert data(read(PATH)) == [tagged]


def test_one_interface(lab) -> None:
    a, b = lab.pg(2)
    lab.cli(f"pcap trace rx tx intfc pg0 file {FILE}")
    lab.send_raw(a, frame(1))
    lab.send_raw(b, frame(2))
    leave(lab, b, frame(3))
    leave(lab, a, frame(4))
    assert lab.cli("pcap trace status") == (
        f"max is 1000, for pg0 interface to file {PATH}\npcap rx tx capture is on: 2 of 1000 packets...\n"
    )
    lab.cli("pcap trace off")
    assert data(read(PATH)) == [frame(1), frame(4)]


def test_an_interface_s_sub_interfaces_belong_to_it(lab) -> None:
    _, b = lab.pg(2)
    lab.cli("create sub-interfaces pg0 2\nset interface state pg0.2 up")
    lab.cli(f"pcap trace tx intfc pg0 file {FILE}")
    sub = lab.engine[Interfaces]["pg0.2"]
    assert lab.engine.workers.inject(frame(1), "pg0-output", tx_sw_if_index=sub.sw_if_index)
    leave(lab, b, frame(2))
    lab.cli("pcap trace off")
    assert data(read(PATH)) == [frame(1)]


def test_interfaces_that_come_later(lab) -> None:
    lab.cli(f"pcap trace rx intfc any file {FILE}")
    (a,) = lab.pg(1)
    lab.send_raw(a, frame(1))
    lab.cli("pcap trace off")
    assert data(read(PATH)) == [frame(1)]


def test_an_interface_that_goes(lab) -> None:
    (a,) = lab.pg(1)
    lab.cli(f"pcap trace rx intfc pg0 file {FILE}")
    lab.send_raw(a, frame(1))
    lab.cli("delete packet-generator interface pg0")
    lab.ports.clear()
    lab.cli("pcap trace off")
    assert data(read(PATH)) == [frame(1)]


def test_no_more_than_asked_for_and_no_longer(lab) -> None:
    (a,) = lab.pg(1)
    lab.cli(f"pcap trace rx max 3 max-bytes-per-pkt 50 file {FILE}")
    lab.send_raw(a, frame(0, 40), *[frame(n, 3000) for n in range(1, 6)])
    assert "3 of 3 packets" in lab.cli("pcap trace status")
    lab.cli("pcap trace off")
    assert data(read(PATH)) == [frame(0, 40), frame(1, 50), frame(2, 50)]
    assert [packet.length for packet in read(PATH)] == [40, 3000, 3000]


def test_long_packets_are_whole(lab) -> None:
    (a,) = lab.pg(1)
    sent = os.urandom(9000)
    lab.cli(f"pcap trace rx max-bytes-per-pkt 9216 file {FILE}")
    lab.send_raw(a, sent)
    lab.cli("pcap trace off")
    assert data(read(PATH)) == [sent]


def test_nothing_captured_leaves_no_file(lab) -> None:
    lab.cli(f"pcap trace rx tx drop file {FILE}")
    assert lab.cli("pcap trace off") == "No packets captured...\n"
    assert not PATH.exists()


def test_a_trace_that_has_ended_captures_nothing(lab) -> None:
    (a,) = lab.pg(1)
    lab.cli(f"pcap trace rx file {FILE}")
    lab.cli("pcap trace off")
    lab.send_raw(a, frame(1))
    before = lab.engine.arena.heap_used()
    lab.send_raw(a, frame(1))
    assert lab.cli("pcap trace status") == "pcap trace is off\n"
    assert lab.engine.graph.enabled("device-input", a.sw_if_index) == []
    lab.cli(f"pcap trace rx file {FILE}")
    lab.cli("pcap trace off")
    assert lab.engine.arena.heap_used() == before


def test_the_capture_does_not_show_in_packet_traces(lab) -> None:
    (a,) = lab.pg(1)
    lab.cli(f"pcap trace rx tx drop file {FILE}\ntrace add pg-input 1")
    lab.send_raw(a, frame(1))
    assert "pcap" not in lab.cli("show trace")
    assert "next_node ethernet-input" in lab.cli("show trace")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("pcap trace", "name what to trace"),
        ("pcap trace off", "not on"),
        ("pcap trace rx off", "name what to trace"),
        ("pcap trace rx file ../escape", "illegal characters in filename"),
        ("pcap trace rx file /etc/passwd", "illegal characters in filename"),
        ("pcap trace rx file .hidden", "illegal characters in filename"),
        ("pcap trace rx max 0", "give a lower max|0 packets"),
        ("pcap trace rx max 4000000000", "give a lower max"),
        ("pcap trace rx max-bytes-per-pkt 0", "32 to 9216"),
        ("pcap trace rx intfc nosuch0", "nosuch0"),
        ("pcap trace rx error ethernet-input.unknown-vlan", "name drop"),
        ("pcap trace drop error nonsense", "expected an error"),
    ],
)
def test_what_cannot_be(lab, command: str, answer: str) -> None:
    with pytest.raises(CliError, match=answer):
        lab.cli(command)
    assert lab.cli("pcap trace status") == "pcap trace is off\n"


def test_only_one_at_a_time(lab) -> None:
    lab.cli(f"pcap trace rx file {FILE}")
    with pytest.raises(CliError, match="already on"):
        lab.cli("pcap trace tx")
    lab.cli("pcap trace off")


def test_a_sub_interface_receives_through_its_parent(lab) -> None:
    lab.pg(1)
    lab.cli("create sub-interfaces pg0 2")
    with pytest.raises(CliError, match="received by pg0: trace rx there"):
        lab.cli("pcap trace rx intfc pg0.2")
