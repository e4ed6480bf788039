"""AF_XDP ports: frames between Linux and the engine, and buffers that the kernel has meanwhile."""

from __future__ import annotations

import random
import struct
import subprocess
import time

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Packet
from tests.conftest import Lab
from tests.hosts import Host, Hosts, Wire
from tests.switch import Switch, wait
from tests.tcp import transfer
from tests.wiring import arriving, connect, plug, wired

from weft.core.buffer import pool
from weft.core.cli import CliError
from weft.core.runtime import threads_in_use, workers
from weft.features.interface.model import Interface, Interfaces, rx, rx_miss, tx, tx_error

pytestmark = pytest.mark.root

BYTES = random.Random(5).randbytes(65536)
HEAD = Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01", type=0x88B5)


def port(lab: Lab, host: Host, options: str = "") -> Interface:
    """An AF_XDP port at a host's cable, up."""
    return plug(lab, f"create interface af_xdp host-if {host.port} {options}")


def pair(lab: Lab, host: Host, options: str = "") -> tuple[Interface, Interface, Wire]:
    """A packet-generator port wired to an AF_XDP port, and the far end of its cable."""
    return *wired(lab, port(lab, host, options)), host.wire()


def free_buffers() -> int:
    """Buffers that nobody has."""
    return int(pool.free + sum(workers[thread].cache.count for thread in threads_in_use()))


def program(host: Host) -> bool:
    """Whether an XDP program is attached to a port's Linux interface."""
    shown = subprocess.run(["ip", "link", "show", "dev", host.port], capture_output=True, text=True, check=True)
    return "prog/xdp" in shown.stdout


@pytest.mark.parametrize("length", [14, 60, 1500, 1514])
def test_a_frame_of_any_length_comes_and_goes(lab: Lab, hosts: Hosts, length: int) -> None:
    pg, interface, wire = pair(lab, hosts())
    frame = bytes(HEAD) + BYTES[: length - 14]
    wire.send(frame)
    assert arriving(lab, pg) == [frame]
    lab.send(pg, frame)
    assert wire.receive(1) == [frame]
    assert rx.read(interface.sw_if_index) == (1, length)
    assert tx.read(interface.sw_if_index) == (1, length)


def test_all_queues_that_there_are(lab: Lab, hosts: Hosts) -> None:
    """A veth has one in use, of those that it could have."""
    pg, interface, wire = pair(lab, hosts(), "num-rx-queues all")
    wire.send(bytes(HEAD) + bytes(46))
    assert len(arriving(lab, pg)) == 1
    assert lab.cli(f"show hardware-interfaces {interface.name}").count("buffers lent") == 1


@pytest.mark.parametrize("tags", [Dot1Q(vlan=2, prio=3), Dot1AD(vlan=7) / Dot1Q(vlan=4094, prio=5)])
def test_tags_stand_in_the_frame(lab: Lab, hosts: Hosts, tags: Packet) -> None:
    pg, _, wire = pair(lab, hosts())
    frame = bytes(Ether(dst=HEAD.dst, src=HEAD.src) / tags / IP(dst="10.0.0.1") / UDP() / BYTES[:1400])
    wire.send(frame)
    assert arriving(lab, pg) == [frame]
    lab.send(pg, frame)
    assert wire.receive(1) == [frame]


@pytest.mark.parametrize("length", [2049, 4096 + 14, 9014])
def test_jumbo_frames_have_several_buffers(lab: Lab, hosts: Hosts, length: int) -> None:
    pg, _, wire = pair(lab, hosts(mtu=9000))
    frames = [bytes(HEAD) + BYTES[number : number + length - 14] for number in range(5)]
    short = bytes(HEAD) + b"short"
    wire.send(*frames, short, *frames)
    assert arriving(lab, pg) == [*frames, short, *frames]
    lab.send(pg, *frames, short)
    assert wire.receive(1) == [*frames, short]


def test_many_frames_keep_their_order(lab: Lab, hosts: Hosts) -> None:
    pg, _, wire = pair(lab, hosts())
    for _ in range(3):  # more than a ring has entries
        frames = [bytes(HEAD) + struct.pack("!I", number) for number in range(600)]
        wire.send(*frames)
        assert arriving(lab, pg) == frames
        lab.send(pg, *frames)
        assert wire.receive(1) == frames


def test_frames_that_find_no_buffer_are_counted(lab: Lab, hosts: Hosts) -> None:
    pg, interface, wire = pair(lab, hosts(), "rx-queue-size 64")
    wire.send(*[bytes(HEAD) + bytes(46)] * 200)
    assert len(arriving(lab, pg)) == 64
    lab.engine.advance(1.1)
    assert rx_miss.read(interface.sw_if_index) == 200 - 64
    frame = bytes(HEAD) + b"after"
    wire.send(frame)
    assert arriving(lab, pg) == [frame]


def test_packets_of_too_many_buffers_are_counted(lab: Lab, hosts: Hosts) -> None:
    pg, interface, wire = pair(lab, hosts(mtu=65000))
    before = free_buffers()
    long = bytes(HEAD) + BYTES[: 17 * 2048 + 1]
    good = bytes(HEAD) + b"good"
    lab.send(pg, long, good)
    assert wire.receive(1) == [good]
    assert tx_error.read(interface.sw_if_index) == 1
    assert lab.errors()["af-xdp-tx", "packet of too many buffers"] == 1
    assert before - free_buffers() <= 1  # the kernel may still have the one that went


def test_a_full_ring_waits_for_the_kernel(lab: Lab, hosts: Hosts) -> None:
    pg, interface, wire = pair(lab, hosts(), "tx-queue-size 32")
    frames = [bytes(HEAD) + struct.pack("!I", number) for number in range(256)]
    lab.send(pg, *frames)
    assert wire.receive(1) == frames
    assert tx_error.read(interface.sw_if_index) == 0


def test_nothing_comes_while_it_is_down(lab: Lab, hosts: Hosts) -> None:
    pg, interface, wire = pair(lab, hosts())
    frame = bytes(HEAD) + bytes(46)
    wire.send(frame, frame)
    time.sleep(0.02)
    lab.engine[Interfaces].set_admin(interface, False)
    assert arriving(lab, pg) == []
    lab.engine[Interfaces].set_admin(interface, True)
    time.sleep(0.02)
    wire.send(frame)
    assert arriving(lab, pg) == [frame]


def test_all_buffers_come_back(lab: Lab, hosts: Hosts) -> None:
    """Those that Linux had to receive into, with frames that nobody has read, and on their way out."""
    before = free_buffers()
    host = hosts(mtu=9000)
    pg, interface, wire = pair(lab, host, "rx-queue-size 128")
    assert before - free_buffers() == 128
    wire.send(*[bytes(HEAD) + BYTES[:8000]] * 10)
    time.sleep(0.02)
    lab.send(pg, *[bytes(HEAD) + BYTES[:5000]] * 7)
    wire.send(*[bytes(HEAD) + BYTES[:100]] * 10)
    assert program(host)
    lab.cli(f"delete interface af_xdp {interface.name}")
    lab.output()
    assert free_buffers() == before
    assert not program(host)


def test_a_port_in_another_namespace(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    (pg,) = lab.pg(1)
    subprocess.run(["ip", "link", "set", host.port, "up"], check=True)
    interface = port(lab, Host(host.namespace, "eth0"), f"netns {host.namespace} name inside")
    assert interface.name == "inside" and interface.link_up
    connect(lab.engine, pg, interface)
    here = Host("", host.port)
    here.inside = lambda action: action()  # type: ignore[method-assign]
    wire = here.wire(host.port)
    frame = bytes(HEAD) + bytes(46)
    wire.send(frame)
    assert arriving(lab, pg) == [frame]
    lab.send(pg, frame)
    assert wire.receive(1) == [frame]
    here.sockets[0].close()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("host-if nowhere7", "Linux has no interface `nowhere7'"),
        ("host-if a/b", "Linux has no interface `a/b'"),
        ("host-if {port} rx-queue-size 100", "a ring has 32 to 32768 entries, a power of two, not 100"),
        ("host-if {port} tx-queue-size 65536", "a ring has 32 to 32768 entries, a power of two, not 65536"),
        ("host-if {port} num-rx-queues 0", "1 to 64 receive queues, or all, not 0"),
        ("host-if {port} num-rx-queues 60", "cannot open"),
        ("host-if {port} zero-copy", "cannot open"),  # a veth cannot
        ("host-if {port} netns nowhere", "cannot open .* in namespace nowhere: No such file"),
        ("host-if {port} name local0", "interface local0 already exists"),
        ("host-if {port} name a.7", "an interface's name has 1 to 63 characters, no blanks, dots or braces"),
    ],
)
def test_what_is_refused_leaves_nothing(lab: Lab, hosts: Hosts, options: str, reason: str) -> None:
    host = hosts()
    before = free_buffers()
    with pytest.raises(CliError, match=reason):
        lab.cli("create interface af_xdp " + options.format(port=host.port))
    assert (free_buffers(), program(host)) == (before, False)
    assert lab.cli(f"create interface af_xdp host-if {host.port}").strip() == f"{host.port}/0"


def test_a_linux_interface_has_one_port(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    pg, _, wire = pair(lab, host)
    with pytest.raises(CliError, match="cannot open"):
        lab.cli(f"create interface af_xdp host-if {host.port}")
    frame = bytes(HEAD) + bytes(46)
    wire.send(frame)
    assert arriving(lab, pg) == [frame]


def test_the_linux_interface_goes(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    before = free_buffers()
    pg, interface, _ = pair(lab, host)
    subprocess.run(["ip", "link", "del", host.port], check=True)
    time.sleep(0.05)
    lab.engine.advance(0.2)
    assert not interface.link_up
    lab.send(pg, bytes(HEAD) + bytes(46))
    lab.cli(f"delete interface af_xdp {interface.name}")
    assert free_buffers() == before


def test_the_address_of_linux(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    shown = subprocess.run(["ip", "-br", "link", "show", "dev", host.port], capture_output=True, text=True, check=True)
    assert port(lab, host, "mac-reuse").mac == shown.stdout.split()[2]


def test_tcp_through_the_engine(switch: Switch, hosts: Hosts) -> None:
    """AF_XDP carries frames only: the hosts' cards must finish checksums themselves."""
    made = [hosts(), hosts()]
    ports = []
    for number, host in enumerate(made, 1):
        host.address(f"10.0.0.{number}")
        host.offload(False, "tso", "gso", "tx")
        name = switch.cli(f"create interface af_xdp host-if {host.port}").strip()
        switch.cli(f"set interface state {name} up")
        ports.append(switch.engine[Interfaces][name])
    switch.do(lambda: connect(switch.engine, *ports))
    wait(lambda: all(port.link_up for port in ports))
    assert made[0].ping("10.0.0.2")
    transfer(made[0], made[1], "10.0.0.2", megabytes=4)


def test_what_is_shown(lab: Lab, hosts: Hosts) -> None:
    host = hosts()
    pg, interface, wire = pair(lab, host, "rx-queue-size 64 tx-queue-size 128 no-zero-copy")
    shown = lab.cli(f"show hardware-interfaces {interface.name}")
    for line in (f"Linux interface {host.port}", "queue 0: copy", "rx size 64, 64 buffers lent", "tx size 128"):
        assert line in shown
    lab.cli("trace add af-xdp-input 1")
    wire.send(bytes(HEAD) + bytes(46))
    arriving(lab, pg)
    assert f"af_xdp: hw_if_index {interface.hw_if_index} next-index" in lab.cli("show trace")
