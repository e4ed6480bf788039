"""Routes: added, deleted, listed, looked up by clients."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv6Interface
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct, field

from weft.core.api import Counted, u8, u32
from weft.core.api.ip_types import Prefix
from weft.core.model import Invalid
from weft.features.fib.api import id_of, source_of
from weft.features.fib.api_types import FibPath
from weft.features.fib.model import Source
from weft.features.ip.api.module import api
from weft.features.ip.api.paths import described, paths_of
from weft.features.ip.api.tables import IpTable, Replacements, ip_with
from weft.features.ip.entry import Entry
from weft.features.ip.model import Ip, ip_of
from weft.features.ip.table import Table

if TYPE_CHECKING:
    from weft.core.engine import Engine

EVERYTHING = IPv4Interface("0.0.0.0/0")


@api.structure("ip_route")
class IpRoute(Struct):
    """A route. ``stats_index`` is its number in the stats segment's ``/net/route/to``."""

    table_id: u32 = 0
    stats_index: u32 = 0
    prefix: Prefix = EVERYTHING
    n_paths: u8 = 0
    paths: Annotated[list[FibPath], Counted("n_paths")] = []


@api.structure("ip_route_v2")
class IpRouteV2(Struct):
    """The same, with the number of the source that says so (see ``fib_source_dump``); 0 in a request: the API."""

    table_id: u32 = 0
    stats_index: u32 = 0
    prefix: Prefix = EVERYTHING
    n_paths: u8 = 0
    src: u8 = 0
    paths: Annotated[list[FibPath], Counted("n_paths")] = []


# --- adding and deleting


@api.reply("ip_route_add_del_reply", 0x1992DEAB)
class IpRouteAddDelReply(Struct):
    """The route's number in the stats segment."""

    stats_index: u32 = 0


@api.request("ip_route_add_del", 0xB8ECFE0D, reply=IpRouteAddDelReply)
def ip_route_add_del(engine: Engine, *, is_add: bool = True, is_multipath: bool, route: IpRoute) -> IpRouteAddDelReply:
    """Say by which paths a prefix is forwarded, instead of those said before; with ``is_multipath`` beside them. Or
    take a route back, or with ``is_multipath`` some of its paths; if it is not there, nothing is to be done.
    """
    return IpRouteAddDelReply(_add_del(engine, is_add, is_multipath, route, Source.API))


@api.reply("ip_route_add_del_v2_reply", 0x1992DEAB)
class IpRouteAddDelV2Reply(Struct):
    """The route's number in the stats segment."""

    stats_index: u32 = 0


@api.request("ip_route_add_del_v2", 0x521EF330, reply=IpRouteAddDelV2Reply, in_progress=None)
def ip_route_add_del_v2(
    engine: Engine, *, is_add: bool = True, is_multipath: bool, route: IpRouteV2
) -> IpRouteAddDelV2Reply:
    """The same in the name of a source."""
    return IpRouteAddDelV2Reply(_add_del(engine, is_add, is_multipath, route, source_of(route.src)))


def _add_del(engine: Engine, is_add: bool, is_multipath: bool, route: IpRoute | IpRouteV2, source: Source) -> int:
    """The number of a route's counters."""
    prefix = route.prefix
    ip = ip_of(engine, prefix.version)
    table = ip.tables[route.table_id]
    if not route.paths and (is_add or is_multipath):
        raise Invalid(f"a route of {prefix.network} without paths", "NO_PATHS_IN_ROUTE")
    if not is_add and not is_multipath:
        _forget(ip, table, prefix, source)
        return 0
    paths = paths_of(engine, ip, route.paths)
    if is_add:
        entry = ip.add(route.table_id, prefix, paths, source, multipath=is_multipath)
        engine[Replacements].said(table, (entry.address, entry.length))
        return entry.index
    for path in paths:
        _forget(ip, table, prefix, source, path)
    return 0


def _forget(ip: Ip, table: Table, prefix: IPv4Interface | IPv6Interface, source: Source, path: object = None) -> None:
    """Take back what a source said, if it did."""
    try:
        ip.remove(table.table_id, prefix, path, source)  # type: ignore[arg-type]
    except Invalid as error:
        if error.error != "NO_SUCH_ENTRY":
            raise


# --- listing


@api.details("ip_route_details", 0xBDA8F315)
class IpRouteDetails(Struct):
    """A route, as it is heard."""

    route: IpRoute


@api.dump("ip_route_dump", 0xB9D2E09E, details=IpRouteDetails)
def ip_route_dump(engine: Engine, table: IpTable) -> Iterator[IpRouteDetails]:
    """All routes of a table, whoever says them."""
    ip = ip_with(engine, table)
    found = ip.tables[table.table_id]
    for entry in found:
        yield IpRouteDetails(_route(ip, found, entry))


@api.details("ip_route_v2_details", 0xB09AA6C0)
class IpRouteV2Details(Struct):
    """A route, as it is heard."""

    route: IpRouteV2


@api.dump("ip_route_v2_dump", 0xD16F72E6, details=IpRouteV2Details, in_progress=None)
def ip_route_v2_dump(engine: Engine, src: u8, table: IpTable) -> Iterator[IpRouteV2Details]:
    """All routes of a table, or those of which a source is heard."""
    ip = ip_with(engine, table)
    found = ip.tables[table.table_id]
    for entry in found:
        if src in (0, id_of(entry.source)):
            yield IpRouteV2Details(_route_v2(ip, found, entry))


def _route(ip: Ip, table: Table, entry: Entry) -> IpRoute:
    paths = [described(ip, path) for path in entry.paths.paths]
    return IpRoute(table.table_id, entry.index, _prefix(ip, entry), paths=paths)


def _route_v2(ip: Ip, table: Table, entry: Entry) -> IpRouteV2:
    paths = [described(ip, path) for path in entry.paths.paths]
    return IpRouteV2(table.table_id, entry.index, _prefix(ip, entry), src=id_of(entry.source), paths=paths)


def _prefix(ip: Ip, entry: Entry) -> IPv4Interface | IPv6Interface:
    found: IPv4Interface | IPv6Interface = ip.family.interface((entry.address, entry.length))
    return found


# --- looking up


@api.reply("ip_route_lookup_reply", 0x5D8FEBCB)
class IpRouteLookupReply(Struct):
    """The route."""

    route: IpRoute = field(default_factory=IpRoute)


@api.request("ip_route_lookup", 0x710D6471, reply=IpRouteLookupReply)
def ip_route_lookup(engine: Engine, table_id: u32, exact: u8, prefix: Prefix) -> IpRouteLookupReply:
    """The route of a prefix, or that of the longest around it unless ``exact``."""
    return IpRouteLookupReply(_route(*_found(engine, table_id, exact, prefix)))


@api.reply("ip_route_lookup_v2_reply", 0x84CC9E03)
class IpRouteLookupV2Reply(Struct):
    """The route."""

    route: IpRouteV2 = field(default_factory=IpRouteV2)


@api.request("ip_route_lookup_v2", 0x710D6471, reply=IpRouteLookupV2Reply, in_progress=None)
def ip_route_lookup_v2(engine: Engine, table_id: u32, exact: u8, prefix: Prefix) -> IpRouteLookupV2Reply:
    """The same, with the source that says so."""
    return IpRouteLookupV2Reply(_route_v2(*_found(engine, table_id, exact, prefix)))


def _found(engine: Engine, table_id: int, exact: int, prefix: IPv4Interface | IPv6Interface) -> tuple[Ip, Table, Entry]:
    ip = ip_of(engine, prefix.version)
    table = ip.tables[table_id]
    address, length = ip.family.prefix(prefix)
    entry = table.find(address, length) if exact else table.match(address, length)
    if entry is None:
        raise Invalid(f"no route {prefix.network} in table {table_id}", "NO_SUCH_ENTRY")
    return ip, table, entry
