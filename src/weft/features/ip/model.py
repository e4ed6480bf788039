"""What ``engine[Ip4]`` and ``engine[Ip6]`` can do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from weft.features.fib.dpo import Objects
from weft.features.fib.path import Path
from weft.features.fib.source import Source
from weft.features.interface.model import NONE, Interface, Interfaces
from weft.features.ip.entry import Entry
from weft.features.ip.family import Address, Family, IpInterface, Prefix
from weft.features.ip.groups import Groups
from weft.features.ip.interfaces import Addresses, AddressWatcher, EnableWatcher
from weft.features.ip.ply import pool
from weft.features.ip.table import Table
from weft.features.ip.tables import Route, Tables
from weft.features.ip.tracker import Tracker

if TYPE_CHECKING:
    from weft.core.engine import Engine


class Ip:
    """Tables, routes, and what interfaces have of a family. A subclass is the model of one."""

    groups: Groups

    def __init__(self, engine: Engine, family: Family, addresses: type[Addresses]) -> None:
        self._engine, self.family = engine, family
        self.tables = Tables(engine, family)
        self._interfaces = addresses(engine, self.tables)
        engine[Objects].table_names[family.name] = lambda fib_index: self.tables.by_index[fib_index].name
        engine[Interfaces].address_lines.append(self._address_lines)

    # --- routes

    def add_table(self, table_id: int, name: str = "", source: Source = Source.API) -> Table:
        """A table; the one that is there already, if it is."""
        return self.tables.add(table_id, name, source)

    def delete_table(self, table_id: int) -> None:
        """Delete a table and its routes. Raises Invalid while it is in use."""
        self.tables.delete(table_id)

    def add(
        self,
        table_id: int,
        prefix: Prefix,
        paths: Path | Sequence[Path],
        source: Source = Source.API,
        *,
        multipath: bool = False,
    ) -> Entry:
        """Forward a prefix by these paths instead of what ``source`` said before; ``multipath``: by these too."""
        return self.tables.set_route(table_id, prefix, paths, source, multipath=multipath)

    def remove(
        self, table_id: int, prefix: Prefix, paths: Path | Sequence[Path] | None = None, source: Source = Source.API
    ) -> None:
        """Take back what ``source`` said of a prefix, or these paths of it. Raises Invalid if it did not say so."""
        self.tables.unset_route(table_id, prefix, paths, source)

    def add_routes(self, table_id: int, routes: Iterable[Route], source: Source = Source.API) -> int:
        """Many at a time: (prefix, paths), or (prefix, next hop, interface). See ``Tables.add_routes``."""
        return self.tables.add_routes(table_id, routes, source)

    def remove_routes(self, table_id: int, prefixes: Iterable[Prefix], source: Source = Source.API) -> int:
        """Take back many at a time; how many there were."""
        return self.tables.remove_routes(table_id, prefixes, source)

    def track(self, table_id: int, address: Address, changed: Callable[[Tracker], None]) -> Tracker:
        """Go by an address of a table: see ``Tracker``. Raises Invalid."""
        return Tracker(self._engine, self.tables, table_id, address, changed)

    # --- interfaces

    def table_of(self, interface: Interface) -> Table:
        """The table that packets of an interface are looked up in."""
        return self._interfaces.table_of(interface)

    def set_table(self, interface: Interface, table_id: int) -> None:
        """Look packets of an interface up in another table. Raises Invalid while it has addresses."""
        self._interfaces.set_table(interface, table_id)

    def check_table_change(self, interface: Interface) -> None:
        """Raises Invalid while an interface has addresses, which are in its table."""
        self._interfaces.check_table_change(interface)

    def addresses(self, interface: Interface) -> list[IpInterface]:
        """An interface's addresses, in the order in which they were added."""
        return self._interfaces.addresses(interface)

    def used_addresses(self, interface: Interface) -> list[IpInterface]:
        """The addresses that an interface goes by: its own, or if it is unnumbered those of another."""
        return self._interfaces.used(interface)

    def add_address(self, interface: Interface, address: IpInterface | str) -> None:
        """Give an interface an address, with the routes of its subnet. Raises Invalid."""
        self._interfaces.add_address(interface, self.family.interface(address))

    def remove_address(self, interface: Interface, address: IpInterface | str) -> None:
        """Take an address from an interface. Raises Invalid."""
        self._interfaces.remove_address(interface, self.family.interface(address))

    def remove_all_addresses(self, interface: Interface) -> None:
        self._interfaces.remove_all(interface)

    def enable(self, interface: Interface) -> None:
        """Let an interface take packets without an address; each ``enable`` needs a ``disable``."""
        self._interfaces.enable(interface)

    def disable(self, interface: Interface) -> None:
        self._interfaces.disable(interface)

    def is_enabled(self, interface: Interface) -> bool:
        """Whether an interface takes packets of the family."""
        return self._interfaces.is_enabled(interface)

    def watch_enabled(self, action: EnableWatcher) -> None:
        """Let ``action`` be called with (interface, whether it is enabled) when that has changed."""
        self._interfaces.watch_enabled(action)

    def watch(self, event: str, action: AddressWatcher) -> None:
        """Let ``action`` be called with (interface, address) after ``address-added`` and ``address-removed``."""
        self._interfaces.watch(event, action)

    def add_neighbor(self, interface: Interface, address: Address) -> None:
        """A neighbor is known: it gets a route of its own, by its adjacency, in whichever table the interface has."""
        self._interfaces.add_neighbor(interface, address)

    def remove_neighbor(self, interface: Interface, address: Address) -> None:
        self._interfaces.remove_neighbor(interface, address)

    def source_address(self, table_id: int, destination: Address) -> Address | None:
        """The address of ours that packets to a destination are to come from: of the interface by which they leave,
        on the next hop's subnet if there is one.
        """
        entry = self.tables[table_id].match(int(destination))
        path = entry.paths.way_out
        interface = self._interfaces.by_index(path.sw_if_index) if path.sw_if_index != NONE else None
        own = self.used_addresses(interface) if interface else []
        near = path.address or destination
        return next((each.ip for each in own if near in each.network), own[0].ip if own else None)

    def _address_lines(self, interface: Interface) -> list[str]:
        """What ``show interface address`` says."""
        table = self.table_of(interface)
        where = f" {self.family.name} table-id {table.table_id} fib-idx {table.fib_index}" if table.table_id else ""
        return [f"L3 {address}{where}" for address in self.used_addresses(interface)]


#: By the name of a family, its model: filled as the features are imported.
models: dict[str, type[Ip]] = {}


def ip_of(engine: Engine, version: int) -> Ip:
    """The model of IP's version 4 or 6."""
    found: Ip = engine[models[f"ip{version}"]]
    return found


def lines_of_plies() -> tuple[int, int, int]:
    """Cache lines that the tries have ever had, those in use, and those that wait for the workers to let go."""
    return pool.used, pool.live, pool.retired_lines
