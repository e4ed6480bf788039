"""set interface ...: what changes, and what is refused."""

from __future__ import annotations

import pytest
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from tests.conftest import Lab
from tests.ethernet.layer3 import EXPERIMENT, seen, watch

from weft.core.cli import CliError
from weft.core.model import Invalid
from weft.features.interface.model import (
    PROMISCUOUS,
    Interfaces,
    rx_broadcast,
    rx_multicast,
    rx_unicast,
    tx,
    tx_broadcast,
    tx_multicast,
    tx_unicast,
)


def refused(lab: Lab, command: str) -> str:
    with pytest.raises(CliError) as error:
        lab.cli(command)
    return str(error.value)


def test_a_sub_interface_brings_its_parent_up_and_says_so(lab: Lab) -> None:
    lab.cli("loopback create\ncreate sub loop0 2\ncreate sub loop0 3")
    parent, sub = (lab.engine[Interfaces][name] for name in ("loop0", "loop0.2"))
    with pytest.raises(Invalid, match="super-interface loop0 must be up"):
        lab.engine[Interfaces].set_admin(sub, True)
    said = lab.cli("set interface state loop0.2 up")
    assert said == "loop0 was down and is up now, as loop0.2 needs it"
    assert (parent.admin_up, sub.admin_up) == (True, True)
    assert lab.cli("set interface state loop0.3 up") == ""
    lab.cli("set interface state loop0 down")
    assert (parent.admin_up, sub.admin_up) == (False, False)
    lab.cli("set interface state loop0.2 down")
    assert not parent.admin_up


def test_an_unknown_interface_is_named(lab: Lab) -> None:
    assert refused(lab, "set int state nosuch0 up") == "set interface state: unknown interface `nosuch0 up'"
    assert refused(lab, "set int state local0 sideways").startswith("set interface state: ")


def test_mtu(lab: Lab) -> None:
    lab.cli("loopback create\ncreate sub loop0 2")
    interfaces = lab.engine[Interfaces]
    loop, sub = interfaces["loop0"], interfaces["loop0.2"]
    assert (interfaces.mtu(loop), interfaces.mtu(sub)) == (9000, 9000)
    lab.cli("set interface mtu 1500 loop0\nset interface mtu ip4 1400 loop0\nset interface mtu mpls 1300 loop0")
    assert [interfaces.mtu(loop, protocol) for protocol in ("ip4", "ip6", "mpls")] == [1400, 1500, 1300]
    assert interfaces.mtu(sub) == 1400
    assert "1500/1400/0/1300" in lab.cli("show interface loop0")
    lab.cli("set interface mtu ip4 0 loop0\nset interface mtu packet 1200 loop0.2")
    assert (interfaces.mtu(loop), interfaces.mtu(sub)) == (1500, 1200)
    for size in (63, 65536):
        message = f"set interface mtu: an MTU is 64 to 65535 bytes, or 0, not {size}"
        assert refused(lab, f"set interface mtu {size} loop0") == message


def test_mac_address(lab: Lab) -> None:
    lab.cli("loopback create\ncreate sub loop0 2\nset interface mac address loop0 02:00:00:00:00:07")
    assert {lab.engine[Interfaces][name].mac for name in ("loop0", "loop0.2")} == {"02:00:00:00:00:07"}
    words = "set interface mac address"
    message = f"{words}: 01:00:00:00:00:01 is no unicast MAC address"
    assert refused(lab, f"{words} loop0 01:00:00:00:00:01") == message
    for name in ("loop0.2", "local0"):
        message = f"{words}: {name} has no MAC address of its own"
        assert refused(lab, f"{words} {name} 02:00:00:00:00:08") == message


def test_promiscuous(lab: Lab) -> None:
    lab.cli("loopback create\nset interface promiscuous on loop0")
    loop = lab.engine[Interfaces]["loop0"]
    assert loop.row.flags & PROMISCUOUS
    lab.cli("set interface promiscuous loop0 off")
    assert not loop.row.flags & PROMISCUOUS
    assert refused(lab, "set interface promiscuous on local0").endswith("local0 is no Ethernet device")


def test_another_name(lab: Lab) -> None:
    """Sub-interfaces' names and nodes' names follow, and packets find their way as before."""
    a, b = lab.pg(2)
    watch(lab, b)
    lab.cli("create sub pg1 2\nset interface name pg1 uplink")
    assert {"uplink", "uplink.2"} < set(lab.engine[Interfaces].by_name)
    assert {"uplink-output", "uplink-tx"} < set(lab.engine.graph.by_name)
    assert refused(lab, "set interface state pg1 up") == "set interface state: unknown interface `pg1 up'"
    frame = Ether(dst=a.mac, type=EXPERIMENT) / Raw(b"payload" * 8)
    assert len(seen(lab, a, [frame])) == 1
    assert lab.cli("create sub uplink 3") == "uplink.3"
    lab.cli("loopback create")
    for name in ("pg0", "uplink", "uplink.2", "a.b", "a{", "", "x" * 64):
        before = list(lab.engine[Interfaces].by_name)
        assert refused(lab, f'set interface name loop0 "{name}"').startswith("set interface name: ")
        assert list(lab.engine[Interfaces].by_name) == before
    assert "cannot be renamed" in refused(lab, "set interface name uplink.2 other")
    lab.cli("set interface name loop0 dummy\nloopback delete dummy")
    assert lab.cli("loopback create") == "loop0"


def test_tags(lab: Lab) -> None:
    lab.cli('loopback create\nset interface tag loop0 "tenant 7"')
    assert lab.engine[Interfaces]["loop0"].tag == "tenant 7"
    for command in ("show interface tag", "show interface loop0 tag", "show interface tag loop0"):
        assert lab.cli(command) == "loop0: tenant 7\n"
    lab.cli("set interface name loop0 gateway")
    assert lab.cli("show interface tag") == "gateway: tenant 7\n"
    lab.cli("set interface name gateway loop0")
    lab.cli("clear interface tag loop0")
    assert lab.engine[Interfaces]["loop0"].tag == ""
    euro = "\N{EURO SIGN}"
    for long in ("x" * 64, euro * 22):
        assert refused(lab, f"set interface tag loop0 {long}").startswith("set interface tag: ")
    lab.cli(f"set interface tag loop0 {euro * 21}")
    lab.cli("loopback delete loop0\nloopback create")
    assert lab.cli("show interface tag") == ""


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("loop0 nosuch arc device-input", "arc device-input has no feature nosuch; it has "),
        ("loop0 stats-collect-rx arc nosuch", "no feature arc of that name, but "),
        (
            "loop0 stats-collect-rx arc interface-output",
            "arc interface-output has no feature stats-collect-rx; it has ",
        ),
        ("nosuch stats-collect-rx arc device-input", "unknown interface `nosuch"),
    ],
)
def test_features_that_do_not_exist(lab: Lab, command: str, message: str) -> None:
    lab.cli("loopback create")
    assert refused(lab, f"set interface feature {command}").startswith(f"set interface feature: {message}")


def test_detailed_counters(lab: Lab) -> None:
    """Received and sent frames are told apart by their destination where that has been enabled."""
    a, b = lab.pg(2)
    lab.cli("set interface feature pg0 stats-collect-rx arc device-input")
    lab.cli("set interface feature pg1 stats-collect-tx arc interface-output")
    destinations = [*["02:00:00:00:00:09"] * 3, *["01:00:5e:00:00:01"] * 2, "ff:ff:ff:ff:ff:ff"]
    frames = [Ether(dst=each, type=EXPERIMENT) / Raw(bytes(46)) for each in destinations]
    lab.send(a, *frames)
    for frame in frames:
        lab.engine.workers.inject(bytes(frame), "interface-output", tx_sw_if_index=b.sw_if_index)
    lab.engine.step()
    assert len(lab.output()["pg1"]) == tx.read(b.sw_if_index)[0] == 6
    received = [counter.read(a.sw_if_index) for counter in (rx_unicast, rx_multicast, rx_broadcast)]
    sent = [counter.read(b.sw_if_index) for counter in (tx_unicast, tx_multicast, tx_broadcast)]
    assert received == sent == [(3, 180), (2, 120), (1, 60)]
    shown = [line[68:].split() for line in lab.cli("show interface pg0").splitlines()]
    assert ["rx-multicast", "packets", "2"] in shown


def test_a_link_that_goes_down_as_if(lab) -> None:
    lab.pg(1)
    lab.cli("create sub-interfaces pg0 5")

    def link() -> str:
        return lab.cli("show hardware-interfaces pg0").splitlines()[1].split()[2]

    assert link() == "up"
    lab.cli("test interface link-state pg0 down")
    assert link() == "down"
    lab.cli("test interface link-state pg0 up")
    assert link() == "up"
    with pytest.raises(CliError, match=r"^test interface link-state: pg0.5 has the link of pg0: name that$"):
        lab.cli("test interface link-state pg0.5 down")
