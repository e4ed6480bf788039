"""Messages of neighbors."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.api import Client, Module, f64, u8, u32
from weft.core.api.ethernet_types import MacAddress
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.core.api.ip_types import Address, AddressFamily
from weft.core.model import model
from weft.features.fib.model import Adjacencies
from weft.features.interface.model import Interfaces
from weft.features.neighbor.model import Neighbor, Neighbors

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("ip_neighbor", "1.0.1", "Neighbors")


@api.enum("ip_neighbor_flags", u8)
class IpNeighborFlags(enum.IntFlag):
    """How a neighbor is kept."""

    IP_API_NEIGHBOR_FLAG_NONE = 0
    IP_API_NEIGHBOR_FLAG_STATIC = 1
    IP_API_NEIGHBOR_FLAG_NO_FIB_ENTRY = 2


@api.structure("ip_neighbor")
class IpNeighbor(Struct):
    """Who has which address on an interface."""

    sw_if_index: InterfaceIndex
    flags: IpNeighborFlags
    mac_address: MacAddress
    ip_address: Address


def _family(af: AddressFamily) -> str:
    return "ip6" if af == AddressFamily.ADDRESS_IP6 else "ip4"


def described(neighbor: Neighbor) -> IpNeighbor:
    """A neighbor as messages have it."""
    flags = IpNeighborFlags(
        neighbor.static * IpNeighborFlags.IP_API_NEIGHBOR_FLAG_STATIC
        | (not neighbor.fib_entry) * IpNeighborFlags.IP_API_NEIGHBOR_FLAG_NO_FIB_ENTRY
    )
    return IpNeighbor(neighbor.interface.sw_if_index, flags, neighbor.mac, neighbor.address)


# --- adding and listing


@api.reply("ip_neighbor_add_del_reply", 0x1992DEAB)
class IpNeighborAddDelReply(Struct):
    """The number of the neighbor's adjacency in the stats segment; ~0 while nothing is forwarded to it."""

    stats_index: u32 = 0xFFFFFFFF


@api.request("ip_neighbor_add_del", 0x0607C257, reply=IpNeighborAddDelReply)
def ip_neighbor_add_del(engine: Engine, is_add: bool, neighbor: IpNeighbor) -> IpNeighborAddDelReply:
    """Add a neighbor, or say something new of it, or delete it."""
    neighbors = engine[Neighbors]
    interface = engine[Interfaces][neighbor.sw_if_index]
    if not is_add:
        neighbors.remove(interface, neighbor.ip_address)
        return IpNeighborAddDelReply()
    added = neighbors.add(
        interface,
        neighbor.ip_address,
        neighbor.mac_address,
        static=bool(neighbor.flags & IpNeighborFlags.IP_API_NEIGHBOR_FLAG_STATIC),
        no_fib_entry=bool(neighbor.flags & IpNeighborFlags.IP_API_NEIGHBOR_FLAG_NO_FIB_ENTRY),
    )
    engine[Replacement].said(added)
    own = [each for each in engine[Adjacencies].to(interface, added.address) if each.family == added.family]
    return IpNeighborAddDelReply(own[0].index) if own else IpNeighborAddDelReply()


@api.details("ip_neighbor_details", 0xE29D79F0)
class IpNeighborDetails(Struct):
    """A neighbor. ``age``: seconds since it was last heard of."""

    age: f64
    neighbor: IpNeighbor


@api.dump("ip_neighbor_dump", 0xD817A484, details=IpNeighborDetails)
def ip_neighbor_dump(
    engine: Engine, *, sw_if_index: InterfaceIndex = NO_INTERFACE, af: AddressFamily
) -> Iterator[IpNeighborDetails]:
    """The neighbors of a family: those on an interface, or all."""
    for neighbor in _chosen(engine, sw_if_index, _family(af)):
        yield IpNeighborDetails(engine[Neighbors].age(neighbor), described(neighbor))


def _chosen(engine: Engine, sw_if_index: int, family: str) -> list[Neighbor]:
    neighbors = engine[Neighbors]
    if sw_if_index != NO_INTERFACE:
        return neighbors.of(engine[Interfaces][sw_if_index], family)
    return [neighbor for neighbor in neighbors if neighbor.family == family]


@api.request("ip_neighbor_flush", 0x16AA35D2)
def ip_neighbor_flush(engine: Engine, af: AddressFamily, sw_if_index: InterfaceIndex = NO_INTERFACE) -> None:
    """Delete the neighbors of a family: those on an interface, or all; static ones too."""
    for neighbor in _chosen(engine, sw_if_index, _family(af)):
        engine[Neighbors].discard(neighbor)


# --- limits


@api.request("ip_neighbor_config", 0xF4A5CF44)
def ip_neighbor_config(engine: Engine, af: AddressFamily, max_number: u32, max_age: u32, recycle: bool) -> None:
    """Limit a family's neighbors: how many (0: as many as fit), after how many seconds they are asked again (0:
    never), whether the oldest makes place for a new one.
    """
    engine[Neighbors].configure(_family(af), limit=max_number, age=max_age, recycle=recycle)


@api.reply("ip_neighbor_config_get_reply", 0x798E6FDD)
class IpNeighborConfigGetReply(Struct):
    """The limits."""

    af: AddressFamily = AddressFamily.ADDRESS_IP4
    max_number: u32 = 0
    max_age: u32 = 0
    recycle: bool = False


@api.request("ip_neighbor_config_get", 0xA5DB7BF7, reply=IpNeighborConfigGetReply, in_progress=None)
def ip_neighbor_config_get(engine: Engine, af: AddressFamily) -> IpNeighborConfigGetReply:
    """The limits of a family's neighbors."""
    config = engine[Neighbors].config[_family(af)]
    return IpNeighborConfigGetReply(af, config.limit, config.age, config.recycle)


# --- replacing


@model
class Replacement:
    """Neighbors that a client says anew: those that it has not said again are deleted at the end."""

    def __init__(self, engine: Engine) -> None:
        self._neighbors = engine[Neighbors]
        self._unsaid: set[Neighbor] = set()
        self._neighbors.watch(self._heard)

    def begin(self) -> None:
        """From now on, note who is said."""
        self._unsaid = set(self._neighbors)

    def said(self, neighbor: Neighbor) -> None:
        """A neighbor was said again."""
        self._unsaid.discard(neighbor)

    def _heard(self, event: str, neighbor: Neighbor) -> None:
        """It is gone, or was learned anew."""
        self._unsaid.discard(neighbor)

    def end(self) -> None:
        """Delete who was not."""
        gone, self._unsaid = self._unsaid, set()
        for neighbor in gone:
            self._neighbors.discard(neighbor)


@api.request("ip_neighbor_replace_begin", 0x51077D14)
def ip_neighbor_replace_begin(engine: Engine) -> None:
    """Say all neighbors anew from now on."""
    engine[Replacement].begin()


@api.request("ip_neighbor_replace_end", 0x51077D14)
def ip_neighbor_replace_end(engine: Engine) -> None:
    """Delete the neighbors that have not been said since ``ip_neighbor_replace_begin``."""
    engine[Replacement].end()


# --- events


@api.enum("ip_neighbor_event_flags")
class IpNeighborEventFlags(enum.IntFlag):
    """What became of a neighbor."""

    IP_NEIGHBOR_API_EVENT_FLAG_ADDED = 1
    IP_NEIGHBOR_API_EVENT_FLAG_REMOVED = 2


@api.event("ip_neighbor_event", 0xBDB092B2)
class IpNeighborEvent(Struct):
    """A neighbor has come, or changed."""

    pid: u32
    neighbor: IpNeighbor


@api.event("ip_neighbor_event_v2", 0xC1D53DC0)
class IpNeighborEventV2(Struct):
    """A neighbor has come, changed or gone."""

    pid: u32
    flags: IpNeighborEventFlags
    neighbor: IpNeighbor


class Watch(Struct, frozen=True):
    """Of whom a client wants to hear: an address (unspecified: any) on an interface (~0: any)."""

    client: Client
    address: Address
    sw_if_index: int
    version: int

    def covers(self, neighbor: Neighbor) -> bool:
        """Whether it wants to hear of a neighbor. Any address is one of the family of the unspecified address."""
        if self.sw_if_index not in (NO_INTERFACE, neighbor.interface.sw_if_index):
            return False
        if self.address.is_unspecified:
            return self.address.version == neighbor.address.version
        return self.address == neighbor.address


@model
class NeighborEvents:
    """Tells those who want it what becomes of neighbors."""

    def __init__(self, engine: Engine) -> None:
        self._watches: dict[Watch, int] = {}
        engine[Neighbors].watch(self._heard)

    def set(self, watch: Watch, pid: int, wanted: bool) -> None:
        """Let a client hear of somebody, or no longer."""
        if not wanted:
            self._watches.pop(watch, None)
            return
        if all(each.client is not watch.client for each in self._watches):
            watch.client.on_leave.append(self._leave)
        self._watches[watch] = pid

    def _leave(self, client: Client) -> None:
        self._watches = {watch: pid for watch, pid in self._watches.items() if watch.client is not client}

    def _heard(self, event: str, neighbor: Neighbor) -> None:
        concerned = [(watch, pid) for watch, pid in self._watches.items() if watch.covers(neighbor)]
        if not concerned:
            return
        wire = described(neighbor)
        for watch, pid in concerned:
            if watch.version == 2:
                watch.client.send(IpNeighborEventV2(pid, _FLAGS[event], wire))
            elif event != "removed":
                watch.client.send(IpNeighborEvent(pid, wire))


_FLAGS = {
    "added": IpNeighborEventFlags.IP_NEIGHBOR_API_EVENT_FLAG_ADDED,
    "changed": IpNeighborEventFlags.IP_NEIGHBOR_API_EVENT_FLAG_ADDED,
    "removed": IpNeighborEventFlags.IP_NEIGHBOR_API_EVENT_FLAG_REMOVED,
}


@api.request("want_ip_neighbor_events", 0x73E70A86, events=(IpNeighborEvent,), deprecated=None)
def want_ip_neighbor_events(
    engine: Engine, client: Client, enable: bool, pid: u32, ip: Address, sw_if_index: InterfaceIndex = NO_INTERFACE
) -> None:
    """Be told when neighbors come or change."""
    _want(engine, Watch(client, ip, sw_if_index, 1), pid, enable)


@api.request("want_ip_neighbor_events_v2", 0x73E70A86, events=(IpNeighborEventV2,))
def want_ip_neighbor_events_v2(
    engine: Engine, client: Client, enable: bool, pid: u32, ip: Address, sw_if_index: InterfaceIndex = NO_INTERFACE
) -> None:
    """Be told when neighbors come, change or go."""
    _want(engine, Watch(client, ip, sw_if_index, 2), pid, enable)


def _want(engine: Engine, watch: Watch, pid: int, wanted: bool) -> None:
    if watch.sw_if_index != NO_INTERFACE:
        engine[Interfaces][watch.sw_if_index]
    engine[NeighborEvents].set(watch, pid, wanted)
