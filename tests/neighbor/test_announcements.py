"""What Linux knows of our addresses follows them to other MAC addresses, without being asked."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from pyroute2 import IPRoute
from tests.hosts import Host, Hosts
from tests.switch import Switch, wait

from weft.features.interface.model import Interfaces

pytestmark = pytest.mark.root

OURS = {socket.AF_INET: "10.79.0.1", socket.AF_INET6: "fd79::1"}
FIRST, SECOND, THIRD = (f"02:00:00:79:00:0{number}" for number in (1, 2, 3))


def known(host: Host) -> dict[str, str]:
    """Our addresses as the host knows them."""

    def look() -> dict[str, str]:
        with IPRoute() as ip:
            entries = [each for family in OURS for each in ip.get_neighbours(family=family)]
        found = {each.get_attr("NDA_DST"): each.get_attr("NDA_LLADDR") for each in entries}
        return {address: found[address] for address in OURS.values() if address in found}

    found: dict[str, str] = host.inside(look)
    return found


def acquainted(host: Host) -> None:
    """The host has known both addresses since a while ago."""

    def enter() -> None:
        for name, value in (("accept_dad", "0"), ("disable_ipv6", "0")):
            Path(f"/proc/sys/net/ipv6/conf/eth0/{name}").write_text(value)
        with IPRoute() as ip:
            (index,) = ip.link_lookup(ifname="eth0")
            for family, (address, length) in {
                socket.AF_INET: ("10.79.0.2", 24),
                socket.AF_INET6: ("fd79::2", 64),
            }.items():
                ip.addr("add", index=index, address=address, prefixlen=length)
                ip.neigh("replace", family=family, dst=OURS[family], lladdr=FIRST, ifindex=index, state="stale")

    host.inside(enter)


def gateway(switch: Switch, number: int, mac: str) -> None:
    """The bridge domain's BVI, with our addresses."""
    switch.cli(
        f"""
        create loopback interface mac {mac} instance {number}
        set interface l2 bridge loop{number} 1 bvi
        set interface state loop{number} up
        set interface ip address loop{number} {OURS[socket.AF_INET]}/24
        set interface ip address loop{number} {OURS[socket.AF_INET6]}/64
        """
    )


def test_linux_learns_where_an_address_is_now(switch: Switch, hosts: Hosts) -> None:
    """Of a new interface, after that has a new MAC address, and after its addresses have moved to another."""
    host = hosts()
    acquainted(host)
    port = f"host-{host.port}"
    switch.cli(
        f"create host-interface name {host.port}\nset interface state {port} up\nset interface l2 bridge {port} 1"
    )
    wait(lambda: switch.engine[Interfaces][port].link_up)
    assert set(known(host).values()) == {FIRST}
    gateway(switch, 5, SECOND)
    wait(lambda: known(host) == dict.fromkeys(OURS.values(), SECOND))
    switch.cli(f"set interface mac address loop5 {THIRD}")
    wait(lambda: known(host) == dict.fromkeys(OURS.values(), THIRD))
    switch.cli("delete loopback interface intfc loop5")
    gateway(switch, 6, FIRST)
    wait(lambda: known(host) == dict.fromkeys(OURS.values(), FIRST))
