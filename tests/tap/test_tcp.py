"""Linux's own TCP through taps."""

from __future__ import annotations

import pytest
from tests.hosts import Hosts
from tests.switch import Switch, wait
from tests.tcp import echo_datagram, transfer
from tests.wiring import connect

from weft.features.interface.model import Interfaces, rx

pytestmark = pytest.mark.root


@pytest.mark.parametrize(("first", "second"), [("gso", "gso"), ("gso", ""), ("", ""), ("csum-offload", "gso")])
def test_between_two_taps(switch: Switch, hosts: Hosts, first: str, second: str) -> None:
    made = hosts(), hosts()
    for number, (host, options) in enumerate(zip(made, (first, second), strict=True)):
        switch.cli(
            f"create tap id {number} host-ns {host.namespace} host-ip4-addr 10.0.0.{number + 1}/24 {options}\n"
            f"set interface state tap{number} up"
        )
    taps = [switch.engine[Interfaces][name] for name in ("tap0", "tap1")]
    switch.do(lambda: connect(switch.engine, *taps))
    one, other = made
    assert one.ping("10.0.0.2")
    transfer(one, other, "10.0.0.2")
    packets, octets = rx.read(taps[0].sw_if_index)
    assert (octets / packets > 1514) == (first == "gso")
    transfer(other, one, "10.0.0.1")
    echo_datagram(one, other, "10.0.0.2", 20000)


@pytest.mark.parametrize("gso", ["gso", ""])
@pytest.mark.parametrize("disable", ["", "cksum-gso-disable"])
def test_between_a_tap_and_a_host_interface(switch: Switch, hosts: Hosts, gso: str, disable: str) -> None:
    one, other = hosts(), hosts()
    other.address("10.0.0.2")
    switch.cli(
        f"create tap id 0 host-ns {one.namespace} host-ip4-addr 10.0.0.1/24 {gso}\nset interface state tap0 up\n"
        f"create host-interface name {other.port} {disable}\nset interface state host-{other.port} up"
    )
    ports = [switch.engine[Interfaces][name] for name in ("tap0", f"host-{other.port}")]
    switch.do(lambda: connect(switch.engine, *ports))
    wait(lambda: ports[1].link_up)
    assert one.ping("10.0.0.2")
    transfer(one, other, "10.0.0.2")
    transfer(other, one, "10.0.0.1")
