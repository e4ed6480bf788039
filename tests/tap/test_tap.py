"""Taps: what Linux sends by one comes in, what leaves by one Linux receives; their place and settings in Linux."""

from __future__ import annotations

import os
import random
import time

import pytest
from pyroute2 import IPRoute
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from tests.conftest import Lab
from tests.hosts import Host, Hosts, Wire
from tests.wiring import arriving, plug, settle, wired

from weft.core.cli import CliError
from weft.features.interface.model import Interface, Interfaces, rx, tx, tx_error

pytestmark = pytest.mark.root

BYTES = random.Random(4).randbytes(65536)
HEAD = Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01", type=0x88B5)
FRAME = bytes(HEAD) + bytes(46)


def links(host: Host, name: str) -> dict[str, object]:
    """An interface of a host as Linux has it; empty if it has it not."""

    def look() -> dict[str, object]:
        with IPRoute() as ip:
            found = ip.link_lookup(ifname=name)
            if not found:
                return {}
            link = ip.get_links(found[0])[0]
            addresses = [each.get_attr("IFA_ADDRESS") for each in ip.get_addr(index=found[0])]
            routes = [route.get_attr("RTA_GATEWAY") for route in ip.get_default_routes()]
            master = link.get_attr("IFLA_MASTER")
            return {
                "mac": link.get_attr("IFLA_ADDRESS"),
                "mtu": link.get_attr("IFLA_MTU"),
                "queue": link.get_attr("IFLA_TXQLEN"),
                "up": bool(link["flags"] & 1),
                "running": bool(link["flags"] & 0x40),
                "master": master and ip.get_links(master)[0].get_attr("IFLA_IFNAME"),
                "addresses": addresses,
                "gateways": routes,
            }

    return host.inside(look)  # type: ignore[no-any-return]


def pair(lab: Lab, host: Host, options: str = "") -> tuple[Interface, Interface, Wire]:
    """A packet-generator port wired to a tap, and its interface in a host."""
    pg, tap = wired(lab, plug(lab, f"create tap id 5 host-ns {host.namespace} {options}"))
    wire = host.wire("tap5", offload_headers=True)
    settle(lab)
    return pg, tap, wire


@pytest.mark.parametrize("length", [14, 60, 1514])
def test_a_frame_of_any_length_comes_and_goes(lab: Lab, hosts: Hosts, length: int) -> None:
    pg, tap, wire = pair(lab, hosts())
    frame = bytes(HEAD) + BYTES[: length - 14]
    wire.send(frame, frame)
    assert arriving(lab, pg) == [frame, frame]
    lab.send(pg, frame)
    assert wire.receive(1) == [frame]
    assert rx.read(tap.sw_if_index) == (2, 2 * length)
    assert tx.read(tap.sw_if_index) == (1, length)


@pytest.mark.parametrize("tags", [Dot1Q(vlan=2), Dot1AD(vlan=7) / Dot1Q(vlan=4094, prio=5)])
def test_tags_stand_in_the_frame(lab: Lab, hosts: Hosts, tags: Dot1Q) -> None:
    pg, _, wire = pair(lab, hosts())
    frame = bytes(Ether(dst=HEAD.dst, src=HEAD.src) / tags / IP(dst="10.0.0.1") / UDP() / BYTES[:1400])
    wire.send(frame)
    assert arriving(lab, pg) == [frame]
    lab.send(pg, frame)
    assert wire.receive(1) == [frame]


def test_jumbo_frames(lab: Lab, hosts: Hosts) -> None:
    pg, _, wire = pair(lab, hosts(), "host-mtu-size 9000")
    frames = [bytes(HEAD) + BYTES[number : number + 9000] for number in range(5)]
    wire.send(*frames)
    assert arriving(lab, pg) == frames
    lab.send(pg, *frames)
    assert wire.receive(1) == frames


@pytest.mark.parametrize(("option", "largest"), [("gso", 64000), ("csum-offload", 1400), ("", 1400)])
def test_linux_leaves_to_us_only_what_it_was_told_to(lab: Lab, hosts: Hosts, option: str, largest: int) -> None:
    """A large segment comes whole with gso, else in pieces; either way the far side gets pieces with checksums."""
    host = hosts()
    pg, tap, wire = pair(lab, host, option)
    packet = Ether(
        bytes(
            Ether(dst=HEAD.dst, src=HEAD.src)
            / IP(src="10.0.0.1", dst="10.0.0.2")
            / TCP(sport=1, dport=2, flags="A")
            / BYTES[:64000]
        )
    )
    data = bytes([10, 0, 0, 1, 10, 0, 0, 2, 0, 6]) + (20 + 64000).to_bytes(2, "big")
    total = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, 12, 2))
    packet[TCP].chksum = (total & 0xFFFF) + (total >> 16)
    wire.send_owing(bytes(packet), flags=1, gso_type=1, gso_size=1400, csum_start=34, csum_offset=16, hdr_len=54)
    out = [Ether(frame) for frame in arriving(lab, pg)]
    assert b"".join(bytes(each[TCP].payload) for each in out) == BYTES[:64000]
    for each in out:
        fresh = each.copy()
        del fresh[TCP].chksum
        assert bytes(fresh) == bytes(each)
    packets, octets = rx.read(tap.sw_if_index)
    assert octets / packets <= largest + 54
    assert packets == -(-64000 // largest)


def test_what_linux_is_to_have(lab: Lab, hosts: Hosts) -> None:
    host = hosts()

    def bridge() -> None:
        with IPRoute() as ip:
            ip.link("add", ifname="br0", kind="bridge")

    host.inside(bridge)
    lab.cli(
        f"create tap id 1 host-ns {host.namespace} host-if-name inner host-mac-addr 02:aa:00:00:00:01"
        " host-ip4-addr 10.1.0.2/24 host-ip4-gw 10.1.0.1 host-mtu-size 1300 rx-ring-size 512 hw-addr 02:bb:00:00:00:01"
    )
    lab.cli(f"create tap host-ns {host.namespace} host-bridge br0")
    inner = links(host, "inner")
    assert inner == {
        "mac": "02:aa:00:00:00:01",
        "mtu": 1300,
        "queue": 512,
        "up": True,
        "running": False,
        "master": None,
        "addresses": ["10.1.0.2"],
        "gateways": ["10.1.0.1"],
    }
    assert lab.engine[Interfaces]["tap1"].mac == "02:bb:00:00:00:01"
    assert links(host, "tap0")["master"] == "br0"
    assert not any(name in os.listdir("/sys/class/net") for name in ("tap0", "tap1", "inner"))


def test_the_cable_is_plugged_in_while_the_interface_is_up(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    lab.cli(f"create tap host-ns {host.namespace}")
    tap = lab.engine[Interfaces]["tap0"]
    assert (tap.link_up, links(host, "tap0")["running"]) == (False, False)
    lab.cli("set interface state tap0 up")
    time.sleep(0.05)
    assert (tap.link_up, links(host, "tap0")["running"]) == (True, True)
    lab.cli("set interface state tap0 down")
    time.sleep(0.05)
    assert (tap.link_up, links(host, "tap0")["running"]) == (False, False)


def test_frames_for_an_interface_that_is_down_in_linux_are_counted(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    pg, tap, _ = pair(lab, host)
    host.set("tap5", state="down")
    lab.send(pg, FRAME, FRAME, bytes(HEAD) + BYTES[:4000])
    assert tx_error.read(tap.sw_if_index) == 3
    assert {("tap-tx", "tx packet refused by Linux"): 3}.items() <= lab.errors().items()
    host.set("tap5", state="up")
    wire = host.wire("tap5")
    lab.send(pg, FRAME)
    assert FRAME in wire.receive(1)


def test_a_tap_that_linux_deletes_is_down_and_can_be_deleted(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    pg, tap, _ = pair(lab, host)

    def remove() -> None:
        with IPRoute() as ip:
            ip.link("del", index=ip.link_lookup(ifname="tap5")[0])

    host.inside(remove)
    lab.engine.advance(1.1)
    assert not tap.link_up
    lab.send(pg, FRAME)
    assert tx_error.read(tap.sw_if_index) == 1
    lab.cli("set interface state tap5 down\nset interface state tap5 up")
    assert not tap.link_up
    lab.cli("delete tap tap5")
    lab.cli(f"create tap id 5 host-ns {host.namespace}")


def test_deleting_takes_the_interface_out_of_linux_unless_it_is_to_persist(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    for _ in range(2):
        lab.cli(f"create tap host-ns {host.namespace}")
        assert links(host, "tap0")
        lab.cli("delete tap tap0")
        assert not links(host, "tap0")
    lab.cli(f"create tap host-ns {host.namespace} persist\ndelete tap tap0")
    assert links(host, "tap0")
    with pytest.raises(CliError, match="Linux already has an interface of that name"):
        lab.cli(f"create tap host-ns {host.namespace}")
    lab.cli(f"create tap host-ns {host.namespace} attach\ndelete tap tap0")
    assert not links(host, "tap0")


def test_several_queues(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    pg, _, wire = pair(lab, host, "num-rx-queues 3")
    frames = [
        bytes(Ether(dst=HEAD.dst, src=HEAD.src) / IP(src=f"10.0.0.{number}", dst="10.0.1.1") / UDP(sport=number))
        for number in range(1, 100)
    ]
    wire.send(*frames)
    assert sorted(arriving(lab, pg)) == sorted(frames)
    placed = lab.cli("show interface rx-placement")
    assert "node virtio-input:" in placed
    assert all(f"tap5 queue {number} (adaptive)" in placed for number in range(3))
    lab.send(pg, FRAME)
    assert wire.receive(1) == [FRAME]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("create tap id 5", "interface tap5 already exists"),
        ("create tap id 2000", "a tap's number is 0 to 1023, not 2000"),
        ("create tap host-if-name averyveryverylongname", "can be no interface's name in Linux"),
        ("create tap host-if-name a/b", "can be no interface's name in Linux"),
        ("create tap host-ns nosuch", "cannot make tap0 in namespace nosuch: No such file or directory"),
        ("create tap host-ns NS host-bridge nosuch", "Linux has no interface nosuch"),
        ("create tap host-ns NS host-if-name eth0", "Linux already has an interface of that name"),
        ("create tap host-ns NS host-ip4-gw 192.0.2.1", "cannot make tap0 in namespace NS: Network is unreachable"),
        ("create tap host-ns NS host-mtu-size 5", "cannot make tap0 in namespace NS: Invalid argument"),
        ("create tap rx-ring-size 1000", "ring size must be a power of 2"),
        ("create tap num-rx-queues 0", "a tap has 1 to 64 receive queues, not 0"),
        ("delete tap tap0", "there is no tap `tap0'"),
        ("show tap local0", "local0 is no tap"),
    ],
)
def test_what_cannot_be_is_answered_and_changes_nothing(lab: Lab, hosts: Hosts, line: str, answer: str) -> None:
    host = hosts()
    lab.cli(f"create tap id 5 host-ns {host.namespace}")
    before = lab.cli("show interface\nshow tap\nshow interface rx-placement")
    with pytest.raises(CliError) as caught:
        lab.cli(line.replace("NS", host.namespace))
    assert answer.replace("NS", host.namespace) in str(caught.value)
    assert lab.cli("show interface\nshow tap\nshow interface rx-placement") == before
    assert not links(host, "tap0")


def test_what_is_shown(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    pg, _, wire = pair(lab, host, "gso host-ip4-addr 10.0.0.1/24")
    shown = lab.cli("show tap tap5")
    assert shown.startswith("Interface: tap5 (ifindex 1)\n")
    assert f'  host-ns "{host.namespace}"\n' in shown and "  gso-enabled 1\n" in shown
    assert "  host-ip4-addr 10.0.0.1/24\n" in shown
    lab.cli("trace add virtio-input 1")
    wire.send(FRAME)
    arriving(lab, pg)
    trace = lab.cli("show trace")
    assert "virtio: hw_if_index 1 next-index" in trace and "vring 0 len 60" in trace
    assert "hdr: flags 0x00 gso_type 0x00 hdr_len 0 gso_size 0 csum_start 0 csum_offset 0 num_buffers 1" in trace
