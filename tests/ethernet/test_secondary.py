"""Secondary MAC addresses, and interfaces that punt everything."""

from __future__ import annotations

import pytest
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from tests.conftest import Lab
from tests.ethernet.layer3 import EXPERIMENT, seen, watch
from tests.ethernet.test_checks import SOURCE, to
from tests.ethernet.test_matching import PAYLOAD, PORT_MAC, add

from weft.core.cli import CliError
from weft.features.interface.model import Interface, Interfaces, punts

SECOND, THIRD = "02:00:00:00:00:71", "02:00:00:00:00:72"


@pytest.fixture
def port(lab: Lab) -> Interface:
    """pg0 with pg0.2, up; what reaches layer 3 leaves by pg1."""
    made = lab.pg(2)
    watch(lab, made[1])
    add(lab, "create sub-interfaces pg0 2")
    return made[0]


@pytest.mark.parametrize("tags", [(), (2,)])
def test_frames_for_secondary_addresses_are_taken_until_these_go(
    lab: Lab, port: Interface, tags: tuple[int, ...]
) -> None:
    frames = [to(mac, *tags) for mac in (PORT_MAC, SECOND, THIRD)]
    assert len(seen(lab, port, frames)) == 1
    lab.cli(f"set interface secondary-mac-address pg0 {SECOND} add\nset interface secondary-mac-address pg0 {THIRD}")
    assert len(seen(lab, port, frames)) == 3
    lab.cli(f"set interface secondary-mac-address pg0 {SECOND} del")
    assert len(seen(lab, port, frames)) == 2
    lab.cli(f"set interface secondary-mac-address pg0 {THIRD} del")
    assert len(seen(lab, port, frames)) == 1
    assert lab.errors() == {("ethernet-input", "l3 mac mismatch"): 5}


def test_secondary_addresses_are_shown(lab: Lab, port: Interface) -> None:
    lab.cli(f"set interface secondary-mac-address pg0 {SECOND}\nset interface secondary-mac-address pg0 {SECOND} add")
    shown = "".join(lab.cli("show interface secondary-mac-address pg0").splitlines(keepends=True))
    assert shown == f"pg0 (up):\n  {SECOND}\n"
    assert f"pg0.2 (up):\n  {SECOND}\n" in lab.cli("show interface secondary-mac-address")


def test_an_interface_that_comes_later_has_none(lab: Lab, port: Interface) -> None:
    lab.cli("create packet-generator interface pg7")
    lab.cli(f"set interface secondary-mac-address pg7 {SECOND}")
    number = lab.engine[Interfaces]["pg7"].sw_if_index
    lab.cli("delete packet-generator interface pg7\ncreate packet-generator interface pg7")
    assert lab.engine[Interfaces]["pg7"].sw_if_index == number
    assert lab.cli("show interface secondary-mac-address pg7") == "pg7 (dn):\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"pg0.2 {SECOND}", "pg0.2 has no MAC address of its own"),
        (f"local0 {SECOND}", "local0 has no MAC address of its own"),
        ("pg0 01:00:5e:00:00:01", "01:00:5e:00:00:01 is no unicast MAC address"),
        (f"pg0 {THIRD} del", f"{THIRD} is no secondary MAC address of pg0"),
    ],
)
def test_what_cannot_be_is_refused(lab: Lab, port: Interface, line: str, message: str) -> None:
    with pytest.raises(CliError, match=message):
        lab.cli(f"set interface secondary-mac-address {line}")


def test_there_is_an_end_to_it(lab: Lab, port: Interface) -> None:
    for number in range(255):
        lab.cli(f"set interface secondary-mac-address pg0 02:00:00:00:01:{number:02x}")
    with pytest.raises(CliError, match="255 secondary MAC addresses already"):
        lab.cli(f"set interface secondary-mac-address pg0 {SECOND}")
    assert len(seen(lab, port, [to("02:00:00:00:01:fe"), to(SECOND)])) == 1


@pytest.mark.parametrize(("tags", "name"), [((), "pg0"), ((2,), "pg0.2")])
def test_an_interface_that_punts_forwards_nothing(lab: Lab, port: Interface, tags: tuple[int, ...], name: str) -> None:
    lab.cli(f"set interface state {name} punt")
    number = lab.engine[Interfaces][name].sw_if_index
    assert f"{'up/punt':>9}" in lab.cli(f"show interface {name}")
    assert seen(lab, port, [to(PORT_MAC, *tags)]) == []
    assert punts.read(number) == 1
    assert lab.errors() == {("ethernet-input", "interface punts all packets"): 1}
    other = (2,) if not tags else ()
    assert len(seen(lab, port, [to(PORT_MAC, *other)])) == 1
    lab.cli(f"set interface state {name} enable")
    assert len(seen(lab, port, [to(PORT_MAC, *tags)])) == 1
    assert "punt" not in lab.cli(f"show interface {name}").splitlines()[1]


def test_a_bridged_interface_punts_too(lab: Lab, port: Interface) -> None:
    lab.cli("set interface l2 bridge pg0 1\nset interface l2 bridge pg1 1")
    frame = Ether(dst=SECOND, src=SOURCE, type=EXPERIMENT) / Raw(PAYLOAD)
    assert list(lab.send(port, frame)) == ["pg1"]
    lab.cli("set interface state pg0 punt")
    assert lab.send(port, frame) == {}
    lab.cli("set interface state pg0 down\nset interface state pg0 up")
    assert lab.send(port, frame) == {}, "down and up leave it as it is"
