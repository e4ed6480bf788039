"""Traces at the packet generator, as VPP prints them: the texts are those of its transcript."""

from __future__ import annotations

import pytest

from weft.features.pg.model import PacketGenerator

ARP_REQUEST = bytes.fromhex(
    "ffffffffffff 020000002205 81000002 0806 0001080006040001 020000002205c0a81605 000000000000c0a81601"
)


def show(lab) -> list[str]:
    """The trace without times of day."""
    text = lab.cli("show trace")
    return [line.partition(": ")[2] if line[:3] == "00:" else line for line in text.splitlines()]


def test_pg_input(lab) -> None:
    (port,) = lab.pg(1)
    lab.cli("trace add pg-input 10")
    lab.engine[PacketGenerator].add("p1", port, [ARP_REQUEST], limit=2)
    lab.cli("packet-generator enable-stream p1")
    lab.engine.step()
    lines = show(lab)
    assert lines[:7] == [
        "------------------- Start of thread 0 vpp_main -------------------",
        "Packet 1",
        "",
        "pg-input",
        f"  stream p1, 46 bytes, sw_if_index {port.sw_if_index}, next_node ethernet-input",
        "  current data 0, length 46, buffer-pool 0, ref-count 1, trace handle 0x0",
        "  ARP: 02:00:00:00:22:05 -> ff:ff:ff:ff:ff:ff 802.1q vlan 2",
    ]
    assert lines[lines.index("Packet 2") - 1] == ""
    assert "  current data 0, length 46, buffer-pool 0, ref-count 1, trace handle 0x1" in lines


def test_the_stream_is_named_after_it_has_gone(lab) -> None:
    (port,) = lab.pg(1)
    lab.cli("trace add pg-input 10")
    lab.send_raw(port, ARP_REQUEST)
    lab.engine[PacketGenerator].add("other", port, [ARP_REQUEST])
    assert "stream *send*" in lab.cli("show trace")


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (46, "current data 0, length 46, buffer-pool 0, ref-count 1, trace handle 0x0"),
        (5000, "current data 0, length 2048, buffer-pool 0, ref-count 1, totlen-nifb 2952, trace handle 0x0"),
    ],
)
def test_pg_tx(lab, size: int, expected: str) -> None:
    (port,) = lab.pg(1)
    lab.cli("trace add pg0-tx 1")
    lab.engine[PacketGenerator].send(port, [ARP_REQUEST.ljust(size, b"\0")], node="pg0-tx")
    lines = show(lab)
    assert lines[3] == "pg0-tx"
    assert lines[4].startswith("    buffer 0x")
    assert lines[4].partition(": ")[2] == expected
    assert "  ARP: 02:00:00:00:22:05 -> ff:ff:ff:ff:ff:ff 802.1q vlan 2" in lines


def test_buffer_flags_and_offsets_of_a_frame_that_leaves(lab) -> None:
    """A tagged frame for another bridge port keeps what ethernet-input noted of it."""
    lab.pg(2)
    for port in (0, 1):
        lab.cli(f"create sub-interfaces pg{port} 2")
        lab.cli(f"set interface state pg{port}.2 up")
        lab.cli(f"set interface l2 bridge pg{port}.2 2")
    lab.cli("trace add pg-input 1")
    lab.send_raw(lab.ports[0], ARP_REQUEST)
    lines = show(lab)
    at = lines.index("pg1-tx")
    assert lines[at + 2] == " " * 20 + "vlan-1-deep l2-hdr-offset 0 l3-hdr-offset 18"
    assert lines[at + 3] == "  ARP: 02:00:00:00:22:05 -> ff:ff:ff:ff:ff:ff 802.1q vlan 2"
