"""Loopback interfaces: names, addresses, and what leaves comes back."""

from __future__ import annotations

import pytest
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from tests.conftest import Lab
from tests.ethernet.layer3 import EXPERIMENT, watch
from tests.ethernet.test_matching import add, stack

from weft.core.cli import CliError
from weft.features.interface.model import Interfaces, rx, tx


def test_the_first_is_loop0_and_addresses_follow_the_number(lab: Lab) -> None:
    assert lab.cli("loopback create") == "loop0"
    assert lab.cli("loopback create") == "loop1"
    assert lab.cli("loopback create instance 22") == "loop22"
    assert lab.cli("create loopback interface mac 02:00:00:00:00:07 instance 5") == "loop5"
    macs = {interface.name: interface.mac for interface in lab.engine[Interfaces]}
    del macs["local0"]
    assert macs == {
        "loop0": "de:ad:00:00:00:00",
        "loop1": "de:ad:00:00:00:01",
        "loop22": "de:ad:00:00:00:16",
        "loop5": "02:00:00:00:00:07",
    }


def test_a_deleted_number_is_used_again(lab: Lab) -> None:
    lab.cli("loopback create\nloopback create\nloopback create")
    lab.cli("delete loopback interface intfc loop1")
    assert lab.cli("loopback create") == "loop1"
    assert lab.cli("loopback create") == "loop3"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("loopback create instance 0", "loopback create: loop0 already exists"),
        ("loopback create instance 16384", "loopback create: a loopback's instance is 0 to 16383, not 16384"),
        ("loopback create mac 01:00:00:00:00:01", "loopback create: a loopback needs a unicast MAC address"),
        ("loopback delete local0", "loopback delete: local0 is no loopback interface"),
        ("loopback delete loop0.2", "loopback delete: loop0.2 is no loopback interface"),
        ("loopback delete loop9", "loopback delete: unknown interface `loop9'"),
    ],
)
def test_what_cannot_be_is_refused(lab: Lab, command: str, message: str) -> None:
    lab.cli("loopback create\ncreate sub loop0 2")
    with pytest.raises(CliError) as error:
        lab.cli(command)
    assert str(error.value) == message
    assert list(lab.engine[Interfaces].by_name) == ["local0", "loop0", "loop0.2"]


@pytest.mark.parametrize("name", ["loop0", "loop0.2"])
def test_what_leaves_comes_in(lab: Lab, name: str) -> None:
    (port,) = lab.pg(1)
    watch(lab, port)
    lab.cli("loopback create\nset interface state loop0 up")
    add(lab, "create sub-interfaces loop0 2")
    frame = stack("2") if name == "loop0.2" else Ether(type=EXPERIMENT) / Raw(b"x" * 60)
    frame.dst, frame.src = "de:ad:00:00:00:00", "02:00:00:00:00:01"
    interface = lab.engine[Interfaces][name]
    lab.engine.workers.inject(bytes(frame), "interface-output", tx_sw_if_index=interface.sw_if_index)
    lab.engine.step()
    (payload,) = lab.output()["pg0"]
    assert bytes(payload)[12:] == bytes(frame)[18 if name == "loop0.2" else 14 :]
    assert int.from_bytes(bytes(payload)[:4], "little") == interface.sw_if_index
    for index in {interface.sw_if_index, interface.row.sup_sw_if_index}:
        assert rx.read(index) == tx.read(index) == (1, len(frame))


def test_one_that_is_down_sends_nothing(lab: Lab) -> None:
    lab.cli("loopback create")
    loop = lab.engine[Interfaces]["loop0"]
    lab.engine.workers.inject(bytes(60), "interface-output", tx_sw_if_index=loop.sw_if_index)
    lab.engine.step()
    assert lab.errors() == {("interface-output", "interface is down"): 1}
    assert tx.read(loop.sw_if_index) == (0, 0)
