"""Hosts of different networks talk through the engine, their gateway."""

from __future__ import annotations

import pytest
from tests.host_interface.live import mean, port, ready
from tests.hosts import Host, Hosts
from tests.switch import Switch
from tests.tcp import echo_datagram, transfer

pytestmark = pytest.mark.root


def routed(switch: Switch, hosts: Hosts, **settings: int) -> tuple[Host, Host]:
    """Two hosts in two networks, the engine their gateway."""
    made = hosts(**settings), hosts(**settings)
    for number, host in enumerate(made, 1):
        host.address(f"10.0.{number}.2", gateway=f"10.0.{number}.1")
        switch.cli(f"set interface ip address {port(switch, host.port)} 10.0.{number}.1/24")
    ready(switch)
    return made


def test_two_networks_are_routed(switch: Switch, hosts: Hosts) -> None:
    one, other = routed(switch, hosts)
    assert one.ping("10.0.1.1") and one.ping("10.0.2.1")
    assert one.ping("10.0.2.2")
    transfer(one, other, "10.0.2.2")
    echo_datagram(one, other, "10.0.2.2", 5000)
    assert mean(switch, f"host-{one.port}") > 1514


def test_path_mtu_discovery_finds_a_smaller_network_behind_the_engine(switch: Switch, hosts: Hosts) -> None:
    """A large segment whose pieces are too long for the next network is refused, with the size that is possible."""
    one, other = routed(switch, hosts)
    switch.cli(f"set interface mtu packet 1300 host-{other.port}")
    assert one.ping("10.0.2.2")
    transfer(one, other, "10.0.2.2", megabytes=2)


def test_two_vlans_are_routed_through_their_bridges(switch: Switch, hosts: Hosts, trunk: tuple[str, str]) -> None:
    """The listing of the design, its trunk's other end a switch: another part of the engine."""
    made = hosts(), hosts()
    inside, outside = (port(switch, name) for name in trunk)
    for vlan, host in zip((2, 3), made, strict=True):
        host.address(f"192.168.{vlan}.10", gateway=f"192.168.{vlan}.1")
        access = port(switch, host.port)
        switch.cli(
            f"""create sub-interfaces {outside} {vlan}
                set interface state {outside}.{vlan} up
                set interface l2 bridge {access} {vlan}0
                set interface l2 bridge {outside}.{vlan} {vlan}0
                set interface l2 tag-rewrite {outside}.{vlan} pop 1"""
        )
    switch.cli("loopback create\nip table add 4")
    for vlan in (2, 3):
        loop = switch.cli("loopback create").strip()
        switch.cli(
            f"""set interface l2 bridge {loop} {vlan} bvi
                set interface ip table {loop} 4
                set interface ip address {loop} 192.168.{vlan}.1/24
                set interface state {loop} up
                create sub-interfaces {inside} {vlan}
                set interface l2 bridge {inside}.{vlan} {vlan}
                set interface l2 tag-rewrite {inside}.{vlan} pop 1
                set interface state {inside}.{vlan} up"""
        )
    ready(switch)
    one, other = made
    assert one.ping("192.168.2.1") and one.ping("192.168.3.1") and one.ping("192.168.3.10")
    transfer(one, other, "192.168.3.10")
    transfer(other, one, "192.168.2.10")
    echo_datagram(one, other, "192.168.3.10", 5000)
