"""Interfaces without Ethernet: a tun, and a host-interface in mode ip on one."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator

import pytest
from pyroute2 import IPRoute
from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import IPv6
from tests.conftest import Lab
from tests.hosts import Hosts
from tests.switch import Switch, wait
from tests.tcp import echo_datagram, transfer

from weft.core.cli import CliError
from weft.features.interface.model import Interfaces, rx

pytestmark = pytest.mark.root


@pytest.mark.parametrize("options", ["", "gso"])
def test_a_tun_and_an_ethernet_network_are_routed(switch: Switch, hosts: Hosts, options: str) -> None:
    one, other = hosts(), hosts()
    other.address("10.0.2.2", gateway="10.0.2.1")
    switch.cli(
        f"""create tap tun id 3 host-ns {one.namespace} host-ip4-addr 10.0.1.2/24 host-ip4-gw 10.0.1.1 {options}
            set interface state tun3 up
            set interface ip address tun3 10.0.1.1/24
            create host-interface name {other.port}
            set interface state host-{other.port} up
            set interface ip address host-{other.port} 10.0.2.1/24"""
    )
    wait(lambda: switch.engine[Interfaces][f"host-{other.port}"].link_up)
    assert one.ping("10.0.1.1")
    assert one.ping("10.0.2.2")
    transfer(one, other, "10.0.2.2")
    transfer(other, one, "10.0.1.2")
    echo_datagram(one, other, "10.0.2.2", 5000)


@pytest.fixture
def tunnel() -> Iterator[tuple[str, int]]:
    """A tun of Linux's that a program has the other end of."""
    name = f"wtun{os.getpid() % 100000}"
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1001))  # TUN, no packet information
    with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w") as switch:
        switch.write("1")
    yield name, descriptor
    os.close(descriptor)


def test_a_host_interface_in_mode_ip(lab: Lab, tunnel: tuple[str, int]) -> None:
    name, descriptor = tunnel
    lab.cli(
        f"""create host-interface name {name} mode ip
            set interface state host-{name} up
            set interface ip address host-{name} 10.0.1.1/24"""
    )
    lab.engine.advance(0.2)
    request = bytes(IP(src="10.0.1.2", dst="10.0.1.1") / ICMP(id=5, seq=6) / b"hello")
    os.write(descriptor, request)
    lab.engine.step()
    (reply,) = [IP(packet) for packet in packets(descriptor) if IP(packet).proto == 1]
    assert (reply.src, reply.dst, reply[ICMP].type, bytes(reply[ICMP].payload)) == ("10.0.1.1", "10.0.1.2", 0, b"hello")
    assert rx.read(lab.engine[Interfaces][f"host-{name}"].sw_if_index) == (1, len(request))


def test_broken_packets_and_those_of_other_protocols_are_counted(lab: Lab, tunnel: tuple[str, int]) -> None:
    name, descriptor = tunnel
    lab.cli(f"create host-interface name {name} mode ip\nset interface state host-{name} up")
    for packet in (bytes(IPv6() / b"x"), bytes(IP(src="10.0.0.1"))[:7], bytes(IP(src="10.0.0.1", ttl=9, chksum=1))):
        os.write(descriptor, packet)
    lab.engine.step()
    errors = lab.errors()
    assert errors["ip4-input", "ip4 length < 20 bytes"] == errors["ip4-input", "bad ip4 checksum"] == 1
    assert sum(errors.values()) == 3


def packets(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            yield os.read(descriptor, 65536)
        except BlockingIOError:
            return


def test_the_mode_has_to_fit_the_interface(lab: Lab, hosts: Hosts, tunnel: tuple[str, int]) -> None:
    host = hosts()
    with pytest.raises(CliError, match="is an Ethernet interface: leave `mode ip' out"):
        lab.cli(f"create host-interface name {host.port} mode ip")
    with pytest.raises(CliError, match="is no Ethernet interface: try `mode ip'"):
        lab.cli(f"create host-interface name {tunnel[0]}")
    with IPRoute() as ip:
        assert ip.link_lookup(ifname=tunnel[0])
