"""The neighbor table: what enters, what stays, what goes, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

import pytest
from scapy.layers.l2 import ARP, Ether
from tests.conftest import Lab

from weft.core.cli import CliError
from weft.features.interface.model import Interface, Interfaces
from weft.features.neighbor.model import Neighbor, Neighbors

MAC = "02:00:00:00:00:0a"
OTHER_MAC = "02:00:00:00:00:0b"
GATEWAY = "10.0.0.1"


@pytest.fixture
def port(lab: Lab) -> Interface:
    """pg0 with 10.0.0.1/24."""
    (made,) = lab.pg(1)
    lab.cli("set interface ip address pg0 10.0.0.1/24")
    lab.engine.step()
    lab.output()
    return made


def asks(ip: str, mac: str = MAC) -> Ether:
    return Ether(src=mac, dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=mac, psrc=ip, pdst=GATEWAY)


def rows(lab: Lab, command: str = "show ip neighbors") -> list[list[str]]:
    """IP address, flags, MAC address and interface of each line."""
    return [line.split()[1:] for line in lab.cli(command).splitlines()[1:]]


def refused(lab: Lab, command: str) -> str:
    with pytest.raises(CliError) as error:
        lab.cli(command)
    return str(error.value)


# --- entering


def test_none_is_shown_as_nothing(lab: Lab) -> None:
    assert lab.cli("show ip neighbors") == ""


def test_the_table_looks_as_vpps(lab: Lab, port: Interface) -> None:
    """Column for column the transcript's (its names and ages are that run's)."""
    lab.engine.advance(1)
    lab.cli("set ip neighbor pg0 192.168.22.5 02:00:00:00:22:05")
    lab.engine.advance(19)
    heading, row = lab.cli("show ip neighbors").splitlines()
    assert heading == "     Age                       IP                    Flags      Ethernet              Interface"
    assert row[12:] == "              192.168.22.5                 D    02:00:00:00:22:05 pg0"
    assert row[:12].startswith("     19.")


@pytest.mark.parametrize(
    ("options", "flags"), [("", "D"), ("static", "S"), ("no-fib-entry", "DN"), ("static no-fib-entry", "SN")]
)
def test_the_flags(lab: Lab, port: Interface, options: str, flags: str) -> None:
    lab.cli(f"set ip neighbor pg0 10.0.0.10 {MAC} {options}")
    assert rows(lab) == [["10.0.0.10", flags, MAC, "pg0"]]


def test_several_at_once_have_consecutive_addresses(lab: Lab, port: Interface) -> None:
    lab.cli("set ip neighbor pg0 10.0.0.254 02:00:00:00:00:ff count 3")
    assert [row[0] for row in rows(lab)] == ["10.0.0.254", "10.0.0.255", "10.0.1.0"]
    assert [row[2] for row in rows(lab)] == ["02:00:00:00:00:ff", "02:00:00:00:01:00", "02:00:00:00:01:01"]
    lab.cli("set ip neighbor del pg0 10.0.0.254 02:00:00:00:00:ff count 3")
    assert rows(lab) == []


def test_a_static_neighbor_is_not_changed_by_a_packet(lab: Lab, port: Interface) -> None:
    lab.cli(f"set ip neighbor pg0 10.0.0.10 {MAC} static")
    lab.send(port, asks("10.0.0.10", OTHER_MAC))
    assert rows(lab) == [["10.0.0.10", "S", MAC, "pg0"]]


def test_a_learned_neighbor_may_become_static(lab: Lab, port: Interface) -> None:
    lab.send(port, asks("10.0.0.10"))
    lab.cli(f"set ip neighbor pg0 10.0.0.10 {OTHER_MAC} static")
    assert rows(lab) == [["10.0.0.10", "S", OTHER_MAC, "pg0"]]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("set ip neighbor pg0 10.0.0.10 01:00:5e:00:00:01", "01:00:5e:00:00:01 is no unicast MAC address"),
        ("set ip neighbor pg0 10.0.0.10 00:00:00:00:00:00", "00:00:00:00:00:00 is no unicast MAC address"),
        (f"set ip neighbor pg0 224.0.0.5 {MAC}", "224.0.0.5 is no host's address"),
        (f"set ip neighbor pg0 0.0.0.0 {MAC}", "0.0.0.0 is no host's address"),
        (f"set ip neighbor local0 10.0.0.10 {MAC}", "local0 has no layer 2 and so no neighbors"),
        (f"set ip neighbor pg0 255.255.255.254 {MAC} count 3", "there are no 3 addresses from 255.255.255.254 on"),
        (f"set ip neighbor pg0 10.0.0.10 {MAC} count 0", "count is 1 to 65536, not 0"),
        ("set ip neighbor del pg0 10.0.0.10", "10.0.0.10 is no neighbor on pg0"),
    ],
)
def test_what_cannot_be_is_refused(lab: Lab, port: Interface, command: str, reason: str) -> None:
    assert refused(lab, command).endswith(f": {reason}")
    assert rows(lab) == []


def test_a_static_neighbor_is_not_overwritten_by_a_dynamic_one(lab: Lab, port: Interface) -> None:
    lab.cli(f"set ip neighbor pg0 10.0.0.10 {MAC} static")
    assert "is static; delete it first" in refused(lab, f"set ip neighbor pg0 10.0.0.10 {OTHER_MAC}")
    assert rows(lab) == [["10.0.0.10", "S", MAC, "pg0"]]


# --- showing


def test_neighbors_of_one_interface(lab: Lab, port: Interface) -> None:
    lab.pg(1)
    lab.cli(f"set ip neighbor pg0 10.0.0.10 {MAC}\nset ip neighbor pg1 10.0.0.10 {OTHER_MAC}")
    assert rows(lab, "show ip neighbors pg1") == [["10.0.0.10", "D", OTHER_MAC, "pg1"]]
    assert len(rows(lab)) == 2


def test_sorted_by_age(lab: Lab, port: Interface) -> None:
    for number in (12, 10, 11):
        lab.cli(f"set ip neighbor pg0 10.0.0.{number} {MAC}")
        lab.engine.advance(1)
    assert [row[0] for row in rows(lab, "show ip neighbor-sorted")] == ["10.0.0.11", "10.0.0.10", "10.0.0.12"]
    assert [row[0] for row in rows(lab)] == ["10.0.0.10", "10.0.0.11", "10.0.0.12"]


# --- limits


def test_vpps_limits_are_the_default(lab: Lab) -> None:
    assert lab.cli("show ip neighbor-config").startswith("ip4:\n  limit:50000, age:0, recycle:0\n")


def test_the_limits_are_set_one_by_one(lab: Lab) -> None:
    lab.cli("set ip neighbor-config ip4 limit 7 age 60\nset ip neighbor-config ip4 recycle")
    assert lab.cli("show ip neighbor-config").startswith("ip4:\n  limit:7, age:60, recycle:1\n")
    lab.cli("set ip neighbor-config ip4 norecycle")
    assert lab.cli("show ip neighbor-config").startswith("ip4:\n  limit:7, age:60, recycle:0\n")


def test_no_more_than_the_limit(lab: Lab, port: Interface) -> None:
    lab.cli("set ip neighbor-config ip4 limit 2")
    for number in (10, 11, 12):
        lab.send(port, asks(f"10.0.0.{number}"))
    assert [row[0] for row in rows(lab)] == ["10.0.0.10", "10.0.0.11"]
    assert "there are 2 ip4 neighbors already" in refused(lab, f"set ip neighbor pg0 10.0.0.13 {MAC}")


def test_the_oldest_makes_place(lab: Lab, port: Interface) -> None:
    lab.cli(f"set ip neighbor-config ip4 limit 3 recycle\nset ip neighbor pg0 10.0.0.9 {MAC} static")
    for number in (10, 11):
        lab.send(port, asks(f"10.0.0.{number}"))
        lab.engine.advance(1)
    lab.send(port, asks("10.0.0.10"))
    lab.send(port, asks("10.0.0.12"))
    assert [row[0] for row in rows(lab)] == ["10.0.0.9", "10.0.0.10", "10.0.0.12"]


def test_many_are_entered_quickly_and_all_go(compiled_lab: Lab) -> None:
    """More than the entries that are kept back for workers, so numbers are used again."""
    lab = compiled_lab
    lab.pg(1)
    for _ in range(3):
        lab.cli(f"set ip neighbor pg0 10.0.0.1 {MAC} count 5000")
        assert len(rows(lab)) == 5000
        lab.cli("clear ip neighbors")
        assert rows(lab) == []


# --- ageing


@pytest.fixture
def ageing(lab: Lab, port: Interface) -> Callable[[int], list[str]]:
    """An age limit of 10 seconds. Calls turn the clock second by second; result: whom we asked."""
    lab.cli("set ip neighbor-config ip4 age 10")

    def pass_seconds(seconds: int) -> list[str]:
        asked = []
        for _ in range(seconds):
            lab.engine.advance(1)
            lab.engine.step()
            for packet in lab.output().get("pg0", []):
                assert (packet[ARP].op, packet[ARP].psrc, packet[ARP].hwsrc) == (1, GATEWAY, port.mac)
                asked.append(packet[ARP].pdst)
        return asked

    return pass_seconds


def test_who_is_silent_is_asked_three_times_and_forgotten(
    lab: Lab, port: Interface, ageing: Callable[[int], list[str]]
) -> None:
    lab.send(port, asks("10.0.0.10"))
    assert ageing(9) == []
    assert ageing(6) == ["10.0.0.10"] * 3
    assert rows(lab) == []


def test_who_answers_stays(lab: Lab, port: Interface, ageing: Callable[[int], list[str]]) -> None:
    lab.send(port, asks("10.0.0.10"))
    assert ageing(12)[:1] == ["10.0.0.10"]
    lab.send(port, Ether(src=MAC, dst=port.mac) / ARP(op=2, hwsrc=MAC, psrc="10.0.0.10", pdst=GATEWAY))
    assert ageing(8) == []
    assert rows(lab) == [["10.0.0.10", "D", MAC, "pg0"]]


def test_who_speaks_is_not_asked(lab: Lab, port: Interface, ageing: Callable[[int], list[str]]) -> None:
    for _ in range(5):
        lab.send(port, asks("10.0.0.10"))
        assert ageing(8) == []


def test_static_neighbors_do_not_age(lab: Lab, port: Interface, ageing: Callable[[int], list[str]]) -> None:
    lab.cli(f"set ip neighbor pg0 10.0.0.10 {MAC} static")
    assert ageing(20) == []
    assert rows(lab) == [["10.0.0.10", "S", MAC, "pg0"]]


def test_without_an_age_limit_nobody_is_asked(lab: Lab, port: Interface, ageing: Callable[[int], list[str]]) -> None:
    lab.send(port, asks("10.0.0.10"))
    lab.cli("set ip neighbor-config ip4 age 0")
    assert ageing(100) == []
    assert len(rows(lab)) == 1


# --- going


def test_clearing_leaves_the_static_ones(lab: Lab, port: Interface) -> None:
    lab.cli(f"set ip neighbor pg0 10.0.0.10 {MAC} static\nset ip neighbor pg0 10.0.0.11 {MAC}\nclear ip neighbors")
    assert [row[0] for row in rows(lab)] == ["10.0.0.10"]


def test_clearing_one_interface_leaves_the_others(lab: Lab, port: Interface) -> None:
    lab.pg(1)
    lab.cli(f"set ip neighbor pg0 10.0.0.10 {MAC}\nset ip neighbor pg1 10.0.0.11 {MAC}\nclear ip neighbors pg0")
    assert [row[0] for row in rows(lab)] == ["10.0.0.11"]


def test_an_interface_that_goes_down_forgets_whom_it_learned(lab: Lab, port: Interface) -> None:
    lab.cli(f"set ip neighbor pg0 10.0.0.9 {MAC} static")
    lab.send(port, asks("10.0.0.10"))
    lab.cli("set interface state pg0 down")
    assert [row[0] for row in rows(lab)] == ["10.0.0.9"]


def test_an_interface_that_goes_takes_its_neighbors_along(lab: Lab) -> None:
    lab.pg(1)
    lab.cli(f"create sub-interfaces pg0 7\nset ip neighbor pg0.7 10.0.0.10 {MAC} static")
    interfaces = lab.engine[Interfaces]
    interfaces.remove(interfaces["pg0.7"])
    assert rows(lab) == []
    assert lab.engine[Neighbors].count["ip4"] == 0


# --- events


def test_watchers_hear_what_happens(lab: Lab, port: Interface) -> None:
    heard: list[tuple[str, str]] = []

    def hear(event: str, neighbor: Neighbor) -> None:
        heard.append((event, str(neighbor.address)))

    lab.engine[Neighbors].watch(hear)
    lab.send(port, asks("10.0.0.10"))
    lab.send(port, asks("10.0.0.10"))
    lab.send(port, asks("10.0.0.10", OTHER_MAC))
    lab.cli("set ip neighbor del pg0 10.0.0.10")
    assert heard == [(event, "10.0.0.10") for event in ("added", "changed", "removed")]


def test_an_address_is_known_by_interface(lab: Lab, port: Interface) -> None:
    (other,) = lab.pg(1)
    lab.cli(f"set ip neighbor pg0 10.0.0.10 {MAC}")
    neighbors = lab.engine[Neighbors]
    assert neighbors.find(port, IPv4Address("10.0.0.10")) is not None
    assert neighbors.find(other, IPv4Address("10.0.0.10")) is None
