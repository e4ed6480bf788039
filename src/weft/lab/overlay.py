"""The network of the VXLAN lab: three sites, each with an engine and hosts of its own, on a routed underlay.

    eth1 ── Ethernet ─┐                                              ┌─ Ethernet ── eth2
    vlan1 ── VLAN 100 ┼ engine in vtep1 ══ 10.200.1.0/24 ┐           │
    tap1 ──── tap ────┘                                  ├ underlay ═ engine in vtep2 ...
                                    10.200.3.0/24 ═══════┘ (the kernel routes)

Two segments go through all three sites, RED and BLUE: at each site a bridge domain with a BVI, which is the gateway of
that site's hosts. Which segment a kind of port is in changes from site to site, so each kind meets each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pyroute2 import NetNS, netns

from weft.features.tap.namespace import within
from weft.lab import bpf
from weft.lab.network import configure, index_of

SITES = (1, 2, 3)
KINDS = ("eth", "vlan", "tap")
VLAN = 100
VRF = 10  #: of the overlay: its addresses and the underlay's are strangers
UNDERLAY_MTU = 1600  #: room for the headers around what hosts send


@dataclass(frozen=True)
class Segment:
    """A broadcast domain that goes through all sites."""

    name: str
    number: int  #: of its bridge domain at each site

    @property
    def vni(self) -> int:
        return 1000 + self.number

    @property
    def subnet(self) -> str:
        return f"192.168.{self.number}"

    def gateway(self, site: int) -> str:
        """The address of a site's BVI."""
        return f"{self.subnet}.{site}"


SEGMENTS = (Segment("RED", 1), Segment("BLUE", 2))


@dataclass(frozen=True)
class Host:
    """A host: a network namespace with one interface, ``eth0``."""

    prefix: str
    kind: str
    site: int

    @property
    def namespace(self) -> str:
        return f"{self.prefix}-{self.kind}{self.site}"

    @property
    def segment(self) -> Segment:
        return SEGMENTS[(self.site + KINDS.index(self.kind)) % len(SEGMENTS)]

    @property
    def address(self) -> str:
        return f"{self.segment.subnet}.{10 * self.site + KINDS.index(self.kind)}"

    @property
    def gateway(self) -> str:
        return self.segment.gateway(self.site)


@dataclass(frozen=True)
class Overlay:
    """All of it; the names of its namespaces begin with ``prefix``."""

    prefix: str

    @cached_property
    def hosts(self) -> list[Host]:
        return [Host(self.prefix, kind, site) for site in SITES for kind in KINDS]

    @property
    def underlay(self) -> str:
        return f"{self.prefix}-underlay"

    def vtep(self, site: int) -> str:
        """The namespace of a site's engine."""
        return f"{self.prefix}-vtep{site}"

    def switch(self, site: int) -> str:
        """That of the switch between the engine's trunk and the host on a VLAN."""
        return f"{self.prefix}-switch{site}"

    @property
    def namespaces(self) -> list[str]:
        sites = [name for site in SITES for name in (self.vtep(site), self.switch(site))]
        return [self.underlay, *sites, *(host.namespace for host in self.hosts)]

    # --- making and removing

    def build(self) -> None:
        """Make the namespaces and all cables; the engines make the taps."""
        for name in self.namespaces:
            netns.create(name)
        for site in SITES:
            self._uplink(site)
            for host in self.hosts:
                if host.site == site and host.kind == "eth":
                    cable(self.vtep(site), "eth", host.namespace, "eth0")
                    configure_host(host)
                elif host.site == site and host.kind == "vlan":
                    self._trunk(site, host)
        within(self.underlay, lambda: Path("/proc/sys/net/ipv4/ip_forward").write_text("1"))

    def _uplink(self, site: int) -> None:
        """The engine's way to the underlay, which has the router's address on it."""
        cable(self.vtep(site), "uplink", self.underlay, f"site{site}", mtu=UNDERLAY_MTU)
        with NetNS(self.underlay) as router:
            router.addr("add", index=index_of(router, f"site{site}"), address=f"10.200.{site}.254", prefixlen=24)

    def _trunk(self, site: int, host: Host) -> None:
        cable(self.vtep(site), "trunk", self.switch(site), "trunk")
        cable(self.switch(site), "port", host.namespace, "eth0")
        configure_host(host)
        with NetNS(self.switch(site)) as switch:
            port, trunk = index_of(switch, "port"), index_of(switch, "trunk")
            bpf.attach(switch, port, bpf.tag(VLAN, trunk))
            bpf.attach(switch, trunk, bpf.untag({VLAN: port}))

    def remove(self) -> list[str]:
        """Take away whatever there is of it; the names of what was."""
        existing = set(netns.listnetns())
        gone = [name for name in self.namespaces if name in existing]
        for name in gone:
            netns.remove(name)
        return gone

    # --- the engines' configurations

    def listing(self, site: int) -> str:
        """What a site's engine is to do, as commands."""
        lines = [
            f"# Site {site}: the underlay",
            "create host-interface name uplink",
            "set interface state host-uplink up",
            f"set interface mtu packet {UNDERLAY_MTU} host-uplink",
            f"set interface ip address host-uplink {vtep_address(site)}/24",
            f"ip route add 0.0.0.0/0 via 10.200.{site}.254 host-uplink",
            f"ip table add {VRF}",
        ]
        tunnel = 0
        for segment in SEGMENTS:
            bvi = f"loop{segment.number}"
            lines += [
                f"# {segment.name}: a bridge domain, its BVI, and a tunnel to each other site",
                f"create bridge-domain {segment.number}",
                f"loopback create mac de:ad:00:00:{site:02x}:{segment.number:02x} instance {segment.number}",
                f"set interface l2 bridge {bvi} {segment.number} bvi",
                f"set interface ip table {bvi} {VRF}",
                f"set interface ip address {bvi} {segment.gateway(site)}/24",
                f"set interface state {bvi} up",
            ]
            for other in SITES:
                if other != site:
                    lines += [
                        f"create vxlan tunnel src {vtep_address(site)} dst {vtep_address(other)} vni {segment.vni}",
                        f"set interface l2 bridge vxlan_tunnel{tunnel} {segment.number} 1",
                    ]
                    tunnel += 1
        lines.append("# The hosts")
        for host in self.hosts:
            if host.site == site:
                lines += PORTS[host.kind](host)
        return "\n".join(lines) + "\n"


def vtep_address(site: int) -> str:
    return f"10.200.{site}.1"


def _ethernet(host: Host) -> list[str]:
    return [
        "create host-interface name eth",
        f"set interface l2 bridge host-eth {host.segment.number}",
        "set interface state host-eth up",
    ]


def _vlan(host: Host) -> list[str]:
    return [
        "create host-interface name trunk",
        "set interface state host-trunk up",
        f"create sub-interfaces host-trunk {VLAN}",
        f"set interface l2 bridge host-trunk.{VLAN} {host.segment.number}",
        f"set interface l2 tag-rewrite host-trunk.{VLAN} pop 1",
        f"set interface state host-trunk.{VLAN} up",
    ]


def _tap(host: Host) -> list[str]:
    return [
        f"create tap id 0 host-ns {host.namespace} host-if-name eth0 host-ip4-addr {host.address}/24"
        f" host-ip4-gw {host.gateway}",
        f"set interface l2 bridge tap0 {host.segment.number}",
        "set interface state tap0 up",
    ]


PORTS = {"eth": _ethernet, "vlan": _vlan, "tap": _tap}


def cable(one: str, port: str, other: str, far_port: str, mtu: int = 1500) -> None:
    """A veth pair between two namespaces, up."""
    with NetNS(one) as here, NetNS(other) as there:
        here.link("add", ifname=port, kind="veth", mtu=mtu, peer={"ifname": far_port, "net_ns_fd": other, "mtu": mtu})
        here.link("set", index=index_of(here, port), state="up")
        there.link("set", index=index_of(there, far_port), state="up")


def configure_host(host: Host) -> None:
    with NetNS(host.namespace) as inside:
        configure(inside, host.address, host.gateway)
