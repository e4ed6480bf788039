"""All tables of a family, and their routes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from weft.core.model import Invalid
from weft.features.fib.path import Path, PathKind, Paths, via
from weft.features.fib.path_lists import PathLists
from weft.features.fib.source import Source
from weft.features.interface.model import NONE, Interface, Interfaces
from weft.features.ip.entry import Entry
from weft.features.ip.family import Address, Family, Prefix
from weft.features.ip.table import Table

if TYPE_CHECKING:
    from weft.core.engine import Engine

#: A route of ``add_routes``: its prefix and either its paths, or a next hop and its interface.
Route: TypeAlias = tuple[Prefix, "Sequence[Path] | Path"] | tuple[Prefix, "str | Address", Interface]

MAX_FIBS = 4096  #: tables of a family
MAX_TABLE_ID = 0xFFFFFFFF
TO_TABLES = (PathKind.LOOKUP, PathKind.RECURSIVE)


class Tables:
    """Tables by their id, and what is said of their routes."""

    def __init__(self, engine: Engine, family: Family) -> None:
        self._engine, self.family = engine, family
        self._paths = engine[PathLists]
        self.by_id: dict[int, Table] = {}
        self.by_index: dict[int, Table] = {}
        self._paths.tables[family.name] = self.by_index
        first = self.add(0)
        first.locks = {Source.RECURSIVE: 1, Source.DEFAULT_ROUTE: 1}

    def __iter__(self) -> Iterator[Table]:
        """By fib_index."""
        return iter([self.by_index[index] for index in sorted(self.by_index)])

    def __getitem__(self, table_id: int) -> Table:
        try:
            return self.by_id[table_id]
        except KeyError:
            raise Invalid(f"no such table {table_id}", "NO_SUCH_FIB") from None

    # --- tables

    def add(self, table_id: int, name: str = "", source: Source = Source.CLI) -> Table:
        """A table; the one that is there already, held by ``source`` too."""
        if not 0 <= table_id <= MAX_TABLE_ID - 1:
            raise Invalid(f"a table's id is 0 to {MAX_TABLE_ID - 1}, not {table_id}")
        table = self.by_id.get(table_id)
        if table is None:
            fib_index = next(index for index in range(MAX_FIBS + 1) if index not in self.by_index)
            if fib_index == MAX_FIBS:
                raise Invalid(f"there are {MAX_FIBS} tables already", "TABLE_TOO_BIG")
            lpm = self.family.lpm(self._engine, fib_index)
            name = name or f"{self.family.label}-VRF:{table_id}"
            table = Table(self._engine, self.family, table_id, lpm, name)
            self.by_id[table_id] = self.by_index[fib_index] = table
        if table_id:
            table.locks[source] = 1
        return table

    def delete(self, table_id: int) -> None:
        """Delete a table and its routes. Raises Invalid while interfaces, or paths of other tables, need it."""
        table = self[table_id]
        if table_id == 0:
            raise Invalid("table 0 cannot be deleted")
        bound = table.locks.get(Source.INTERFACE, 0)
        if bound:
            raise Invalid(f"table {table_id} is in use by {bound} interface{'s' if bound > 1 else ''}")
        user = self._user(table)
        if user is not None:
            raise Invalid(f"table {table_id} is in use by routes of table {user.table_id}")
        if table.followers:
            raise Invalid(
                f"table {table_id} is in use: {table.followers} addresses in it are followed by other features"
            )
        self._delete(table)

    def release(self, table_id: int, source: Source) -> None:
        """A source needs a table no longer. It goes with the last who holds it."""
        table = self.by_id.get(table_id)
        if table is not None and table_id:
            table.locks.pop(source, None)
            self.collect(table)

    def collect(self, table: Table) -> None:
        """Delete a table if nobody holds it or looks in it."""
        if table.table_id and not table.locks and not table.followers and self._user(table) is None:
            self._delete(table)

    def _user(self, table: Table) -> Table | None:
        """Another table with a route that leads to this one."""
        for each in self:
            if each is not table:
                for entry in each:
                    for _, paths in entry.said:
                        if any(p.kind in TO_TABLES and p.fib_index == table.fib_index for p in paths.paths):
                            return each
        return None

    def _delete(self, table: Table) -> None:
        del self.by_id[table.table_id], self.by_index[table.fib_index]
        table.close()

    # --- routes

    def set_route(
        self,
        table_id: int,
        prefix: Prefix,
        paths: Path | Sequence[Path],
        source: Source = Source.API,
        *,
        multipath: bool = False,
    ) -> Entry:
        """Forward a prefix by these paths; ``multipath``: by these too."""
        table = self[table_id]
        address, length = self.family.prefix(prefix)
        wanted = self._meant(table, address, length, paths)
        if multipath:
            wanted = _merged(self._said(table, address, length, source), wanted)
        entry = table.say(address, length, source, wanted)
        table.settle()
        return entry

    def unset_route(
        self,
        table_id: int,
        prefix: Prefix,
        paths: Path | Sequence[Path] | None = None,
        source: Source = Source.API,
    ) -> None:
        """Take back what ``source`` said of a prefix, or some of its paths. Raises Invalid if it did not say so."""
        table = self[table_id]
        address, length = self.family.prefix(prefix)
        said = self._said(table, address, length, source)
        if not said:
            raise Invalid(
                f"no route {self.family.network((address, length))} of {source.label} in table {table_id}",
                "NO_SUCH_ENTRY",
            )
        left: Paths = ()
        if paths is not None:
            gone = self._meant(table, address, length, paths)
            for path in gone:
                if not any(_same(path, each) for each in said):
                    raise Invalid(
                        f"the route {self.family.network((address, length))} has no such path", "NO_SUCH_ENTRY"
                    )
            left = tuple(each for each in said if not any(_same(path, each) for path in gone))
        if left:
            table.say(address, length, source, left)
        else:
            table.unsay(address, length, source)
        table.settle()

    def _said(self, table: Table, address: int, length: int, source: Source) -> Paths:
        entry = table.find(address, length)
        paths = entry.by(source) if entry else None
        return paths.paths if paths else ()

    def _meant(self, table: Table, address: int, length: int, paths: Path | Sequence[Path]) -> Paths:
        """A route's paths as they are meant. A host that is behind an interface is its own next hop."""
        meant = []
        for path in (paths,) if isinstance(paths, Path) else paths:
            if path.kind is PathKind.ATTACHED and length == self.family.bits and self._has_neighbors(path.sw_if_index):
                path = replace(path, kind=PathKind.NEXT_HOP, address=self.family.address(address))
            meant.append(self.resolve(table, path))
        return tuple(meant)

    def _has_neighbors(self, sw_if_index: int) -> bool:
        return self._engine[Interfaces][sw_if_index].device.ethernet

    def resolve(self, table: Table, path: Path) -> Path:
        """A path as it is meant: by a next hop without an interface is as that next hop's own route says. IPv4 goes by
        IPv6 next hops, too, on an interface (RFC 8950). Raises Invalid.
        """
        if path.kind is not PathKind.NEXT_HOP:
            return path
        if not isinstance(path.address, (self.family.address, IPv6Address)):
            raise Invalid(f"{path.address} is no {self.family.title} next hop", "FIB_PATH_UNSUPPORTED_NH_PROTO")
        if path.address.is_multicast:
            raise Invalid(f"{path.address} is a group, no next hop")
        if path.sw_if_index != NONE:
            return path
        if not isinstance(path.address, self.family.address):
            message = f"next hop {path.address} of an {self.family.title} route: name its interface too"
            raise Invalid(message, "NEXT_HOP_NOT_IN_FIB")
        if path.address.is_link_local and self.family.bits == 128:
            message = f"next hop {path.address} is on one link only: name its interface too"
            raise Invalid(message, "NEXT_HOP_NOT_IN_FIB")
        return replace(path, kind=PathKind.RECURSIVE, fib_index=table.fib_index)

    def add_routes(self, table_id: int, routes: Iterable[Route], source: Source = Source.API) -> int:
        """Many routes at a time: (prefix, paths), or (prefix, next hop, interface). How many there were.

        Each replaces what ``source`` said of its prefix before. Raises Invalid at the first that cannot be; those
        before it stay.
        """
        table = self[table_id]
        known: dict[object, Paths] = {}

        def prepared() -> Iterator[tuple[int, int, Paths]]:
            for route in routes:
                key: object
                if len(route) == 3:
                    key = (route[1], route[2].sw_if_index)
                else:
                    key = route[1] if isinstance(route[1], Path) else tuple(route[1])
                paths = known.get(key)
                if paths is None:
                    paths = known[key] = self._paths_of(table, route)
                yield (*self.family.prefix(route[0]), paths)

        try:
            return table.say_many(prepared(), source)
        finally:
            table.settle()

    def _paths_of(self, table: Table, route: Route) -> Paths:
        if len(route) == 3:
            return (via(str(route[1]), route[2]),)
        paths = (route[1],) if isinstance(route[1], Path) else tuple(route[1])
        return tuple(self.resolve(table, path) for path in paths)

    def remove_routes(self, table_id: int, prefixes: Iterable[Prefix], source: Source = Source.API) -> int:
        """Take back what ``source`` said of many prefixes; how many it was that it had said something of."""
        table = self[table_id]
        try:
            return table.unsay_many((self.family.prefix(prefix) for prefix in prefixes), source)
        finally:
            table.settle()


def _same(path: Path, other: Path) -> bool:
    """Whether two paths lead the same way, whatever their weight."""
    return (path.kind, path.address, path.sw_if_index, path.fib_index) == (
        other.kind,
        other.address,
        other.sw_if_index,
        other.fib_index,
    )


def _merged(said: Paths, more: Paths) -> Paths:
    """Paths that are the same but for weight and preference are said anew."""
    kept = tuple(each for each in said if not any(_same(each, path) for path in more))
    return kept + more
