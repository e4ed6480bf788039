"""IPv4 on interfaces: which table, which addresses, and the routes that come with them."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import TYPE_CHECKING

from weft.core import arena
from weft.core.graph import MAX_INTERFACES
from weft.core.model import Invalid
from weft.core.view import View, u32
from weft.features.fib.path import Path, PathKind, via
from weft.features.fib.source import Source
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip4.arcs import NOT_ENABLED, RECEIVING
from weft.features.ip4.table import Table
from weft.features.ip4.tables import Tables

if TYPE_CHECKING:
    from weft.core.engine import Engine

#: What an address needs around it: prefixes that long have a subnet's and a broadcast address of their own.
LONGEST_SUBNET = 30
POINT_TO_POINT = 31  #: RFC 3021


class Ip4Interface(View):
    """An interface as IPv4's packet code sees it."""

    fib_index: u32
    ip: u32  # its first, as a number; 0: none


interfaces4 = arena.table("ip4-interfaces", Ip4Interface, MAX_INTERFACES)

AddressWatcher = Callable[[Interface, IPv4Interface], None]


class Addresses:
    """Tables and addresses of interfaces."""

    EVENTS = ("address-added", "address-removed")

    def __init__(self, engine: Engine, tables: Tables) -> None:
        self._engine, self._tables = engine, tables
        self._interfaces = engine[Interfaces]
        self._addresses: dict[int, list[IPv4Interface]] = {}
        self._table: dict[int, Table] = {}
        self._enabled: dict[int, int] = {}
        self._neighbors: dict[int, set[int]] = {}
        self._watchers: dict[str, list[AddressWatcher]] = {event: [] for event in self.EVENTS}
        self._interfaces.watch("added", self._added)
        self._interfaces.watch("removed", self._removed)
        self._interfaces.watch("admin", self._admin_changed)
        for interface in self._interfaces:
            self._added(interface)

    def by_index(self, sw_if_index: int) -> Interface | None:
        """The interface of this number."""
        return self._interfaces.by_index.get(sw_if_index)

    def watch(self, event: str, action: AddressWatcher) -> None:
        """Let ``action`` be called with an interface and the address that it has got or lost."""
        self._watchers[event].append(action)

    def _tell(self, event: str, interface: Interface, address: IPv4Interface) -> None:
        for action in self._watchers[event]:
            action(interface, address)

    # --- tables

    def table_of(self, interface: Interface) -> Table:
        """The table that packets of an interface are looked up in."""
        return self._table.get(interface.sw_if_index) or self._tables[0]

    def set_table(self, interface: Interface, table_id: int) -> None:
        """Look packets of an interface up in a table from now on. Raises Invalid while it has addresses."""
        table = self._tables[table_id]
        if self.addresses(interface):
            raise Invalid(f"IP addresses are still present on {interface.name}", "ADDRESS_FOUND_FOR_INTERFACE")
        self._bind(interface, table)

    def _bind(self, interface: Interface, table: Table) -> None:
        old = self._table.pop(interface.sw_if_index, None)
        known = self._neighbors.get(interface.sw_if_index, set())
        for address in known:
            (old or self._tables[0]).unsay(address, 32, Source.ADJACENCY)
        if old is not None:
            old.locks[Source.INTERFACE] -= 1
            if not old.locks[Source.INTERFACE]:
                del old.locks[Source.INTERFACE]
        if table.table_id:
            self._table[interface.sw_if_index] = table
            table.locks[Source.INTERFACE] = table.locks.get(Source.INTERFACE, 0) + 1
        interfaces4[interface.sw_if_index].fib_index = table.fib_index
        for address in known:
            self._enter_neighbor(interface, address)

    # --- addresses

    def addresses(self, interface: Interface) -> list[IPv4Interface]:
        """In the order in which they were added."""
        return list(self._addresses.get(interface.sw_if_index, []))

    def add_address(self, interface: Interface, address: IPv4Interface) -> None:
        """Give an interface an address, with the routes of its subnet. Raises Invalid."""
        self._check(interface, address)
        self._addresses.setdefault(interface.sw_if_index, []).append(address)
        self._publish(interface)
        self.enable(interface)
        self._add_routes(interface, address)
        self._tell("address-added", interface, address)

    def remove_address(self, interface: Interface, address: IPv4Interface) -> None:
        """Take an address from an interface. Raises Invalid if it has not got it."""
        own = self._addresses.get(interface.sw_if_index, [])
        if address not in own:
            raise Invalid(f"{address} not found for interface {interface.name}", "ADDRESS_NOT_FOUND_FOR_INTERFACE")
        own.remove(address)
        self._publish(interface)
        self._remove_routes(interface, address, own)
        self.disable(interface)
        self._tell("address-removed", interface, address)

    def remove_all(self, interface: Interface) -> None:
        """Take all addresses from an interface."""
        for address in self.addresses(interface):
            self.remove_address(interface, address)

    def _check(self, interface: Interface, address: IPv4Interface) -> None:
        if interface.sw_if_index == 0:
            raise Invalid("local0 interface doesn't support IP addressing")
        if address.ip.is_multicast or int(address.ip) == 0 or int(address.ip) >= 0xF0000000:
            raise Invalid(f"{address.ip} is no host's address", "INVALID_ADDRESS")
        table = self.table_of(interface)
        for sw_if_index, others in self._addresses.items():
            other = self._interfaces[sw_if_index]
            if self.table_of(other) is not table:
                continue
            for each in others:
                # An interface may have several addresses of one subnet.
                same = other is interface and each.network.prefixlen == address.network.prefixlen
                if address.network.overlaps(each.network) and not (same and each.ip != address.ip):
                    raise Invalid(
                        f"failed to add {address} on {interface.name} "
                        f"which conflicts with {each} for interface {other.name}",
                        "ADDRESS_IN_USE",
                    )

    def _publish(self, interface: Interface) -> None:
        own = self._addresses.get(interface.sw_if_index, [])
        interfaces4[interface.sw_if_index].ip = int(own[0].ip) if own else 0

    # --- the routes of addresses

    def _add_routes(self, interface: Interface, address: IPv4Interface) -> None:
        table, subnet, index = self.table_of(interface), address.network, interface.sw_if_index
        if subnet.prefixlen < 32:
            connected = Path(PathKind.CONNECTED, sw_if_index=index, subnet=subnet)
            self._say(table, subnet, connected)
        if subnet.prefixlen <= LONGEST_SUBNET:
            for special in (subnet.network_address, subnet.broadcast_address):
                if not self._is_own(interface, special):
                    self._say(table, IPv4Network(special), Path(PathKind.DROP))
        elif subnet.prefixlen == POINT_TO_POINT:
            peer = IPv4Address(int(address.ip) ^ 1)
            if not self._is_own(interface, peer):
                self._say(table, IPv4Network(peer), via(peer, interface))
        self._say(table, IPv4Network(address.ip), Path(PathKind.RECEIVE, address.ip, index))
        table.settle()

    def _is_own(self, interface: Interface, address: IPv4Address) -> bool:
        return any(own.ip == address for own in self._addresses.get(interface.sw_if_index, []))

    def _remove_routes(self, interface: Interface, address: IPv4Interface, others: list[IPv4Interface]) -> None:
        """Take back an address's routes, but those that other addresses of the interface want."""
        table, subnet = self.table_of(interface), address.network
        self._unsay(table, IPv4Network(address.ip))
        if all(own.network != subnet for own in others):
            gone = [subnet]
            if subnet.prefixlen <= LONGEST_SUBNET:
                gone += [IPv4Network(subnet.network_address), IPv4Network(subnet.broadcast_address)]
            elif subnet.prefixlen == POINT_TO_POINT:
                gone.append(IPv4Network(int(address.ip) ^ 1))
            for each in gone:
                self._unsay(table, each)
        elif subnet.prefixlen == POINT_TO_POINT:
            self._say(table, IPv4Network(address.ip), via(address.ip, interface))
        elif address.ip in (subnet.network_address, subnet.broadcast_address):
            self._say(table, IPv4Network(address.ip), Path(PathKind.DROP))
        table.settle()

    def _say(self, table: Table, prefix: IPv4Network, path: Path) -> None:
        table.say(int(prefix.network_address), prefix.prefixlen, Source.INTERFACE, (path,))

    def _unsay(self, table: Table, prefix: IPv4Network) -> None:
        table.unsay(int(prefix.network_address), prefix.prefixlen, Source.INTERFACE)

    # --- neighbors

    def add_neighbor(self, interface: Interface, address: IPv4Address) -> None:
        """A neighbor is known: its own route by its adjacency, as far as the subnet around it is on that interface."""
        known = self._neighbors.setdefault(interface.sw_if_index, set())
        if int(address) not in known:
            known.add(int(address))
            self._enter_neighbor(interface, int(address))

    def _enter_neighbor(self, interface: Interface, address: int) -> None:
        self.table_of(interface).say(address, 32, Source.ADJACENCY, (via(IPv4Address(address), interface),))

    def remove_neighbor(self, interface: Interface, address: IPv4Address) -> None:
        """A neighbor is not known any more."""
        known = self._neighbors.get(interface.sw_if_index, set())
        if int(address) in known:
            known.discard(int(address))
            table = self.table_of(interface)
            table.unsay(int(address), 32, Source.ADJACENCY)
            table.settle()

    # --- enabling

    def enable(self, interface: Interface) -> None:
        """Let an interface take IPv4 packets; each ``enable`` needs a ``disable``."""
        count = self._enabled[interface.sw_if_index] = self._enabled.get(interface.sw_if_index, 0) + 1
        if count == 1:
            self._refuse(interface, False)

    def disable(self, interface: Interface) -> None:
        count = self._enabled[interface.sw_if_index] = self._enabled.get(interface.sw_if_index, 0) - 1
        if count == 0:
            self._refuse(interface, True)

    def is_enabled(self, interface: Interface) -> bool:
        return self._enabled.get(interface.sw_if_index, 0) > 0

    def _refuse(self, interface: Interface, on: bool) -> None:
        for arc in RECEIVING:
            self._engine.graph.enable(arc, NOT_ENABLED, interface.sw_if_index, on)

    # --- interfaces

    def _added(self, interface: Interface) -> None:
        row = interfaces4[interface.sw_if_index]
        row.fib_index = row.ip = 0
        self._enabled[interface.sw_if_index] = 0
        self._refuse(interface, True)

    def _removed(self, interface: Interface) -> None:
        self.remove_all(interface)
        for address in list(self._neighbors.get(interface.sw_if_index, ())):
            self.remove_neighbor(interface, IPv4Address(address))
        self._bind(interface, self._tables[0])
        self._neighbors.pop(interface.sw_if_index, None)

    def _admin_changed(self, interface: Interface) -> None:
        """An interface that goes down loses the routes of its addresses, and gets them again when it comes up."""
        for address in self.addresses(interface):
            if interface.admin_up:
                self._add_routes(interface, address)
            else:
                self._remove_routes(interface, address, [])
