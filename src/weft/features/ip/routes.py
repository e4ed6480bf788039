"""Commands that add and delete routes, of whichever family the prefix is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from weft.core.cli import command
from weft.core.model import Invalid
from weft.features.fib.model import Path, PathKind, Resolve, Source
from weft.features.interface.model import NONE, Interface
from weft.features.ip.family import Family, IpInterface
from weft.features.ip.model import Ip, ip_of, models
from weft.features.ip.table import Table
from weft.features.vlib.format import exponent

if TYPE_CHECKING:
    from weft.core.engine import Engine

MOST_AT_ONCE = 1 << 24

#: What follows `via`. Of a next hop: address, interface or both.
PATHS = (
    "via:( via ( <next-hop:address> [<interface>] | <out:interface> | drop | local [<local-interface:interface>] "
    "| punt | null-send-unreach | null-send-prohibit | ip4-lookup-in-table <lookup4:u32> | ip6-lookup-in-table "
    "<lookup6:u32> ) [resolve-via-host | resolve-via-attached] [weight <weight:u32>] [preference <preference:u32>] "
    "[next-hop-table <next-hop-table:u32>] )+"
)
SIMPLE = {
    "drop": PathKind.DROP,
    "punt": PathKind.PUNT,
    "null_send_unreach": PathKind.UNREACHABLE,
    "null_send_prohibit": PathKind.PROHIBIT,
}
RESOLVE = {"resolve_via_host": Resolve.HOST, "resolve_via_attached": Resolve.ATTACHED}


def _paths(ip: Ip, table: Table, given: list[dict[str, object]]) -> list[Path]:
    return [_path(ip, table, each) for each in given]


def _path(ip: Ip, table: Table, given: dict[str, object]) -> Path:
    weight, preference = given.get("weight", 1), given.get("preference", 0)
    assert isinstance(weight, int) and isinstance(preference, int)
    for word, kind in SIMPLE.items():
        if given.get(word):
            return Path(kind, weight=weight, preference=preference)
    for family, cls in models.items():
        lookup = given.get(f"lookup{family[2:]}")
        if isinstance(lookup, int):
            if not isinstance(ip, cls):
                raise Invalid(f"a route of {ip.family.title} leads to {ip.family.title} tables only")
            return Path(PathKind.LOOKUP, weight=weight, preference=preference, fib_index=ip.tables[lookup].fib_index)
    if given.get("local") or "local_interface" in given:
        own = ip.family.address(0)
        return Path(PathKind.RECEIVE, own, _index(given.get("local_interface")), weight, preference)
    address = given.get("next_hop")
    if address is None:
        return Path(PathKind.ATTACHED, None, _index(given.get("out")), weight, preference)
    path = Path(PathKind.NEXT_HOP, address, _index(given.get("interface")), weight, preference)  # type: ignore[arg-type]
    for word, wanted in RESOLVE.items():
        if given.get(word):
            path = replace(path, resolve=wanted)
    where = given.get("next_hop_table")
    return ip.tables.resolve(ip.tables[where] if isinstance(where, int) else table, path)


def _index(interface: object) -> int:
    return interface.sw_if_index if isinstance(interface, Interface) else NONE


def _consecutive(family: Family, prefix: IpInterface, count: int) -> Iterator[tuple[int, int]]:
    """So many prefixes from this one on."""
    length = prefix.network.prefixlen
    step = 1 << (family.bits - length)
    first = int(prefix.network.network_address)
    if not 1 <= count <= MOST_AT_ONCE or first + count * step > 1 << family.bits:
        raise Invalid(f"there are no {count} prefixes of length {length} from {prefix.network} on")
    return ((first + position * step, length) for position in range(count))


@command(
    "ip route add",
    f"[count <count:u32>] <prefix> [table <table-id:u32>] {PATHS}",
    help="Add paths to a route, or to so many routes that follow one another",
    aliases=("ip route",),
)
def ip_route_add(
    engine: Engine, prefix: IpInterface, via: list[dict[str, object]], count: int = 1, table_id: int = 0
) -> str | None:
    ip = ip_of(engine, prefix.version)
    table = ip.tables[table_id]
    paths = _paths(ip, table, via)
    if count == 1:
        ip.add(table_id, prefix, paths, Source.CLI, multipath=True)
        return None
    wanted = _consecutive(ip.family, prefix, count)
    start = time.perf_counter()
    ip.add_routes(table_id, ((each, paths) for each in wanted), Source.CLI)
    return f"{exponent(count / (time.perf_counter() - start), 6)} routes/sec"


@command(
    "ip route del",
    f"[count <count:u32>] <prefix> [table <table-id:u32>] [{PATHS}]",
    help="Delete a route, or some of its paths, or so many routes that follow one another",
)
def ip_route_del(
    engine: Engine,
    prefix: IpInterface,
    via: list[dict[str, object]] | None = None,
    count: int = 1,
    table_id: int = 0,
) -> str | None:
    ip = ip_of(engine, prefix.version)
    table = ip.tables[table_id]
    if count == 1:
        ip.remove(table_id, prefix, _paths(ip, table, via) if via else None, Source.CLI)
        return None
    wanted = _consecutive(ip.family, prefix, count)
    start = time.perf_counter()
    ip.remove_routes(table_id, wanted, Source.CLI)
    return f"{exponent(count / (time.perf_counter() - start), 6)} routes/sec"
