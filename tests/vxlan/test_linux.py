"""The kernel's own VXLAN device as the other end, in a network namespace behind a host-interface."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from pyroute2 import IPRoute
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from tests.hosts import Host, Hosts
from tests.switch import Switch, wait

from weft.features.interface.model import Interfaces

pytestmark = pytest.mark.root

#: Version of IP -> our end, the kernel's, a group, the length of the subnet.
ENDS = {4: ("10.77.0.1", "10.77.0.2", "239.7.7.7", 24), 6: ("fd77::1", "fd77::2", "ff05::77", 64)}
INSIDE = ("192.168.77.1", "192.168.77.2")  # the BVI, the kernel's device
VNI = 4711


def underlay(switch: Switch, hosts: Hosts, version: int, *, mtu: int = 1500) -> Host:
    """A host on a host-interface, both with addresses of the underlay; a bridge domain with a BVI."""
    host = hosts(mtu=mtu)
    ours, theirs, _, length = ENDS[version]
    if version == 6:
        host.inside(_enable_ipv6)
    port = f"host-{host.port}"
    switch.cli(
        f"""
        set ip6 nd dad 0
        create host-interface name {host.port}
        set interface state {port} up
        set interface ip address {port} {ours}/{length}
        loopback create
        set interface l2 bridge loop0 1 bvi
        set interface state loop0 up
        set interface ip address loop0 {INSIDE[0]}/24
        """
    )
    wait(lambda: switch.engine[Interfaces][port].link_up)
    host.address(theirs, length)
    return host


def _enable_ipv6() -> None:
    """At once: whether an address is free takes seconds to find out."""
    for name, value in (("accept_dad", "0"), ("disable_ipv6", "0")):
        Path(f"/proc/sys/net/ipv6/conf/eth0/{name}").write_text(value)


def device(host: Host, version: int, *, vni: int = VNI, group: bool = False, **options: object) -> None:
    """The kernel's VXLAN device, up, with an address."""
    ours, theirs, multicast, _ = ENDS[version]
    suffix = "" if version == 4 else "6"

    def make() -> None:
        with IPRoute() as ip:
            ends = {f"vxlan_local{suffix}": theirs, f"vxlan_group{suffix}": multicast if group else ours}
            (eth0,) = ip.link_lookup(ifname="eth0")
            ip.link(
                "add", ifname="vx0", kind="vxlan", vxlan_id=vni, vxlan_port=4789, vxlan_link=eth0, **(ends | options)
            )
            (index,) = ip.link_lookup(ifname="vx0")
            ip.link("set", index=index, state="up")
            ip.addr("add", index=index, address=INSIDE[1], prefixlen=24)

    host.inside(make)


@pytest.mark.parametrize("version", [4, 6])
def test_the_kernels_device_answers(switch: Switch, hosts: Hosts, version: int) -> None:
    """Pings from both sides, of all sizes, with and without checksums over IPv6."""
    host = underlay(switch, hosts, version)
    ours, theirs, _, _ = ENDS[version]
    switch.cli(f"create vxlan tunnel src {ours} dst {theirs} vni {VNI}\nset interface l2 bridge vxlan_tunnel0 1")
    device(host, version)
    assert host.ping(INSIDE[0])
    assert " 0% packet loss" in switch.cli(f"ping {INSIDE[1]} repeat 2 interval 0.2")
    assert " 0% packet loss" in switch.cli(f"ping {INSIDE[1]} repeat 2 interval 0.2 size 1300")
    shown = switch.cli("show vxlan tunnel")
    assert f"src {ours} dst {theirs}" in shown and "encap-dpo-idx 0" not in shown
    assert "vxlan_tunnel0" in switch.cli("show l2fib verbose")
    errors = switch.cli("show errors")
    assert "good packets decapsulated" in errors and "good packets encapsulated" in errors
    assert "bad udp checksum" not in errors


@pytest.mark.parametrize("version", [4, 6])
def test_what_the_kernel_sees(switch: Switch, hosts: Hosts, version: int) -> None:
    """The kernel checks IPv6's checksums itself: a device that insists on them (its default) takes ours. What scapy
    reads on the wire is VXLAN.
    """
    host = underlay(switch, hosts, version)
    ours, theirs, _, _ = ENDS[version]
    switch.cli(f"create vxlan tunnel src {ours} dst {theirs} vni {VNI}\nset interface l2 bridge vxlan_tunnel0 1")
    device(host, version)
    wire = host.wire()
    assert host.ping(INSIDE[0])
    frames = [Ether(frame) for frame in wire.receive(1)]
    datagrams = [frame for frame in frames if frame.haslayer(UDP) and frame[UDP].dport == 4789]
    assert datagrams and all(frame[VXLAN].vni == VNI for frame in datagrams)
    assert any(frame[VXLAN].haslayer(IP) and frame[VXLAN][IP].src == INSIDE[0] for frame in datagrams)
    assert all((frame[UDP].chksum == 0) == (version == 4) for frame in datagrams)


def test_another_vni_is_not_heard(switch: Switch, hosts: Hosts) -> None:
    host = underlay(switch, hosts, 4)
    ours, theirs, _, _ = ENDS[4]
    switch.cli(f"create vxlan tunnel src {ours} dst {theirs} vni {VNI}\nset interface l2 bridge vxlan_tunnel0 1")
    device(host, 4, vni=VNI + 1)
    assert not host.ping(INSIDE[0], timeout=0.7)
    wait(lambda: "no such tunnel packets" in switch.cli("show errors"))


@pytest.mark.parametrize("version", [4, 6])
def test_a_group(switch: Switch, hosts: Hosts, version: int) -> None:
    """The kernel's device floods to a group and has joined it; ours has one tunnel to the group and one to the kernel.
    Nobody knows the other beforehand.
    """
    host = underlay(switch, hosts, version)
    ours, theirs, group, _ = ENDS[version]
    switch.cli(
        f"""
        create vxlan tunnel src {ours} dst {theirs} vni {VNI}
        create vxlan tunnel src {ours} group {group} host-{host.port} vni {VNI}
        set interface l2 bridge vxlan_tunnel0 1
        set interface l2 bridge vxlan_tunnel1 1
        """
    )
    device(host, version, group=True)
    assert host.ping(INSIDE[0])
    assert " 0% packet loss" in switch.cli(f"ping {INSIDE[1]} repeat 2 interval 0.2")
    counted = switch.cli("show interface vxlan_tunnel1")
    assert "tx packets" in counted


def test_tcp_through_the_tunnel(switch: Switch, hosts: Hosts) -> None:
    """A stream between two hosts, one behind an Ethernet port, whose large segments and owed checksums are settled
    before they go into the tunnel.
    """
    host = underlay(switch, hosts, 4, mtu=1600)
    ours, theirs, _, _ = ENDS[4]
    behind = hosts()
    switch.cli(
        f"""
        create vxlan tunnel src {ours} dst {theirs} vni {VNI}
        set interface l2 bridge vxlan_tunnel0 1
        create host-interface name {behind.port}
        set interface l2 bridge host-{behind.port} 1
        set interface state host-{behind.port} up
        """
    )
    wait(lambda: switch.engine[Interfaces][f"host-{behind.port}"].link_up)
    behind.address("192.168.77.3", 24)
    device(host, 4)
    host.set("vx0", mtu=1500)
    data = bytes(range(256)) * 4096
    server = behind.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.bind(("192.168.77.3", 7000))
    server.listen()
    client = host.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.connect(("192.168.77.3", 7000))
    taken, _ = server.accept()
    behind.sockets.append(taken)
    for sender, receiver in ((client, taken), (taken, client)):
        sender.settimeout(20)
        receiver.settimeout(20)
        got = bytearray()
        view = memoryview(data)
        while len(got) < len(data):
            if view:
                view = view[sender.send(view[:65536]) :]
            got += receiver.recv(1 << 20)
        assert bytes(got) == data
