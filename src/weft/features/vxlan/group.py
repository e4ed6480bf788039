"""The ways to groups: by an interface, to the MAC address of the group. Tunnels to the same group share one."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, TypeAlias

from weft.core.memory import atomic_store
from weft.features.ethernet.model import IP4, IP6, rewrite
from weft.features.fib.dpo import Objects
from weft.features.fib.model import Adjacencies, Record
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip.groups import group_mac
from weft.features.ip.model import ip_of
from weft.features.vxlan.layout import WAY, Tunnel

if TYPE_CHECKING:
    from weft.core.engine import Engine

Address: TypeAlias = IPv4Address | IPv6Address
ETHERTYPES = {4: IP4, 6: IP6}


@dataclass
class Way:
    """How a group is reached by an interface."""

    interface: Interface
    group: Address
    adjacency: int
    rows: list[int] = field(default_factory=list)  #: the tunnels' addresses


class GroupWays:
    """All of them. A group that is sent to is heard, too."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._adjacencies, self._objects = engine[Adjacencies], engine[Objects]
        self._by_group: dict[tuple[int, Address], Way] = {}
        self._adjacencies.watch_changed(self._changed)
        engine[Interfaces].watch("mac", self._mac_changed)
        engine[Interfaces].watch("removed", self._removed)

    def join(self, interface: Interface, group: Address, row: Tunnel) -> None:
        """Let a tunnel send to a group, and hear what is sent to it. Raises Invalid."""
        way = self._by_group.get((interface.sw_if_index, group))
        if way is None:
            ip_of(self._engine, group.version).groups.join(interface, group)
            index = self._adjacencies.neighbor(interface, f"ip{group.version}", group)
            self._adjacencies.lock(index)
            way = self._by_group[interface.sw_if_index, group] = Way(interface, group, index)
            self._set_header(way)
        way.rows.append(row.address)
        self._publish(way)

    def leave(self, interface: Interface, group: Address, row: Tunnel) -> None:
        """A tunnel needs a group no longer."""
        way = self._by_group.get((interface.sw_if_index, group))
        if way is None or row.address not in way.rows:
            return  # it went with its interface
        way.rows.remove(row.address)
        if not way.rows:
            self._drop(way)

    def _drop(self, way: Way) -> None:
        del self._by_group[way.interface.sw_if_index, way.group]
        ip_of(self._engine, way.group.version).groups.leave(way.interface, way.group)
        self._adjacencies.unlock(way.adjacency)

    def _set_header(self, way: Way) -> None:
        if way.interface.device.ethernet:
            header = rewrite(way.interface, group_mac(way.group), ETHERTYPES[way.group.version])
            self._adjacencies.set_rewrite(way.adjacency, header)

    def _publish(self, way: Way) -> None:
        word = self._objects.word(f"ip{way.group.version}", self._objects.adjacent(way.adjacency))
        for address in way.rows:
            atomic_store(address + WAY, word)

    def _changed(self, record: Record) -> None:
        for way in self._by_group.values():
            if way.adjacency == record.index:
                self._publish(way)

    def _mac_changed(self, interface: Interface) -> None:
        for way in self._by_group.values():
            if way.interface is interface:
                self._set_header(way)

    def _removed(self, interface: Interface) -> None:
        """Nobody reaches the groups any more that were reached by it; ``Adjacencies`` has said so to ``_changed``."""
        for way in [way for way in self._by_group.values() if way.interface is interface]:
            self._drop(way)
