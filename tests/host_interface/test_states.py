"""A host-interface follows Linux's interface: up, down, gone, there again; and what cannot be created."""

from __future__ import annotations

import time

import pytest
from pyroute2 import IPRoute
from tests.conftest import Lab
from tests.hosts import Host, Hosts
from tests.wiring import arriving, connect

from weft.core.cli import CliError
from weft.features.interface.model import Interfaces, tx_error

from .test_frames import HEAD, pair, port

pytestmark = pytest.mark.root

FRAME = bytes(HEAD) + bytes(46)


def flags(name: str) -> int:
    with IPRoute() as ip:
        return int(ip.get_links(ifname=name)[0]["flags"])


def look(lab: Lab) -> None:
    """Let the engine see what has changed in Linux."""
    time.sleep(0.05)
    lab.engine.advance(0.2)


def test_the_linux_interface_goes_up_and_down_with_ours(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    lab.cli(f"create host-interface name {host.port}")
    interface = lab.engine[Interfaces][f"host-{host.port}"]
    assert not flags(host.port) & 1 and not interface.link_up
    lab.cli(f"set interface state host-{host.port} up")
    look(lab)
    assert flags(host.port) & 1 and interface.link_up
    lab.cli(f"set interface state host-{host.port} down")
    look(lab)
    assert not flags(host.port) & 1 and not interface.link_up


def test_nothing_comes_while_it_is_down_and_nothing_old_when_it_is_up_again(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    pg, interface, wire = pair(lab, host)
    wire.send(FRAME, FRAME)
    time.sleep(0.01)
    lab.engine[Interfaces].set_admin(interface, False)
    assert arriving(lab, pg) == []
    lab.send(pg, FRAME)
    lab.engine[Interfaces].set_admin(interface, True)
    look(lab)
    assert arriving(lab, pg) == []
    wire.send(FRAME)
    assert arriving(lab, pg) == [FRAME]


def test_the_link_follows_the_far_end(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    pg, interface, _ = pair(lab, host)
    host.set(state="down")
    look(lab)
    assert not interface.link_up
    host.set(state="up")
    look(lab)
    assert interface.link_up
    wire = host.wire()
    lab.send(pg, FRAME)
    assert FRAME in wire.receive(1)


def unplug(host: Host) -> None:
    with IPRoute() as ip:
        ip.link("del", index=ip.link_lookup(ifname=host.port)[0])


def test_an_interface_that_linux_loses_is_down_and_can_be_deleted(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    pg, interface, _ = pair(lab, host)
    unplug(host)
    look(lab)
    assert not interface.link_up
    lab.send(pg, FRAME, FRAME)
    assert tx_error.read(interface.sw_if_index) == 2
    assert {("af-packet-tx", "tx interface is down"): 2}.items() <= lab.errors().items()
    lab.cli(f"delete host-interface name {host.port}")
    with pytest.raises(CliError, match="unknown interface"):
        lab.cli(f"set interface state host-{host.port} up")


def test_an_interface_that_comes_again_works_again(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    pg, interface, _ = pair(lab, host)
    unplug(host)
    look(lab)
    with IPRoute() as ip:
        ip.link("add", ifname=host.port, kind="veth", peer={"ifname": "eth0", "net_ns_fd": host.namespace})
    host.set(state="up")
    look(lab)
    look(lab)
    assert interface.link_up
    wire = host.wire()
    wire.send(FRAME)
    assert FRAME in arriving(lab, pg)
    lab.send(pg, FRAME)
    assert FRAME in wire.receive(1)


def test_mtu_and_mac_address(lab: Lab, hosts: Hosts) -> None:
    host = hosts(mtu=1700)
    interface = port(lab, host, "hw-addr 02:11:22:33:44:55")
    assert interface.row.mtu == 1700
    assert interface.mac == "02:11:22:33:44:55"
    lab.engine[Interfaces].set_mtu(interface, 4000)
    with IPRoute() as ip:
        assert ip.get_links(ifname=host.port)[0].get_attr("IFLA_MTU") == 4000


def test_several_queues_share_what_comes(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    (pg,) = lab.pg(1)
    interface = port(lab, host, "num-rx-queues 3")
    connect(lab.engine, pg, interface)
    frames = [bytes(HEAD)[:6] + bytes([2, 0, 0, 0, 0, number]) + b"\x88\xb5" + bytes(46) for number in range(200)]
    host.wire().send(*frames)
    assert sorted(arriving(lab, pg)) == sorted(frames)
    placed = lab.cli("show interface rx-placement")
    assert all(f"host-{host.port} queue {number} (adaptive)" in placed for number in range(3))


def test_deleted_and_created_again(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    for _ in range(3):
        interface = port(lab, host)
        wire = host.wire()
        wire.send(FRAME)
        time.sleep(0.01)
        lab.engine.step()
        assert lab.cli("show interface").count(interface.name) == 1
        lab.cli(f"delete host-interface name {host.port}")
        assert interface.name not in lab.cli("show interface")


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("create host-interface name nosuch", "Linux has no interface `nosuch'"),
        ("create host-interface name averyveryverylongname", "Linux has no interface `averyveryverylongname'"),
        ("create host-interface name PORT num-rx-queues 0", "1 to 64 receive queues, not 0"),
        ("create host-interface name PORT num-rx-queues 65", "1 to 64 receive queues, not 65"),
        ("delete host-interface name PORT", "there is no host-interface `PORT'"),
    ],
)
def test_what_cannot_be_is_answered_and_changes_nothing(lab: Lab, hosts: Hosts, line: str, answer: str) -> None:
    host = hosts()
    before = lab.cli("show interface")
    with pytest.raises(CliError) as caught:
        lab.cli(line.replace("PORT", host.port))
    assert answer.replace("PORT", host.port) in str(caught.value)
    assert lab.cli("show interface") == before


def test_options_may_come_in_any_order(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    out = lab.cli(f"create host-interface v2 num-rx-queues 2 hw-addr 02:11:22:33:44:55 name {host.port}")
    assert out.strip() == f"host-{host.port}"


def test_a_second_time_is_refused(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    port(lab, host)
    with pytest.raises(CliError, match=f"host-{host.port} already exists"):
        lab.cli(f"create host-interface name {host.port}")


def test_the_trace_shows_the_slot_and_the_header(lab: Lab, hosts: Hosts) -> None:
    pg, interface, wire = pair(lab, hosts())
    lab.cli("trace add af-packet-input 1")
    wire.send(FRAME)
    arriving(lab, pg)
    trace = lab.cli("show trace")
    assert f"af_packet: hw_if_index {interface.hw_if_index}" in trace
    assert "status 0x" in trace and "len 60 snaplen 60" in trace
    assert "flags 0x00 gso_type 0x00 hdr_len 0" in trace
    lab.cli("clear trace")
    lab.cli("trace add pg-input 1")
    lab.send(pg, FRAME)
    assert f"{interface.name}-tx" in lab.cli("show trace")
