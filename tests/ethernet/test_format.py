"""Frames in a trace, as VPP prints them."""

from __future__ import annotations

import pytest
from tests.conftest import Lab
from tests.ethernet.layer3 import watch
from tests.ethernet.test_matching import add, stack

from weft.features.ethernet.format import format_frame, format_header

ADDRESSES = bytes.fromhex("deadffffff00 020000002205")
ARROW = "02:00:00:00:22:05 -> de:ad:ff:ff:ff:00"


@pytest.mark.parametrize(
    ("rest", "text"),
    [
        ("0800", f"IP4: {ARROW}"),
        ("0806", f"ARP: {ARROW}"),
        ("86dd", f"IP6: {ARROW}"),
        ("88b5", f"0x88b5: {ARROW}"),
        ("8100 0002 0800", f"IP4: {ARROW} 802.1q vlan 2"),
        ("8100 f002 0800", f"IP4: {ARROW} 802.1q vlan 2 priority 7 cfi"),
        ("88a8 0003 8100 2004 0800", f"IP4: {ARROW} 802.1ad vlan 3 802.1q vlan 4 priority 1"),
        ("8100 0003 8100 0004 8100 0005 0800", f"VLAN: {ARROW} 802.1q vlan 3 802.1q vlan 4"),
        ("08", "ethernet header truncated"),
        ("8100 00", "ethernet header truncated"),
        ("8100 0003 8100 0004 81", "ethernet header truncated"),
    ],
)
def test_a_header_in_one_line(rest: str, text: str) -> None:
    assert format_header(ADDRESSES + bytes.fromhex(rest)) == text


def test_any_cut_can_be_shown() -> None:
    frame = bytes(stack("1 2 3 4 5"))
    for length in range(len(frame)):
        assert format_frame(frame[:length])


def test_the_trace_of_a_tagged_frame(lab: Lab) -> None:
    a, b = lab.pg(2)
    watch(lab, b)
    add(lab, "create sub-interfaces pg0 2")
    lab.cli("trace add pg-input 2")
    lab.send(a, stack("2"), stack("2")[0].copy())
    lines = lab.cli("show trace").splitlines()
    at = next(i for i, line in enumerate(lines) if line.endswith(": ethernet-input"))
    # pg0 is the first interface after local0, and the second device.
    assert lines[at + 1] == "  frame: flags 0x1, hw-if-index 1, sw-if-index 1"
    assert lines[at + 2] == "  0x6006: 02:00:00:00:00:01 -> 02:fe:00:00:00:00 802.1q vlan 2"
