"""Hosts talk through what an operator would set up: bridges, VLAN trunks."""

from __future__ import annotations

import pytest
from pyroute2 import IPRoute
from tests.host_interface.live import mean, port, ready
from tests.hosts import Hosts
from tests.switch import Switch
from tests.tcp import echo_datagram, transfer

pytestmark = pytest.mark.root


def test_three_hosts_in_a_bridge_domain(switch: Switch, hosts: Hosts) -> None:
    made = [hosts() for _ in range(3)]
    for number, host in enumerate(made, 1):
        host.address(f"10.0.0.{number}")
        switch.cli(f"set interface l2 bridge {port(switch, host.port)} 7")
    ready(switch)
    assert made[0].ping("10.0.0.2") and made[1].ping("10.0.0.3") and made[2].ping("10.0.0.1")
    transfer(made[0], made[1], "10.0.0.2")
    transfer(made[2], made[0], "10.0.0.1")


@pytest.mark.parametrize("options", ["", "cksum-gso-disable"])
@pytest.mark.parametrize("kind", ["dot1q 5", "dot1ad 5", "dot1ad 5 inner-dot1q 6"])
def test_large_segments_over_a_trunk(
    switch: Switch, hosts: Hosts, trunk: tuple[str, str], kind: str, options: str
) -> None:
    """A tag is pushed on the way to the trunk and popped behind it, on packets that still owe their checksum."""
    one, other = hosts(), hosts()
    with IPRoute() as ip:
        for name in trunk:
            ip.link("set", index=ip.link_lookup(ifname=name)[0], mtu=1508)  # Linux allows for no 802.1ad
    pop = 2 if "inner" in kind else 1
    for number, (host, name) in enumerate(zip((one, other), trunk, strict=True), 1):
        host.address(f"10.0.0.{number}")
        access, cable = port(switch, host.port, options), port(switch, name, options)
        switch.cli(
            f"""create sub-interfaces {cable} 5 {kind} exact-match
                set interface state {cable}.5 up
                set interface l2 bridge {access} {number}
                set interface l2 bridge {cable}.5 {number}
                set interface l2 tag-rewrite {cable}.5 pop {pop}"""
        )
    ready(switch)
    assert one.ping("10.0.0.2")
    transfer(one, other, "10.0.0.2")
    echo_datagram(one, other, "10.0.0.2", 1472)
    if not options:
        assert mean(switch, f"host-{trunk[1]}.5") > 1514
