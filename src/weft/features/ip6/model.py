"""IPv6 as other features use it: ``engine[Ip6]``, the header, checksums, lookups, who takes which protocol."""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, IPv6Interface, IPv6Network
from typing import TYPE_CHECKING

from weft.core.model import Invalid, model
from weft.features.ethernet.model import IP6, register_input
from weft.features.fib.path import Path, PathKind
from weft.features.fib.source import Source
from weft.features.interface.model import Interface
from weft.features.ip.family import Address, Family
from weft.features.ip.model import Ip, models
from weft.features.ip.table import Table
from weft.features.ip6 import arcs
from weft.features.ip6.batch import Trie6
from weft.features.ip6.checksum import is_layer4_good, layer4_sum
from weft.features.ip6.flow_hash import flow_hashes
from weft.features.ip6.groups import Groups6
from weft.features.ip6.header import Ip6Address, Ip6Header
from weft.features.ip6.interfaces import LINK_LOCAL, Addresses6, LinkWatcher, from_mac
from weft.features.ip6.own import interfaces6, is_on_link, is_own, source_address
from weft.features.ip6.protocols import Protocols6, protocol_nodes6, register_protocol6
from weft.features.ip6.trie import lookup

if TYPE_CHECKING:
    from weft.core.engine import Engine

__all__ = [
    "LINK_LOCAL",
    "Ip6",
    "Ip6Address",
    "Ip6Header",
    "Protocols6",
    "arcs",
    "from_mac",
    "interfaces6",
    "is_layer4_good",
    "is_on_link",
    "is_own",
    "layer4_sum",
    "lookup",
    "protocol_nodes6",
    "register_protocol6",
    "source_address",
]

register_input(IP6, "ip6-input")

#: Every table has these, as VPP's do.
SPECIAL = (
    (0, 0, Source.DEFAULT_ROUTE, Path(PathKind.DROP)),
    (int(LINK_LOCAL.network_address), LINK_LOCAL.prefixlen, Source.SPECIAL, Path(PathKind.LINK_LOCAL)),
)
FAMILY = Family(
    "ip6",
    "ipv6",
    "IPv6",
    128,
    IPv6Address,
    IPv6Network,
    IPv6Interface,
    "2001:db8::/64",
    SPECIAL,
    Trie6,
    flow_hashes,
    socket.AF_INET6,
)


@model
class Ip6(Ip):
    """Tables, routes, and what interfaces have of IPv6."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, FAMILY, Addresses6)
        self.groups = Groups6(engine)
        assert isinstance(self._interfaces, Addresses6)
        self._links: Addresses6 = self._interfaces
        self._explicit: set[int] = set()

    # --- enabling without an address, as `enable ip6 interface` does

    def is_enabled_explicitly(self, interface: Interface) -> bool:
        return interface.sw_if_index in self._explicit

    def enable_interface(self, interface: Interface) -> None:
        """Let an interface have IPv6 whether or not it has addresses; saying so again changes nothing."""
        if interface.sw_if_index == 0:
            raise Invalid("local0 interface doesn't support IP addressing")
        if interface.sw_if_index not in self._explicit:
            self._explicit.add(interface.sw_if_index)
            self.enable(interface)

    def disable_interface(self, interface: Interface) -> None:
        """Let an interface have IPv6 only as long as it has addresses. Raises Invalid if it was not enabled."""
        if interface.sw_if_index not in self._explicit:
            raise Invalid(f"IPv6 is not enabled on {interface.name} by `enable ip6 interface'", "IP6_NOT_ENABLED")
        self._explicit.discard(interface.sw_if_index)
        self.disable(interface)

    # --- links

    def link_local(self, interface: Interface) -> IPv6Address | None:
        """An interface's link-local address; None: it has no IPv6."""
        return self._links.link_local(interface)

    def set_link_local(self, interface: Interface, address: IPv6Address) -> None:
        """Give an interface with IPv6 another link-local address. Raises Invalid."""
        self._links.set_link_local(interface, address)

    def all_addresses(self, interface: Interface) -> list[IPv6Interface]:
        """An interface's addresses, the link-local one first."""
        return self._links.all_addresses(interface)

    def link_table(self, interface: Interface) -> Table | None:
        """The table of an interface's link-local addresses."""
        return self._links.link_tables.get(interface.sw_if_index)

    def watch_links(self, action: LinkWatcher) -> None:
        """Let ``action`` be called when an interface has got another link-local address."""
        self._links.watch_links(action)

    def publish(self, interface: Interface) -> None:
        """Let packet code see an interface's addresses and MAC address as they are now."""
        self._links.publish(interface)

    def source_address(self, table_id: int, destination: Address) -> Address | None:
        """The address of ours that packets to a destination are to come from."""
        found = super().source_address(table_id, destination)
        if found is not None:
            return found
        path = self.tables[table_id].match(int(destination)).paths.way_out
        interface = self._interfaces.by_index(path.sw_if_index)
        return self.link_local(interface) if interface else None


models["ip6"] = Ip6
