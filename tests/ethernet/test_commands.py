"""create sub-interfaces and delete sub-interface."""

from __future__ import annotations

import pytest
from tests.conftest import Lab

from weft.core.cli import CliError
from weft.core.model import Invalid
from weft.features.ethernet.model import create_sub_interface, rewrite
from weft.features.interface.model import Interfaces, SubInterface

BROADCAST = 0xFFFFFFFFFFFF


def refused(lab: Lab, command: str) -> str:
    """The line that a command is refused with."""
    with pytest.raises(CliError) as error:
        lab.cli(command)
    return str(error.value)


def test_a_sub_interface_has_its_parents_name_and_its_own_number(lab: Lab) -> None:
    lab.pg(1)
    assert lab.cli("create sub pg0 2") == "pg0.2"
    assert lab.cli("create sub pg0 4000000000 dot1ad 7 inner-dot1q any exact-match") == "pg0.4000000000"
    assert lab.cli("create sub-interfaces pg0 10-12") == "pg0.10\npg0.11\npg0.12"


def test_one_that_exists_stays_as_it_is(lab: Lab) -> None:
    lab.pg(1)
    lab.cli("create sub pg0 2")
    assert lab.cli("create sub pg0 2") == "pg0.2 already exists"
    assert lab.cli("create sub pg0 1-3") == "pg0.1\npg0.2 already exists\npg0.3"
    message = "create sub-interfaces: sub-interface pg0.2 already exists"
    assert refused(lab, "create sub pg0 2 dot1q 5 exact-match") == message


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2", "20 dot1q 2"),
        ("2 dot1ad 2", "20 dot1ad 2 exact-match"),
        ("2 dot1q 2 inner-dot1q 3", "20 dot1q 2 inner-dot1q 3 exact-match"),
        ("2 dot1q 2 inner-dot1q any", "20 dot1q 2 inner-dot1q any exact-match"),
        ("2 dot1q any", "20 dot1q any exact-match"),
        ("2 default", "20 default"),
        ("2 untagged", "20 untagged"),
    ],
)
def test_two_cannot_take_the_same_frames(lab: Lab, first: str, second: str) -> None:
    lab.pg(1)
    lab.cli(f"create sub pg0 {first}")
    message = "create sub-interfaces: vlan is already in use: pg0.2 has it"
    assert refused(lab, f"create sub pg0 {second}") == message
    assert "pg0.20" not in lab.engine[Interfaces].by_name


def test_the_same_tags_are_free_on_other_ports_and_other_tag_kinds(lab: Lab) -> None:
    lab.pg(2)
    for command in ("pg0 2", "pg1 2", "pg0 3 dot1ad 2", "pg0 4 dot1q 2 inner-dot1q 2", "pg0 5 dot1q 2 inner-dot1q 3"):
        assert lab.cli(f"create sub {command}") == ".".join(command.split()[:2])


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("nosuch0 3", "unknown interface `nosuch0 3'"),
        ("local0 3", "local0 is no Ethernet interface"),
        ("pg0.2 3", "pg0.2 is a sub-interface and can have none itself"),
        ("pg0 0", "a VLAN is 1 to 4094, not 0"),
        ("pg0 4095", "a VLAN is 1 to 4094, not 4095"),
        ("pg0 4090-4099", "a VLAN is 1 to 4094, not 4095"),
        ("pg0 9-3", "expected ascending numbers up to 4294967295, got `9-3'"),
        ("pg0 1-99999999", "at most 4096 sub-interfaces at a time, not `1-99999999'"),
        ("pg0 5 dot1q 4095", "expected a VLAN from 1 to 4094, or any, got `4095'"),
        ("pg0 5 inner-dot1q 3", "inner-dot1q needs an outer tag: dot1q or dot1ad"),
        ("pg0 5 default exact-match", "exact-match needs tags: dot1q or dot1ad"),
        ("pg0 5 default inner-dot1q 3", "inner-dot1q needs an outer tag: dot1q or dot1ad"),
        (
            "pg0 5-6 dot1q 5",
            "several sub-interfaces can only be made with one tag each, whose VLAN is their number",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing_behind(lab: Lab, command: str, message: str) -> None:
    lab.pg(1)
    lab.cli("create sub pg0 2")
    before = list(lab.engine[Interfaces].by_name)
    assert refused(lab, f"create sub {command}") == f"create sub-interfaces: {message}"
    assert list(lab.engine[Interfaces].by_name) == before


def test_delete_sub_interface(lab: Lab) -> None:
    lab.pg(1)
    lab.cli("create sub pg0 2")
    lab.cli("delete sub-interface pg0.2")
    assert refused(lab, "delete sub-interface pg0.2") == "delete sub-interface: unknown interface `pg0.2'"
    assert refused(lab, "delete sub-interface pg0") == "delete sub-interface: pg0 is no sub-interface"
    assert lab.cli("create sub pg0 2") == "pg0.2"


def test_a_parent_takes_its_sub_interfaces_with_it(lab: Lab) -> None:
    lab.cli("loopback create\ncreate sub loop0 2\ncreate sub loop0 3 dot1ad 3 inner-dot1q 4\nloopback delete loop0")
    assert list(lab.engine[Interfaces].by_name) == ["local0"]
    lab.cli("loopback create")
    assert lab.cli("create sub loop0 2") == "loop0.2"


def test_the_model_is_strict(lab: Lab) -> None:
    (port,) = lab.pg(1)
    create_sub_interface(lab.engine, port, SubInterface(2, outer=2))
    for bad in (SubInterface(3, outer=2), SubInterface(2, outer=3), SubInterface(4, outer=4, tags=3)):
        with pytest.raises(Invalid):
            create_sub_interface(lab.engine, port, bad)


@pytest.mark.parametrize(
    ("command", "tags"),
    [
        ("2", "8100 0002"),
        ("2 dot1ad 7", "88a8 0007"),
        ("2 dot1ad 7 inner-dot1q 8 exact-match", "88a8 0007 8100 0008"),
        ("2 dot1q 7 inner-dot1q 8 exact-match", "8100 0007 8100 0008"),
        ("2 untagged", ""),
    ],
)
def test_what_leaves_by_a_sub_interface_gets_its_tags(lab: Lab, command: str, tags: str) -> None:
    (port,) = lab.pg(1)
    assert rewrite(port, BROADCAST, 0x0806).hex() == "ffffffffffff02fe000000000806"
    lab.cli(f"create sub pg0 {command}")
    header = rewrite(lab.engine[Interfaces]["pg0.2"], BROADCAST, 0x0800)
    assert header == bytes.fromhex(f"ffffffffffff 02fe00000000 {tags} 0800")
