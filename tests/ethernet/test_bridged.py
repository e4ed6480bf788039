"""Frames of bridged interfaces go to layer 2 whole, with all their tags."""

from __future__ import annotations

import pytest
from tests.conftest import Lab
from tests.ethernet.test_matching import stack

from weft.features.interface.model import Interfaces, rx, tx

STACKS = ["", "2", "99", "0", "ad7", "2 3", "9100:2", "7 8 9", "1 2 3 4 5"]


@pytest.mark.parametrize("tags", STACKS)
def test_a_bridged_port_takes_all_that_is_nobody_elses(lab: Lab, tags: str) -> None:
    a, _ = lab.pg(2)
    lab.cli("set interface l2 bridge pg0 1\nset interface l2 bridge pg1 1")
    frame = stack(tags)
    assert lab.send_raw(a, bytes(frame)) == {"pg1": [bytes(frame)]}


def test_a_sub_interface_comes_before_its_bridged_port(lab: Lab) -> None:
    a, *_ = lab.pg(3)
    lab.cli("create sub pg0 2\nset int state pg0.2 up\nset int l2 bridge pg0.2 2\nset int l2 bridge pg2 2")
    lab.cli("set int l2 bridge pg0 1\nset int l2 bridge pg1 1")
    two, three = bytes(stack("2")), bytes(stack("3"))
    assert lab.send_raw(a, two, three) == {"pg2": [two], "pg1": [three]}
    assert rx.read(a.subs[2].sw_if_index) == (1, len(two))


def test_a_port_taken_out_of_its_bridge_domain_is_strict_again(lab: Lab) -> None:
    a, _ = lab.pg(2)
    lab.cli("set int l2 bridge pg0 1\nset int l2 bridge pg1 1\nset int l3 pg0")
    assert lab.send_raw(a, bytes(stack("2"))) == {}
    assert ("ethernet-input", "unknown vlan") in lab.errors()


def test_what_layer_3_sends_by_a_bvi_is_bridged(lab: Lab) -> None:
    """Counted twice as sent, as VPP does."""
    lab.pg(1)
    lab.cli("loopback create\nset int l2 bridge loop0 1 bvi\nset int l2 bridge pg0 1\nset int state loop0 up")
    bvi = lab.engine[Interfaces]["loop0"]
    frame = stack("")
    frame.src, frame.dst = "de:ad:00:00:00:00", "02:00:00:00:00:05"
    lab.engine.workers.inject(bytes(frame), "interface-output", tx_sw_if_index=bvi.sw_if_index)
    lab.engine.step()
    assert [bytes(packet) for packet in lab.output()["pg0"]] == [bytes(frame)]
    assert tx.read(bvi.sw_if_index) == (2, 2 * len(frame))
