"""Tables and routes as people read them, in VPP's formats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from weft.features.fib.adjacency import Adjacencies
from weft.features.fib.dpo import Kind, Objects, format_adjacency
from weft.features.fib.load_balance import to_counters, via_counters
from weft.features.fib.path import Path, PathKind, Resolve
from weft.features.fib.path_list import PathList
from weft.features.fib.source import Source
from weft.features.fib.via import Via
from weft.features.interface.model import NONE, Interfaces
from weft.features.ip.dependents import DEPENDING
from weft.features.ip.entry import Entry
from weft.features.ip.flow_hash import FlowHash
from weft.features.ip.table import Table
from weft.features.ip.tables import Tables

if TYPE_CHECKING:
    from weft.core.engine import Engine


def format_flow_hash(wanted: FlowHash) -> str:
    return "".join(f"{each.name.lower()} " for each in FlowHash if each & wanted and each.name)


def format_table(table: Table) -> str:
    """The line about a table that its routes follow."""
    held = table.locks | ({Source.ADJACENCY: 1} if table.has_neighbors else {})
    locks = "".join(f"{source.label}:{count}, " for source, count in sorted(held.items()))
    return (
        f"{table.name}, fib_index:{table.fib_index}, flow hash:[{format_flow_hash(table.flow_hash)}] "
        f"epoch:0 flags:none locks:[{locks}]"
    )


class Show:
    """Makes the lines of ``show ip fib``."""

    def __init__(self, engine: Engine, tables: Tables) -> None:
        self._engine, self._tables = engine, tables
        self._family = tables.family.name
        self._chain = f"unicast-{self._family}-chain"
        self._objects = engine[Objects]

    def summary(self, table: Table) -> Iterator[str]:
        """How many routes of each length."""
        yield format_table(table)
        yield f"{'Prefix length':>17}{'Count':>14}"
        for length, count in enumerate(table.counts):
            if count:
                yield f"{length:>20}{count:>16}"

    def routes(self, table: Table, chosen: Iterator[Entry], *, detail: bool = False) -> Iterator[str]:
        """A table's routes."""
        yield format_table(table)
        for entry in chosen:
            if detail:
                yield from self.route(table, entry)
            else:
                yield str(entry.prefix)
                yield f"  {self._chain}"
                yield from self.load_balance(entry)

    def load_balance(self, entry: Entry) -> Iterator[str]:
        """What packets find."""
        yield f"  [@0]: {self._balance(entry)}"
        yield from self._buckets(entry, "    ")

    def _balance(self, entry: Via) -> str:
        packets, octets = to_counters.read(entry.index)
        counts = f"to:[{packets}:{octets}]"
        packets, octets = via_counters.read(entry.index)
        if packets:
            counts += f" via:[{packets}:{octets}]"
        return (
            f"dpo-load-balance: [proto:{self._family} index:{entry.index} buckets:{len(entry.paths.objects)} "
            f"uRPF:{entry.paths.index} {counts}]"
        )

    def _buckets(self, entry: Via, indent: str) -> Iterator[str]:
        """The ways on of an entry; behind those that are other entries, theirs."""
        by_number = {via.index: via for via in entry.paths.via if via is not None}
        for position, each in enumerate(entry.paths.objects):
            if each.kind is Kind.LOAD_BALANCE:
                via = by_number[each.index]
                yield f"{indent}[{position}] [@{each.kind.value}]: {self._balance(via)}"
                yield from self._buckets(via, indent + "      ")
            else:
                yield f"{indent}[{position}] {self._objects.format(self._family, each)}"

    def route(self, table: Table, entry: Entry) -> Iterator[str]:
        """All that is known of a route."""
        yield f"{entry.prefix} fib:{table.fib_index} index:{entry.index} locks:{len(entry.said) + 1}"
        for position, (source, paths) in enumerate(entry.said):
            flags = "added,contributing,active," if not position and entry.installed else "added,"
            yield (
                f"  {source.label} refs:1 {self._flags(entry, paths)}src-flags:{flags} "
                f"cover:{self._cover(table, entry, source)}"
            )
            yield from self._path_list(paths)
            if source is Source.ADJACENCY:
                yield "    Extensions:"
                yield f"     path:{paths.index} adj-flags:[refines-cover]"
            else:
                yield ""
        yield f" forwarding:   {self._chain}"
        yield from self.load_balance(entry)

    def _flags(self, entry: Entry, paths: PathList) -> str:
        kind = paths.paths[0].kind
        words = {
            PathKind.CONNECTED: "connected,attached,",
            PathKind.ATTACHED: "attached,",
            PathKind.RECEIVE: "connected,local,",
            PathKind.DROP: "drop,",
        }.get(kind, "attached," if entry.source is Source.ADJACENCY else "")
        return f"entry-flags:{words} " if words else ""

    def _cover(self, table: Table, entry: Entry, source: Source) -> int:
        """The route around, for those that depend on it."""
        return table.around(entry).index if source in DEPENDING else -1

    def _path_list(self, paths: PathList) -> Iterator[str]:
        interfaces = sorted({path.sw_if_index for path in paths.paths if path.sw_if_index != NONE})
        shown = "".join(f"{index}, " for index in interfaces)
        yield (
            f"    path-list:[{paths.index}] locks:{paths.locks} "
            f"uPRF-list:{paths.index} len:{len(interfaces)} itfs:[{shown}]"
        )
        for position, path in enumerate(paths.paths):
            yield from self._path(paths, position, path)

    def _path(self, paths: PathList, position: int, path: Path) -> Iterator[str]:
        state = "resolved," if paths.resolved[position] else ""
        word = {PathKind.CONNECTED: "glean,", PathKind.DROP: "drop,", PathKind.RECEIVE: "local,"}.get(path.kind, "")
        if path.resolve is not Resolve.ANY:
            word += f"{path.resolve.value},"
        via = paths.via[position]
        if via is not None and paths.comes_back(via):
            state += "recursive-loop,"
        configured = f" cfg-flags:{word}" if word else ""
        kind = "attached" if path.kind is PathKind.CONNECTED else path.kind.value
        family = f"ip{path.address.version}" if path.address else self._family
        if path.kind in (PathKind.DROP, PathKind.PUNT, PathKind.UNREACHABLE, PathKind.PROHIBIT):
            kind = "special"
        yield (
            f"      path:[{paths.index}] pl-index:{paths.index} {family} weight={path.weight} "
            f"pref={path.preference} {kind}:  oper-flags:{state}{configured}"
        )
        name = self._name(path.sw_if_index)
        if path.kind is PathKind.NEXT_HOP:
            yield f"        {path.address} {name}"
        elif via is not None:
            yield (
                f"        via {path.address} in fib:{path.fib_index} via-fib:{via.index} "
                f"via-dpo:[dpo-load-balance:{via.index}]"
            )
        elif path.kind is PathKind.RECEIVE:
            yield f"        {path.address}"
        elif path.sw_if_index != NONE:
            yield f"         {name}"
        elif path.kind is PathKind.LOOKUP:
            yield f"        fib-index:{path.fib_index}"
        index = paths.adjacency[position]
        if path.kind is PathKind.NEXT_HOP and index is not None:
            yield f"      [@0]: {format_adjacency(self._engine[Adjacencies][index])}"

    def _name(self, sw_if_index: int) -> str:
        interface = self._engine[Interfaces].by_index.get(sw_if_index)
        return interface.name if interface else f"DELETED:{sw_if_index}"


def chosen(table: Table, prefix: tuple[int, int] | None) -> list[Entry]:
    """A table's entry of a prefix, or the one that a prefix lies in; or all."""
    if prefix is None:
        return list(table)
    address, length = prefix
    exact = table.find(address, length)
    return [exact if exact is not None else table.match(address, length)]
