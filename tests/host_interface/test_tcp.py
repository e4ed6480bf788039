"""Two hosts talk through the engine, at full size and without any loss of bytes."""

from __future__ import annotations

import pytest
from tests.hosts import Host, Hosts
from tests.switch import Switch, wait
from tests.tcp import echo_datagram, transfer
from tests.wiring import connect

from weft.features.interface.model import Interfaces, rx, tx

pytestmark = pytest.mark.root


def two(switch: Switch, hosts: Hosts, options: str = "", mtu: int = 1500) -> tuple[Host, Host]:
    """Two hosts of a network, wired through the engine."""
    made = hosts(mtu=mtu), hosts(mtu=mtu)
    ports = []
    for number, host in enumerate(made, 1):
        host.address(f"10.0.0.{number}")
        switch.cli(f"create host-interface name {host.port} {options}\nset interface state host-{host.port} up")
        ports.append(switch.engine[Interfaces][f"host-{host.port}"])
    switch.do(lambda: connect(switch.engine, *ports))
    wait(lambda: all(port.link_up for port in ports))
    return made


def average(switch: Switch, host: Host, counter: object = rx) -> float:
    """Bytes in a frame that a host has sent."""
    packets, octets = counter.read(switch.engine[Interfaces][f"host-{host.port}"].sw_if_index)  # type: ignore[attr-defined]
    return octets / packets


def test_large_segments_are_carried_whole(switch: Switch, hosts: Hosts) -> None:
    one, other = two(switch, hosts)
    assert one.ping("10.0.0.2")
    transfer(one, other, "10.0.0.2")
    assert average(switch, one) > 1514
    assert average(switch, other, tx) > 1514


def test_hosts_without_offloads(switch: Switch, hosts: Hosts) -> None:
    one, other = two(switch, hosts)
    for host in (one, other):
        host.offload(False, "tso", "gso", "gro", "tx", "rx")
    transfer(one, other, "10.0.0.2")
    assert average(switch, one) <= 1514


def test_one_host_has_offloads_and_the_other_has_not(switch: Switch, hosts: Hosts) -> None:
    one, other = two(switch, hosts)
    other.offload(False, "tso", "gso", "gro", "tx", "rx")
    transfer(one, other, "10.0.0.2")
    transfer(other, one, "10.0.0.1")


def test_the_engine_cuts_segments_and_finishes_checksums_itself(switch: Switch, hosts: Hosts) -> None:
    one, other = two(switch, hosts, "cksum-gso-disable")
    transfer(one, other, "10.0.0.2")
    echo_datagram(one, other, "10.0.0.2", 1000)
    assert average(switch, one) > 1514
    assert average(switch, other, tx) <= 1514


def test_jumbo_frames(switch: Switch, hosts: Hosts) -> None:
    one, other = two(switch, hosts, mtu=9000)
    transfer(one, other, "10.0.0.2")
    echo_datagram(one, other, "10.0.0.2", 8900)


def test_fragments_of_a_large_datagram(switch: Switch, hosts: Hosts) -> None:
    one, other = two(switch, hosts)
    echo_datagram(one, other, "10.0.0.2", 20000)
