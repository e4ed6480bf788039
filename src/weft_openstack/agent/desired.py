"""What the forwarder should have, as the store's records say; nothing here asks or changes anything.

`asks` says what a single record asks for: things by their keys, many of which other records ask for as well. The
`ledger` puts together what all of them ask for.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

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
    """A bridge domain."""

    tag: str
    uu_flood: bool
    arp_term: bool
    mac_age: int


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
    shares: tuple[str, str] | None = None  #: an uplink, and the bridge domain that it has to be in


@dataclass(frozen=True)
class Tunnelled:
    """A network whose ports on other hosts are to be reached by tunnels."""

    bridge: str
    vni: int
    mtu: int


@dataclass
class Desired:
    """All of it. Each field is a kind of thing, and what is wanted of that kind by name."""

    bridges: dict[str, WantedBridge] = field(default_factory=dict)
    interfaces: dict[str, Wanted] = field(default_factory=dict)
    macs: dict[tuple[str, str], str] = field(default_factory=dict)  #: bridge domain, MAC -> behind which interface
    neighbors: dict[tuple[str, str], str] = field(default_factory=dict)  #: bridge domain, address -> MAC
    ports: dict[str, Wish] = field(default_factory=dict)
    keep: dict[str, bool] = field(default_factory=dict)  #: tags of what stays, as nobody can read what it should be
    notes: dict[str, str] = field(default_factory=dict)  #: key -> what is wrong with a shared object
    hosts: dict[str, bool] = field(default_factory=dict)  #: others that ports of our networks are on
    networks: dict[tuple[str, str], Tunnelled] = field(default_factory=dict)  #: by network and bridge domain
    users: dict[str, set[str]] = field(default_factory=dict)  #: what ports stand on -> these ports; no kind of thing


Key = tuple[str, Any]  #: a field of Desired, and a name there
Asks = dict[Key, Any]  #: what is to be there


class Impossible(Exception):
    """A port cannot be; says why."""


def asks(facts: HostFacts, port: str, item: Item) -> Asks:
    """What a port's record asks for."""
    ref = tags.port(port)
    try:
        record = records.read(records.Port, item)
        what, needs = _what(facts, record.attachment)
        bridge, shared, below = _SEGMENTS[record.segment.type](facts, record)
    except records.Malformed as error:
        return {("keep", ref): True, ("ports", port): Wish(item.modified, ref, problem=str(error))}
    except Impossible as error:
        return {("ports", port): Wish(item.modified, ref, problem=str(error))}
    shared["interfaces", ref] = Wanted(
        ref, what, bridge=bridge, pops=isinstance(what, Vlan), up=record.admin_up, mtu=record.mtu
    )
    if record.segment.type == "vxlan" and record.active:
        # Unknown addresses are not flooded there, and it may be long before the port says something by itself.
        shared["macs", (bridge, record.mac)] = ref
    shares = (below[0], bridge) if record.segment.type == "flat" else None
    stands = tuple(dict.fromkeys((ref, bridge, *needs, *below)))  # a record may name itself as its parent
    shared["ports", port] = Wish(item.modified, ref, stands, record.admin_up, shares=shares)
    return shared


def _what(facts: HostFacts, attachment: records.Attachment) -> tuple[What, tuple[str, ...]]:
    match attachment:
        case records.VhostUser(socket):
            if os.path.dirname(socket) != facts.vhost_user_dir or socket != os.path.normpath(socket):
                raise Impossible(f"the socket {socket} is not in {facts.vhost_user_dir}")
            return Vhost(socket), ()
        case records.HostInterface(device):
            if not TAP.match(device):
                raise Impossible(f"the device {device} is none that a port can have (tap and 11 characters)")
            return Host(device), ()
        case records.SubPort(parent, vlan):
            return Vlan(tags.port(parent), vlan), (tags.port(parent),)


def _uplink(facts: HostFacts, record: records.Port) -> str:
    """The uplink of a port's physical network."""
    physnet = record.segment.physnet
    assert physnet is not None
    if physnet not in facts.physnets:
        known = ", ".join(sorted(facts.physnets)) or "none"
        raise Impossible(f"the physical network {physnet} is not configured on this host; configured: {known}")
    return facts.physnets[physnet]


#: The bridge domain of a network, what all ports there ask for, and on which interfaces they stand.
Shared = tuple[str, Asks, tuple[str, ...]]


def _flat(facts: HostFacts, record: records.Port) -> Shared:
    uplink, bridge = _uplink(facts, record), tags.bridge(record.segment.id)
    asked = _flooding(facts, bridge) | {("interfaces", uplink): Wanted(uplink, Existing(uplink), bridge=bridge)}
    return bridge, asked, (uplink,)


def _vlan(facts: HostFacts, record: records.Port) -> Shared:
    uplink, bridge, ref = _uplink(facts, record), tags.bridge(record.segment.id), tags.uplink(record.segment.id)
    assert record.segment.number is not None
    asked = _flooding(facts, bridge)
    asked["interfaces", uplink] = Wanted(uplink, Existing(uplink))
    what = Vlan(uplink, record.segment.number)
    asked["interfaces", ref] = Wanted(ref, what, bridge=bridge, pops=True, mtu=record.mtu)
    return bridge, asked, (ref, uplink)


def _flooding(facts: HostFacts, tag: str) -> Asks:
    return {("bridges", tag): WantedBridge(tag, uu_flood=True, arp_term=False, mac_age=facts.mac_age)}


def _vxlan(facts: HostFacts, record: records.Port) -> Shared:
    """What is behind tunnels is for the locations of the network's ports to ask."""
    tag, vni = tags.bridge(record.segment.id), record.segment.number
    assert vni is not None
    if facts.tunnel_address is None:
        raise Impossible("this host has no address for tunnels (tunnel_address)")
    asked: Asks = {
        ("bridges", tag): WantedBridge(tag, uu_flood=False, arp_term=True, mac_age=facts.mac_age),
        ("networks", (record.network, tag)): Tunnelled(tag, vni, record.mtu),
    }
    return tag, asked, ()


_SEGMENTS: dict[str, Callable[[HostFacts, records.Port], Shared]] = {"flat": _flat, "vlan": _vlan, "vxlan": _vxlan}


def asks_of_location(facts: HostFacts, key: str, item: Item, network: Tunnelled, endpoints: Mapping[str, Item]) -> Asks:
    """What the location of a port asks for on a host that has ports on its network: a tunnel to there."""
    source, asked, tag = facts.tunnel_address, Asks(), network.bridge
    assert source is not None
    try:
        location = records.read(records.Location, item)
        for address in location.ips:
            asked["neighbors", (tag, _canonical(address))] = location.mac
        if location.host == facts.name:
            return asked
        asked["hosts", location.host] = True
        key = keys.endpoint(location.host)
        if location.host not in endpoints:
            return asked | {("notes", key): f"{location.host} has not said where its tunnels end"}
        there = records.read(records.Endpoint, endpoints[location.host]).address
    except records.Malformed as error:
        return asked | {("notes", key): str(error)}
    if there == source:
        return asked | {("notes", key): f"{location.host} says that its tunnels end here ({there})"}
    ref, what = tags.tunnel(network.vni, there), Tunnel(source, there, network.vni)
    asked["interfaces", ref] = Wanted(ref, what, bridge=tag, group=TUNNELS, mtu=network.mtu)
    asked["macs", (tag, location.mac)] = ref
    return asked


@functools.lru_cache(maxsize=1 << 14)
def _canonical(address: str) -> str:
    """An address as the forwarder's dumps write it."""
    return str(ipaddress.ip_address(address))
