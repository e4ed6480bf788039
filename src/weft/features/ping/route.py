"""Which way a ping's requests go, and from which address."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.model import Invalid
from weft.features.interface.model import NONE, Interface, Interfaces
from weft.features.ip.family import Address
from weft.features.ip.model import ip_of
from weft.features.ip6.model import LINK_LOCAL, Ip6

if TYPE_CHECKING:
    from weft.core.engine import Engine


class Route(Struct, frozen=True):
    """A table to look in, the interface by which the first packet would leave, and the source address."""

    fib_index: int
    interface: Interface
    source: Address

    def send(self, engine: Engine, packet: bytes) -> None:
        """Let an IP packet of our own be routed, on the interface's link if the addresses mean nothing elsewhere."""
        node = f"ping{self.source.version}-output"
        index = self.interface.sw_if_index
        engine.workers.inject(packet, node, rx_sw_if_index=index, tx_sw_if_index=self.fib_index)


def route_to(engine: Engine, destination: Address, source: Interface | None, table_id: int | None) -> Route:
    """The way to a destination, from an interface's address and in its table, if ``source`` is given. Raises Invalid:
    there is no way, or no address.
    """
    if isinstance(destination, IPv6Address) and (destination in LINK_LOCAL or destination.is_multicast):
        return _on_link(engine, destination, source)
    ip = ip_of(engine, destination.version)
    if table_id is None:
        table_id = ip.table_of(source).table_id if source else 0
    table = ip.tables[table_id]
    sw_if_index = table.match(int(destination)).paths.way_out.sw_if_index
    if sw_if_index == NONE:
        raise Invalid(f"no egress interface to {destination}")
    egress = engine[Interfaces][sw_if_index]
    if source is None:
        address = ip.source_address(table_id, destination)
    else:
        own = ip.used_addresses(source)
        address = next((each.ip for each in own if destination in each.network), own[0].ip if own else None)
    if address is None:
        raise Invalid(f"no source address for egress interface {(source or egress).name}")
    return Route(table.fib_index, egress, address)


def _on_link(engine: Engine, destination: IPv6Address, source: Interface | None) -> Route:
    """The way to an address that means something on one link only."""
    if destination.is_multicast:
        raise Invalid(f"{destination} is a group, and cannot be pinged")
    if source is None:
        raise Invalid(f"{destination} means something on one link only: name its interface with `source'")
    own = engine[Ip6].link_local(source)
    if own is None:
        raise Invalid(f"no source address for egress interface {source.name}")
    return Route(0, source, own)
