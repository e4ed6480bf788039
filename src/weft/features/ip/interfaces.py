"""A family on interfaces: which table, which addresses, and the routes that come with them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from weft.core.model import Invalid
from weft.features.fib.path import Path, PathKind, via
from weft.features.fib.source import Source
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip.family import Address, IpInterface, Network
from weft.features.ip.table import Table
from weft.features.ip.tables import Tables
from weft.features.ip.unnumbered import Unnumbered

if TYPE_CHECKING:
    from weft.core.engine import Engine

AddressWatcher = Callable[[Interface, IpInterface], None]
EnableWatcher = Callable[[Interface, bool], None]


class Addresses(ABC):
    """Tables and addresses of interfaces."""

    EVENTS = ("address-added", "address-removed")

    @abstractmethod
    def publish(self, interface: Interface) -> None:
        """Let packet code see the interface's table and addresses as they are now."""

    @abstractmethod
    def refuse(self, interface: Interface, on: bool) -> None:
        """Take no packets of the family from an interface, or do."""

    @abstractmethod
    def check_host(self, address: Address) -> None:
        """Raises Invalid if no host can have this address."""

    def table_holding(self, interface: Interface, address: int) -> Table | None:
        """The table that has the route of a neighbor; None: there is none now."""
        return self.table_of(interface)

    def special_routes(self, interface: Interface, address: IpInterface) -> Iterator[tuple[Network, Path]]:
        """Routes that come with an address, beside those of its subnet and of itself."""
        return iter(())

    def __init__(self, engine: Engine, tables: Tables) -> None:
        self._engine, self._tables = engine, tables
        self._bits = tables.family.bits
        self._interfaces = engine[Interfaces]
        self._unnumbered = engine[Unnumbered]
        self._unnumbered.families.append(self)
        self._addresses: dict[int, list[IpInterface]] = {}
        self._table: dict[int, Table] = {}
        self._enabled: dict[int, int] = {}
        self._neighbors: dict[int, set[int]] = {}
        self._enable_watchers: list[EnableWatcher] = []
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

    def watch_enabled(self, action: EnableWatcher) -> None:
        """Let ``action`` be called when an interface begins to take packets of the family, or ceases to."""
        self._enable_watchers.append(action)

    def _tell(self, event: str, interface: Interface, address: IpInterface) -> None:
        for action in self._watchers[event]:
            action(interface, address)

    # --- tables

    def table_of(self, interface: Interface) -> Table:
        """The table that packets of an interface are looked up in."""
        return self._table.get(interface.sw_if_index) or self._tables[0]

    def set_table(self, interface: Interface, table_id: int) -> None:
        """Look packets of an interface up in a table from now on. Raises Invalid while it has addresses."""
        table = self._tables[table_id]
        self.check_table_change(interface)
        self._bind(interface, table)

    def check_table_change(self, interface: Interface) -> None:
        """Raises Invalid while an interface has addresses, which are in its table."""
        if self.addresses(interface):
            raise Invalid(f"IP addresses are still present on {interface.name}", "ADDRESS_FOUND_FOR_INTERFACE")

    def _bind(self, interface: Interface, table: Table) -> None:
        old = self._table.pop(interface.sw_if_index, None)
        known = self._neighbors.get(interface.sw_if_index, set())
        for address in known:
            (old or self._tables[0]).unsay(address, self._bits, Source.ADJACENCY)
        if old is not None:
            old.locks[Source.INTERFACE] -= 1
            if not old.locks[Source.INTERFACE]:
                del old.locks[Source.INTERFACE]
                self._tables.collect(old)
        if table.table_id:
            self._table[interface.sw_if_index] = table
            table.locks[Source.INTERFACE] = table.locks.get(Source.INTERFACE, 0) + 1
        self.publish(interface)
        for address in known:
            self._enter_neighbor(interface, address)

    # --- addresses

    def addresses(self, interface: Interface) -> list[IpInterface]:
        """In the order in which they were added."""
        return list(self._addresses.get(interface.sw_if_index, []))

    def used(self, interface: Interface) -> list[IpInterface]:
        """The addresses that an interface goes by: its own, or those that it borrows."""
        return self.addresses(self._unnumbered.whose(interface))

    def _users(self, interface: Interface) -> list[Interface]:
        """Who goes by an interface's addresses."""
        return [interface, *self._unnumbered.borrowers(interface)]

    def add_address(self, interface: Interface, address: IpInterface) -> None:
        """Give an interface an address, with the routes of its subnet. Raises Invalid."""
        self._check(interface, address)
        self._addresses.setdefault(interface.sw_if_index, []).append(address)
        for each in self._users(interface):
            self.publish(each)
        self.enable(interface)
        self._add_routes(interface, address)
        for each in self._users(interface):
            self._tell("address-added", each, address)

    def remove_address(self, interface: Interface, address: IpInterface) -> None:
        """Take an address from an interface. Raises Invalid if it has not got it."""
        own = self._addresses.get(interface.sw_if_index, [])
        if address not in own:
            raise Invalid(f"{address} not found for interface {interface.name}", "ADDRESS_NOT_FOUND_FOR_INTERFACE")
        own.remove(address)
        for each in self._users(interface):
            self.publish(each)
        self._remove_routes(interface, address, own)
        self.disable(interface)
        for each in self._users(interface):
            self._tell("address-removed", each, address)

    def remove_all(self, interface: Interface) -> None:
        """Take all addresses from an interface."""
        for address in self.addresses(interface):
            self.remove_address(interface, address)

    def _check(self, interface: Interface, address: IpInterface) -> None:
        if interface.sw_if_index == 0:
            raise Invalid("local0 interface doesn't support IP addressing")
        lender = self._unnumbered.whose(interface)
        if lender is not interface:
            raise Invalid(f"{interface.name} is unnumbered, it uses {lender.name}: give that the address")
        self.check_host(address.ip)
        table = self.table_of(interface)
        for sw_if_index, others in self._addresses.items():
            other = self._interfaces[sw_if_index]
            if self.table_of(other) is not table:
                continue
            for each in others:
                # An interface may have several addresses of one subnet.
                same = other is interface and each.network.prefixlen == address.network.prefixlen
                overlap = address.ip in each.network or each.ip in address.network
                if overlap and not (same and each.ip != address.ip):
                    raise Invalid(
                        f"failed to add {address} on {interface.name} "
                        f"which conflicts with {each} for interface {other.name}",
                        "ADDRESS_IN_USE",
                    )

    # --- addresses of another interface

    def borrowed(self, interface: Interface) -> None:
        """An interface goes by another's addresses from now on."""
        self.publish(interface)
        self.enable(interface)
        for address in self.used(interface):
            self._tell("address-added", interface, address)
        self.table_of(interface).review()

    def gave_back(self, interface: Interface, lender: Interface) -> None:
        """It does no longer."""
        self.publish(interface)
        self.disable(interface)
        for address in self.addresses(lender):
            self._tell("address-removed", interface, address)
        self.table_of(interface).review()

    # --- the routes of addresses

    def _add_routes(self, interface: Interface, address: IpInterface) -> None:
        table, subnet, index = self.table_of(interface), address.network, interface.sw_if_index
        if subnet.prefixlen < self._bits:
            self._say(table, subnet, Path(PathKind.CONNECTED, sw_if_index=index, subnet=subnet))
        for special, path in self.special_routes(interface, address):
            if not self._is_own(interface, special):
                self._say(table, special, path)
        self._say(table, self._host(address.ip), Path(PathKind.RECEIVE, address.ip, index))
        table.settle()

    def _host(self, address: Address) -> Network:
        found: Network = self._tables.family.network(address)
        return found

    def _is_own(self, interface: Interface, host: Network) -> bool:
        return any(own.ip == host.network_address for own in self._addresses.get(interface.sw_if_index, []))

    def _remove_routes(self, interface: Interface, address: IpInterface, others: list[IpInterface]) -> None:
        """Take back an address's routes, but those that other addresses of the interface want."""
        table, subnet, host = self.table_of(interface), address.network, self._host(address.ip)
        self._unsay(table, host)
        sharing = [own for own in others if own.network == subnet]
        if not sharing:
            for each in (subnet, *(special for special, _ in self.special_routes(interface, address))):
                self._unsay(table, each)
        for own in sharing:
            for special, path in self.special_routes(interface, own):
                if special == host:
                    self._say(table, special, path)
        table.settle()

    def _say(self, table: Table, prefix: Network, path: Path) -> None:
        table.say(int(prefix.network_address), prefix.prefixlen, Source.INTERFACE, (path,))

    def _unsay(self, table: Table, prefix: Network) -> None:
        table.unsay(int(prefix.network_address), prefix.prefixlen, Source.INTERFACE)

    # --- neighbors

    def add_neighbor(self, interface: Interface, address: Address) -> None:
        """A neighbor is known: its own route by its adjacency, as far as the subnet around it is on that interface."""
        known = self._neighbors.setdefault(interface.sw_if_index, set())
        if int(address) not in known:
            known.add(int(address))
            self._enter_neighbor(interface, int(address))

    def _enter_neighbor(self, interface: Interface, address: int) -> None:
        paths = (via(self._tables.family.address(address), interface),)
        table = self.table_holding(interface, address)
        if table is not None:
            table.say(address, self._bits, Source.ADJACENCY, paths)

    def remove_neighbor(self, interface: Interface, address: Address) -> None:
        """A neighbor is not known any more."""
        known = self._neighbors.get(interface.sw_if_index, set())
        if int(address) in known:
            known.discard(int(address))
            table = self.table_holding(interface, int(address))
            if table is not None:
                table.unsay(int(address), self._bits, Source.ADJACENCY)
                table.settle()

    # --- enabling

    def enable(self, interface: Interface) -> None:
        """Let an interface take packets of the family; each ``enable`` needs a ``disable``."""
        count = self._enabled[interface.sw_if_index] = self._enabled.get(interface.sw_if_index, 0) + 1
        if count == 1:
            self._turn(interface, True)

    def disable(self, interface: Interface) -> None:
        count = self._enabled[interface.sw_if_index] = self._enabled.get(interface.sw_if_index, 0) - 1
        if count == 0:
            self._turn(interface, False)

    def _turn(self, interface: Interface, on: bool) -> None:
        self.refuse(interface, not on)
        for action in self._enable_watchers:
            action(interface, on)

    def is_enabled(self, interface: Interface) -> bool:
        return self._enabled.get(interface.sw_if_index, 0) > 0

    # --- interfaces

    def _added(self, interface: Interface) -> None:
        self._enabled[interface.sw_if_index] = 0
        self.publish(interface)
        self.refuse(interface, True)

    def _removed(self, interface: Interface) -> None:
        self.remove_all(interface)
        for address in list(self._neighbors.get(interface.sw_if_index, ())):
            self.remove_neighbor(interface, self._tables.family.address(address))
        self._bind(interface, self._tables[0])
        self._neighbors.pop(interface.sw_if_index, None)
        self._addresses.pop(interface.sw_if_index, None)

    def _admin_changed(self, interface: Interface) -> None:
        """An interface that goes down loses the routes of its addresses, and gets them again when it comes up."""
        for address in self.addresses(interface):
            if interface.admin_up:
                self._add_routes(interface, address)
            else:
                self._remove_routes(interface, address, [])
