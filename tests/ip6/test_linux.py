"""The kernel's IPv6 as the peer: hosts that get their addresses and their router from what the engine advertises."""

from __future__ import annotations

import os
import socket
import struct
import time
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path

import pytest
from pyroute2 import IPRoute
from tests.hosts import Host, Hosts
from tests.switch import Switch, wait

from weft.features.interface.model import Interfaces
from weft.features.neighbor.model import Neighbors

pytestmark = pytest.mark.root

IPV6_MTU, IPV6_RECVERR = 24, 25
TIME_EXCEEDED = 3


def enable(host: Host) -> None:
    """Let a host have IPv6, and believe routers."""

    def change() -> None:
        for which in ("all", "default", "eth0", "lo"):
            base = Path(f"/proc/sys/net/ipv6/conf/{which}")
            (base / "accept_ra").write_text("2")
            (base / "router_solicitation_delay").write_text("0")
            (base / "disable_ipv6").write_text("0")

    host.inside(change)


def addresses(host: Host) -> list[IPv6Address]:
    """The host's global addresses that are not tentative any more."""

    def look() -> list[IPv6Address]:
        with IPRoute() as ip:
            found = [
                IPv6Address(each.get_attr("IFA_ADDRESS"))
                for each in ip.get_addr(family=socket.AF_INET6)
                if not (each.get_attr("IFA_FLAGS") or each["flags"]) & 0x40
            ]
        return [each for each in found if each.is_global or each in IPv6Network("2001:db8::/32")]

    return host.inside(look)


def ping(host: Host, address: IPv6Address | str, size: int = 16, timeout: float = 5) -> bool:
    """Whether an echo request is answered; the kernel sees to the checksum."""
    link = host.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    mark = os.urandom(8) + bytes(size - 8)
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        link.settimeout(0.5)
        try:
            link.sendto(bytes((128, 0, 0, 0, 0, 1, 0, 1)) + mark, (str(address), 0))
            while True:
                got = link.recv(9000)
                if got[0] == 129 and got.endswith(mark):
                    return True
        except (TimeoutError, OSError):
            time.sleep(0.05)
    return False


def routed(switch: Switch, hosts: Hosts) -> tuple[Host, Host]:
    """Two hosts in two networks, the engine the router that they find."""
    made = hosts(), hosts()
    for number, host in enumerate(made, 1):
        name = f"host-{host.port}"
        switch.cli(f"create host-interface name {host.port}\nset interface state {name} up")
        switch.cli(f"set interface ip address {name} 2001:db8:{number}::1/64")
        switch.cli(f"ip6 nd {name} prefix 2001:db8:{number}::/64")
    wait(lambda: all(each.link_up for each in switch.engine[Interfaces] if each.name.startswith("host-")))
    for host in made:
        enable(host)
    for host in made:
        wait(lambda host=host: bool(addresses(host)))
    return made


def test_hosts_find_their_router_and_one_another(switch: Switch, hosts: Hosts) -> None:
    """An address from the advertised prefix; through the router to each other; and what both sides know then."""
    one, other = routed(switch, hosts)
    (mine,), (his,) = addresses(one), addresses(other)
    assert mine in IPv6Network("2001:db8:1::/64") and his in IPv6Network("2001:db8:2::/64")
    assert ping(one, "2001:db8:1::1") and ping(one, "2001:db8:2::1")
    assert ping(one, his) and ping(one, his, size=1400)
    assert ping(other, mine)
    assert "0% packet loss" in switch.cli(f"ping {his} repeat 2 interval 0.5")
    port = switch.engine[Interfaces][f"host-{one.port}"]
    assert mine in [each.address for each in switch.engine[Neighbors].of(port, "ip6")]

    def router_macs() -> set[str]:
        with IPRoute() as ip:
            return {
                each.get_attr("NDA_LLADDR")
                for each in ip.get_neighbours(family=socket.AF_INET6)
                if each.get_attr("NDA_DST") == "2001:db8:1::1"
            }

    assert one.inside(router_macs) == {port.mac}


def test_the_kernel_heeds_what_the_router_says(switch: Switch, hosts: Hosts) -> None:
    """The MTU of a network behind (RFC 8201), and who drops a packet that has one hop to live."""
    one, other = routed(switch, hosts)
    (his,) = addresses(other)
    switch.cli(f"set interface mtu packet 1300 host-{other.port}")
    assert ping(one, his)
    link = one.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    link.connect((str(his), 9))

    def mtu() -> int:
        try:
            link.send(bytes(1400))
        except OSError:
            pass
        return link.getsockopt(socket.IPPROTO_IPV6, IPV6_MTU)

    wait(lambda: mtu() == 1300)
    assert ping(one, his, size=3000)
    last = one.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    last.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 1)
    last.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    last.sendto(b"x", (str(his), 9))

    def dropped_by() -> tuple[int, str] | None:
        try:
            _, control, _, _ = last.recvmsg(100, 200, socket.MSG_ERRQUEUE)
        except OSError:
            return None
        data = control[0][2]
        kind, offender = data[5], data[16 + 8 : 16 + 24]
        return kind, str(IPv6Address(offender))

    heard: list[tuple[int, str] | None] = []
    wait(lambda: heard.append(dropped_by()) or heard[-1] is not None)
    assert heard[-1] == (TIME_EXCEEDED, "2001:db8:1::1")


def test_bridged_hosts_and_the_interface_of_their_bridge(switch: Switch, hosts: Hosts) -> None:
    """Two hosts on a bridge domain whose BVI is their router; neighbors are answered for in their place."""
    made = hosts(), hosts()
    switch.cli(
        """
        loopback create
        set interface l2 bridge loop0 1 bvi
        set interface state loop0 up
        set interface ip address loop0 2001:db8:3::1/64
        ip6 nd loop0 prefix 2001:db8:3::/64
        set bridge-domain arp term 1
        set bridge-domain arp entry 1 2001:db8:3::ffff 02:00:00:00:ff:ff
        """
    )
    for host in made:
        name = f"host-{host.port}"
        switch.cli(f"create host-interface name {host.port}\nset interface l2 bridge {name} 1")
        switch.cli(f"set interface state {name} up")
        enable(host)
    for host in made:
        wait(lambda host=host: bool(addresses(host)))
    (his,) = addresses(made[1])
    assert ping(made[0], his) and ping(made[0], "2001:db8:3::1")
    assert "0% packet loss" in switch.cli(f"ping {his} repeat 2 interval 0.5")
    ping(made[0], "2001:db8:3::ffff", timeout=0.6)

    def known() -> str | None:
        with IPRoute() as ip:
            for each in ip.get_neighbours(family=socket.AF_INET6):
                if each.get_attr("NDA_DST") == "2001:db8:3::ffff":
                    return each.get_attr("NDA_LLADDR")
        return None

    assert made[0].inside(known) == "02:00:00:00:ff:ff"


def test_a_host_of_the_subnet_behind_another_port(switch: Switch, hosts: Hosts) -> None:
    """The port is unnumbered; each of two kernels takes the other for a neighbor on its link, and the engine, which is
    both to them, is in between. What is behind the second is reached by a recursive route.
    """
    one, two = hosts(), hosts()
    first, second = (f"host-{host.port}" for host in (one, two))
    for name, host in ((first, one), (second, two)):
        switch.cli(f"create host-interface name {host.port}\nset interface state {name} up")
    switch.cli(
        f"""
        set interface ip address {first} 2001:db8:1::1/64
        set interface unnumbered {second} use {first}
        set ip6 nd proxy {second} 2001:db8:1::99
        set interface ip6-nd proxy {second}
        ip route add 2001:db8:77::/48 via 2001:db8:1::99
        """
    )
    for host, address in ((one, "2001:db8:1::2"), (two, "2001:db8:1::99")):
        enable(host)
        host.address(address, 64)
        wait(lambda host=host, address=address: IPv6Address(address) in addresses(host))
    two.address("2001:db8:77::1", 128)
    wait(lambda: IPv6Address("2001:db8:77::1") in addresses(two))
    assert ping(two, "2001:db8:1::1")
    assert ping(one, "2001:db8:1::99") and ping(two, "2001:db8:1::2")
    assert "0% packet loss" in switch.cli("ping 2001:db8:1::99 repeat 2 interval 0.5")
    assert "0% packet loss" in switch.cli("ping 2001:db8:77::1 repeat 2 interval 0.5")


assert struct.calcsize("=IBBBBII") == 16  # struct sock_extended_err, which the offender's address follows
