"""What the forwarder should have, from the store's records. Nothing here asks or changes anything."""

from __future__ import annotations

import functools
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from weft_openstack.agent import tags
from weft_openstack.agent.actual import Existing, Host, Tunnel, Vhost, Vlan, What
from weft_openstack.store import keys, records
from weft_openstack.store.etcd import Item

TAP = re.compile(r"^tap[0-9a-f-]{11}$")  #: the only Linux devices that a record can make us take
TUNNELS = 1  #: split-horizon group: what came out of a tunnel goes into none


@dataclass(frozen=True)
class HostFacts:
    """What the operator says of this host."""

    name: str
    physnets: Mapping[str, str]  #: physical network -> the forwarder's interface
    vhost_user_dir: str
    tunnel_address: str | None = None
    mac_age: int = 5  #: minutes; 0: addresses do not age


@dataclass(frozen=True)
class WantedBridge:
    """A bridge domain. Static addresses: MAC -> the interface's tag; neighbors: address -> MAC."""

    tag: str
    uu_flood: bool
    arp_term: bool
    mac_age: int
    macs: dict[str, str] = field(default_factory=dict)
    neighbors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """An interface: one of ours by its tag, or somebody else's by its name."""

    ref: str
    what: What
    bridge: str | None = None
    group: int = 0
    pops: bool = False
    up: bool = True
    mtu: int = 0  #: the network's; 0: not known, so it stays as it is


@dataclass(frozen=True)
class Wish:
    """A port: the revision of its record, what it stands on, and why it cannot be, if so."""

    at: int
    ref: str
    needs: tuple[str, ...] = ()
    up: bool = True
    problem: str = ""


@dataclass
class Desired:
    """All of it."""

    bridges: dict[str, WantedBridge] = field(default_factory=dict)
    interfaces: dict[str, Wanted] = field(default_factory=dict)
    ports: dict[str, Wish] = field(default_factory=dict)
    keep: set[str] = field(default_factory=set)  #: tags of what is left as it is, as nobody can read what it should be
    notes: dict[str, str] = field(default_factory=dict)  #: key -> what is wrong with a shared object
    hosts: set[str] = field(default_factory=set)  #: others that ports of our networks are on


class Impossible(Exception):
    """A port cannot be; says why."""


@dataclass
class Builder:
    """Makes the desired state. `networks` are the locations of the networks that are watched, by port."""

    facts: HostFacts
    networks: Mapping[str, Mapping[str, Item]]
    endpoints: Mapping[str, Item]
    desired: Desired = field(default_factory=Desired)

    def build(self, ports: Mapping[str, Item]) -> Desired:
        """From the items below hosts/HOST/ports/."""
        good: dict[str, tuple[int, records.Port]] = {}
        for port, item in sorted(ports.items()):
            try:
                good[port] = (item.modified, records.read(records.Port, item))
            except records.Malformed as error:
                self.desired.keep.add(tags.port(port))
                self.desired.ports[port] = Wish(item.modified, tags.port(port), problem=str(error))
        for port, (at, record) in good.items():
            try:
                self.desired.ports[port] = self._port(port, at, record)
            except Impossible as error:
                self.desired.ports[port] = Wish(at, tags.port(port), problem=str(error))
        return self.desired

    def _port(self, port: str, at: int, record: records.Port) -> Wish:
        ref = tags.port(port)
        what, needs = self._what(record.attachment)
        bridge, below = _SEGMENTS[record.segment.type](self, record)
        self.desired.interfaces[ref] = Wanted(
            ref, what, bridge=bridge, pops=isinstance(what, Vlan), up=record.admin_up, mtu=record.mtu
        )
        if record.segment.type == "vxlan" and record.active:
            # Unknown addresses are not flooded there, and it may be long before the port says something by itself.
            self.desired.bridges[bridge].macs[record.mac] = ref
        return Wish(at, ref, (ref, bridge, *needs, *below), up=record.admin_up)

    def _what(self, attachment: records.Attachment) -> tuple[What, tuple[str, ...]]:
        match attachment:
            case records.VhostUser(socket):
                if os.path.dirname(socket) != self.facts.vhost_user_dir or socket != os.path.normpath(socket):
                    raise Impossible(f"the socket {socket} is not in {self.facts.vhost_user_dir}")
                return Vhost(socket), ()
            case records.HostInterface(device):
                if not TAP.match(device):
                    raise Impossible(f"the device {device} is none that a port can have (tap and 11 characters)")
                return Host(device), ()
            case records.SubPort(parent, vlan):
                return Vlan(tags.port(parent), vlan), (tags.port(parent),)

    def _uplink(self, record: records.Port) -> str:
        """The uplink of a port's physical network."""
        physnet = record.segment.physnet
        assert physnet is not None
        if physnet not in self.facts.physnets:
            known = ", ".join(sorted(self.facts.physnets)) or "none"
            raise Impossible(f"the physical network {physnet} is not configured on this host; configured: {known}")
        return self.facts.physnets[physnet]

    def _flat(self, record: records.Port) -> tuple[str, tuple[str, ...]]:
        uplink, bridge = self._uplink(record), tags.bridge(record.segment.id)
        self._bridge(bridge)
        known = self.desired.interfaces.get(uplink)
        if known and known.bridge not in (None, bridge):
            raise Impossible(f"the uplink {uplink} carries another flat network already")
        self.desired.interfaces[uplink] = Wanted(uplink, Existing(uplink), bridge=bridge)
        return bridge, (uplink,)

    def _vlan(self, record: records.Port) -> tuple[str, tuple[str, ...]]:
        uplink, bridge, ref = self._uplink(record), tags.bridge(record.segment.id), tags.uplink(record.segment.id)
        assert record.segment.number is not None
        self._bridge(bridge)
        self.desired.interfaces.setdefault(uplink, Wanted(uplink, Existing(uplink)))
        what = Vlan(uplink, record.segment.number)
        self.desired.interfaces[ref] = Wanted(ref, what, bridge=bridge, pops=True, mtu=record.mtu)
        return bridge, (ref, uplink)

    def _bridge(self, tag: str) -> None:
        if tag not in self.desired.bridges:
            self.desired.bridges[tag] = WantedBridge(tag, uu_flood=True, arp_term=False, mac_age=self.facts.mac_age)

    def _vxlan(self, record: records.Port) -> tuple[str, tuple[str, ...]]:
        """A tunnel to each host that has a port of the network, and where each of these ports is."""
        source, tag = self.facts.tunnel_address, tags.bridge(record.segment.id)
        if source is None:
            raise Impossible("this host has no address for tunnels (tunnel_address)")
        if tag not in self.desired.bridges:
            bridge = WantedBridge(tag, uu_flood=False, arp_term=True, mac_age=self.facts.mac_age)
            self.desired.bridges[tag] = bridge
            for path, item in self.networks.get(record.network, {}).items():
                self._location(bridge, source, record, path, item)
        return tag, ()

    def _location(self, bridge: WantedBridge, source: str, port: records.Port, path: str, item: Item) -> None:
        key, vni = keys.location(port.network, path), port.segment.number
        assert vni is not None
        try:
            location = records.read(records.Location, item)
            for address in location.ips:
                bridge.neighbors[_canonical(address)] = location.mac
            if location.host == self.facts.name:
                return
            self.desired.hosts.add(location.host)
            key = keys.endpoint(location.host)
            if location.host not in self.endpoints:
                self.desired.notes[key] = f"{location.host} has not said where its tunnels end"
                return
            there = records.read(records.Endpoint, self.endpoints[location.host]).address
            if there == source:
                self.desired.notes[key] = f"{location.host} says that its tunnels end here ({there})"
                return
        except records.Malformed as error:
            self.desired.notes[key] = str(error)
            return
        ref = tags.tunnel(vni, there)
        if ref not in self.desired.interfaces:
            what = Tunnel(source, there, vni)
            self.desired.interfaces[ref] = Wanted(ref, what, bridge=bridge.tag, group=TUNNELS, mtu=port.mtu)
        bridge.macs[location.mac] = ref


@functools.lru_cache(maxsize=1 << 14)
def _canonical(address: str) -> str:
    """An address as the forwarder's dumps write it."""
    return str(ipaddress.ip_address(address))


_SEGMENTS: dict[str, Callable[[Builder, records.Port], tuple[str, tuple[str, ...]]]] = {
    "flat": Builder._flat,
    "vlan": Builder._vlan,
    "vxlan": Builder._vxlan,
}
