"""The lab's network: hosts in namespaces of their own, each on a VLAN of one trunk.

weft-host2 ── host2 ┐                                ┌ VLAN 2
                    ├ weft-switch ── trunk ══ weft-trunk (the engine)
weft-host3 ── host3 ┘                                └ VLAN 3
"""

from __future__ import annotations

from dataclasses import dataclass

from pyroute2 import IPRoute, NetNS, netns

from weft.lab import bpf

TRUNK = "weft-trunk"
SWITCH = "weft-switch"


@dataclass(frozen=True)
class Host:
    """A host: a network namespace with one interface, ``eth0``, on one VLAN."""

    vlan: int

    @property
    def namespace(self) -> str:
        return f"weft-host{self.vlan}"

    @property
    def address(self) -> str:
        return f"192.168.{self.vlan}.10"

    @property
    def gateway(self) -> str:
        return f"192.168.{self.vlan}.1"


HOSTS = (Host(2), Host(3))


def build() -> None:
    """Make the namespaces, their interfaces and the switch between them."""
    for name in (SWITCH, *(host.namespace for host in HOSTS)):
        netns.create(name)
    with IPRoute() as here, NetNS(SWITCH) as switch:
        here.link("add", ifname=TRUNK, kind="veth", peer={"ifname": "trunk", "net_ns_fd": SWITCH})
        here.link("set", index=index_of(here, TRUNK), state="up")
        trunk = index_of(switch, "trunk")
        ports = {}
        for host in HOSTS:
            port = f"host{host.vlan}"
            switch.link("add", ifname=port, kind="veth", peer={"ifname": "eth0", "net_ns_fd": host.namespace})
            ports[host.vlan] = index_of(switch, port)
            with NetNS(host.namespace) as inside:
                configure(inside, host.address, host.gateway)
        for vlan, index in ports.items():
            bpf.attach(switch, index, bpf.tag(vlan, trunk))
            switch.link("set", index=index, state="up")
        bpf.attach(switch, trunk, bpf.untag(ports))
        switch.link("set", index=trunk, state="up")


def configure(inside: NetNS, address: str, gateway: str) -> None:
    """Give a host's ``eth0`` its address on a /24, and the way to all others."""
    index = index_of(inside, "eth0")
    inside.addr("add", index=index, address=address, prefixlen=24)
    inside.link("set", index=index_of(inside, "lo"), state="up")
    inside.link("set", index=index, state="up")
    inside.route("add", dst="default", gateway=gateway)


def index_of(link: IPRoute | NetNS, name: str) -> int:
    """The number of an interface."""
    index: int = link.link_lookup(ifname=name)[0]
    return index


def remove() -> list[str]:
    """Take away whatever there is of it; the names of what was."""
    gone = []
    with IPRoute() as here:
        for index in here.link_lookup(ifname=TRUNK):
            here.link("del", index=index)
            gone.append(TRUNK)
    existing = netns.listnetns()
    for name in (SWITCH, *(host.namespace for host in HOSTS)):
        if name in existing:
            netns.remove(name)
            gone.append(name)
    return gone
