"""What a known neighbor means for forwarding: its adjacency is complete, and it has a host route on its subnet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.model import model
from weft.features.ethernet.model import IP4, IP6, rewrite
from weft.features.fib.model import Adjacencies, Record
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip.model import ip_of
from weft.features.neighbor.neighbors import Neighbor, Neighbors

if TYPE_CHECKING:
    from weft.core.engine import Engine

ETHERTYPES = {"ip4": IP4, "ip6": IP6}


@model
class NeighborAdjacencies:
    """Keeps adjacencies as the neighbors are."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._neighbors, self._adjacencies = engine[Neighbors], engine[Adjacencies]
        self._adjacencies.watch_created(self._created)
        self._neighbors.watch(self._neighbor_changed)
        engine[Interfaces].watch("mac", self._mac_changed)

    def _created(self, record: Record) -> None:
        """Somebody wants to forward to a next hop, which may be known already."""
        neighbor = self._neighbors.find(record.interface, record.next_hop)
        if neighbor is not None:
            self._complete(neighbor)

    def _neighbor_changed(self, event: str, neighbor: Neighbor) -> None:
        if event != "removed":
            self._complete(neighbor)
            self._set_route(neighbor, neighbor.fib_entry)
            return
        self._set_route(neighbor, False)
        for record in self._adjacencies.to(neighbor.interface, neighbor.address):
            self._adjacencies.set_rewrite(record.index, None)

    def _set_route(self, neighbor: Neighbor, wanted: bool) -> None:
        """Whether the neighbor has a host route, which is heeded as far as the subnet around it is on the interface."""
        ip = ip_of(self._engine, neighbor.address.version)
        (ip.add_neighbor if wanted else ip.remove_neighbor)(neighbor.interface, neighbor.address)

    def _mac_changed(self, interface: Interface) -> None:
        for neighbor in self._neighbors.of(interface):
            self._complete(neighbor)

    def _complete(self, neighbor: Neighbor) -> None:
        """Give the neighbor's adjacencies, if there are some, their headers."""
        for record in self._adjacencies.to(neighbor.interface, neighbor.address):
            header = rewrite(neighbor.interface, neighbor.mac, ETHERTYPES[record.family])
            self._adjacencies.set_rewrite(record.index, header)
