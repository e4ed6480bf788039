"""A switch that listens to IGMP and MLD, the kernel's bridge, delivers a tunnel's group to us, and to nobody else."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyroute2 import IPRoute
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw
from tests.hosts import ETH_P_ALL, PACKET_IGNORE_OUTGOING, SOL_PACKET, Hosts, Wire
from tests.switch import Switch, wait

pytestmark = pytest.mark.root

#: Version of IP -> its layer, our end, the other, the group and its MAC address, the length of the subnet.
ENDS = {
    4: (IP, "10.78.0.1", "10.78.0.2", "239.7.8.9", "01:00:5e:07:08:09", 24),
    6: (IPv6, "fd78::1", "fd78::2", "ff05::789", "33:33:00:00:07:89", 64),
}
VNI = 4712
TENTH = 10  #: of a second, as bridges count


@dataclass(frozen=True)
class Bridge:
    """It asks who is in which group, and is quick to believe what it hears, and what it hears no more. By ``port`` the
    engine is plugged in.
    """

    name: str
    port: str

    def plug(self, *ports: str) -> None:
        with IPRoute() as ip:
            (master,) = ip.link_lookup(ifname=self.name)
            for port in ports:
                ip.link("set", index=ip.link_lookup(ifname=port)[0], master=master, state="up")

    def start(self) -> None:
        """It asks from now on, and soon thinks that whoever has said nothing wants nothing."""
        with IPRoute() as ip:
            ip.link("set", index=ip.link_lookup(ifname=self.name)[0], kind="bridge", br_mcast_querier=1)
            ip.link("set", index=ip.link_lookup(ifname=self.name)[0], state="up")


@pytest.fixture(params=["as of old", "as of today"])
def bridge(request: pytest.FixtureRequest) -> Iterator[Bridge]:
    made = Bridge(f"wb{os.getpid()}", f"wb{os.getpid()}p")
    today = request.param == "as of today"
    options = {"snooping": 1, "igmp_version": 2 + today, "mld_version": 1 + today}
    options |= {"query_response_intvl": TENTH, "last_member_intvl": TENTH, "startup_query_intvl": 3 * TENTH}
    with IPRoute() as ip:
        ip.link("add", ifname=made.name, kind="bridge", **{f"br_mcast_{each}": to for each, to in options.items()})
        ip.link("add", ifname=made.port, kind="veth", peer={"ifname": f"{made.port}b"})
        Path(f"/proc/sys/net/ipv6/conf/{made.port}/disable_ipv6").write_text("1")
        # The bridge asks from an address of its own, at once.
        Path(f"/proc/sys/net/ipv6/conf/{made.name}/accept_dad").write_text("0")
        Path(f"/proc/sys/net/ipv6/conf/{made.name}/disable_ipv6").write_text("0")
        ip.link("set", index=ip.link_lookup(ifname=made.port)[0], state="up")
        made.plug(f"{made.port}b")
        yield made
        for name in (made.port, made.name):
            ip.link("del", index=ip.link_lookup(ifname=name)[0])


def deliver(sender: Wire, frame: bytes, *others: Wire) -> list[bool]:
    """Who gets a frame."""
    for each in others:
        each.receive()
    sender.send(frame)
    return [frame in each.receive(0.2) for each in others]


@pytest.mark.parametrize("version", [4, 6])
def test_a_group_is_delivered_where_it_is_wanted(switch: Switch, hosts: Hosts, bridge: Bridge, version: int) -> None:
    """From when a tunnel joins it until it leaves, whether the switch asks in IGMPv2 or v3, MLDv1 or v2."""
    layer, ours, theirs, group, mac, length = ENDS[version]
    sender, other = hosts(), hosts()
    bridge.plug(sender.port, other.port)
    port = f"host-{bridge.port}"
    switch.cli(f"set ip6 nd dad 0\ncreate host-interface name {bridge.port}\nset interface state {port} up")
    switch.cli(f"set interface ip address {port} {ours}/{length}")
    datagram = layer(src=theirs, dst=group) / UDP(sport=5, dport=4789) / VXLAN(flags=8, vni=VNI)
    frame = bytes(Ether(src="02:00:00:00:78:02", dst=mac) / datagram / Ether(dst="ff:ff:ff:ff:ff:ff") / Raw(b"x" * 40))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as tap:
        tap.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        tap.bind((bridge.port, ETH_P_ALL))
        out, elsewhere, here = sender.wire(), other.wire(), Wire(tap, False)
        bridge.start()
        # What is not known to be wanted is flooded until it has been asked for.
        wait(lambda: deliver(out, frame, elsewhere, here) == [False, False])
        switch.cli(f"create vxlan tunnel src {ours} dst {theirs} vni {VNI}")
        switch.cli(f"create vxlan tunnel src {ours} group {group} {port} vni {VNI} instance 9")
        wait(lambda: deliver(out, frame, elsewhere, here) == [False, True])
        wait(lambda: "rx packets" in switch.cli("show interface vxlan_tunnel9"))
        switch.cli(f"create vxlan tunnel src {ours} group {group} {port} vni {VNI} del")
        wait(lambda: deliver(out, frame, elsewhere, here) == [False, False])
