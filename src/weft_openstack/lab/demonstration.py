"""What the lab shows: networks of three kinds, a router, virtual machines that reach all they should."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from weft.lab.machine import Console
from weft_openstack.lab import guest as guests
from weft_openstack.lab.cloud import Cloud
from weft_openstack.lab.guest import Guest
from weft_openstack.lab.process import NotReady, wait_for


@dataclass(frozen=True)
class Place:
    """A virtual machine: on which network, on which host. DHCP, router and metadata are on the first."""

    name: str
    network: str
    host: int


NETWORKS = {"vlan": "10.1.0.0/24", "flat": "10.2.0.0/24", "vxlan": "10.3.0.0/24"}
PLACES = (Place("vm1", "vlan", 1), Place("vm2", "vlan", 2), Place("vm3", "flat", 2), Place("vm4", "vxlan", 2))


ROUTED_WITHIN = 60.0  #: seconds; ports may be ACTIVE before Neutron's L3 agent has configured all of a router


def demonstrate(cloud: Cloud, tell: Callable[[str], None]) -> list[Guest]:
    """Make it all and try it. Raises NotReady where something does not work."""
    networks = make_networks(cloud, tell)
    made = boot(cloud, networks, PLACES, tell)
    with ExitStack() as stack:
        consoles = {guest.name: stack.enter_context(guest.console(cloud.folder)) for guest in made}
        cloud.say("The virtual machines boot, and get their addresses by DHCP")
        for guest in made:
            guests.boot(consoles[guest.name])
            address = guests.lease(consoles[guest.name])
            _expect(address == guest.address, f"{guest.name}: {address or 'no address'}, as Neutron says", tell)
        cloud.say("Pings: the gateways, and each other, on the network and across the router")
        for guest in made:
            ping_all(guest, consoles[guest.name], made, tell)
        cloud.say("The metadata address")
        for guest in made:
            said = guests.fetch(consoles[guest.name], "/latest/meta-data/instance-id")
            _expect(said == guest.instance, f"{guest.name}: it is instance {said}", tell)
    cloud.say("weft-status")
    return made


def make_networks(cloud: Cloud, tell: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """The networks and a router between them."""
    cloud.say("Networks, and a router between them")
    networks = {kind: cloud.network(kind, kind, cidr) for kind, cidr in NETWORKS.items()}
    for kind, network in networks.items():
        number = network.get("provider:segmentation_id")
        tell(f"{kind}{f' {number}' if number else ''}: {network['subnet']['cidr']}, MTU {network['mtu']}")
    cloud.router("router", list(networks.values()))
    return networks


def boot(
    cloud: Cloud, networks: dict[str, dict[str, Any]], places: tuple[Place, ...], tell: Callable[[str], None]
) -> list[Guest]:
    """Ports and QEMUs, as Nova would make them; the ports forward then."""
    cloud.say("Virtual machines: a port with the host's name, QEMU on the socket of its binding")
    made = [cloud.guest(place.name, networks[place.network], cloud.hosts[place.host - 1]) for place in places]
    for guest in made:
        cloud.active(guest.port)
        tell(f"{guest.name} on {guest.node}: {guest.network} network, port {guest.port} is ACTIVE")
    for port in cloud.neutron.list("port"):
        cloud.active(port["id"])
    tell("the ports of DHCP and of the router are ACTIVE")
    return made


def ping_all(guest: Guest, console: Console, others: list[Guest], tell: Callable[[str], None]) -> None:
    """Its gateway and all others."""
    way = f"{guest.name} → gateway {guest.gateway}"
    wait_for(lambda: console.ping(guest.gateway), ROUTED_WITHIN, way)
    tell(way)
    for other in others:
        if other != guest:
            way = "on its network" if other.network == guest.network else "across the router"
            _expect(console.ping(other.address), f"{guest.name} → {other.name} {other.address}, {way}", tell)


def _expect(true: bool, what: str, tell: Callable[[str], None]) -> None:
    if not true:
        raise NotReady(f"this did not work: {what}")
    tell(what)
