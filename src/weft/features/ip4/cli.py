"""Commands about IPv4: addresses, tables, routes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.core.model import Invalid
from weft.features.fib.model import Path, PathKind, Source
from weft.features.interface.model import NONE, Interface
from weft.features.ip4.flow_hash import FlowHash
from weft.features.ip4.model import Ip4, Table, parse_prefix
from weft.features.ip4.showing import Show, chosen
from weft.features.vlib.format import exponent, joined

if TYPE_CHECKING:
    from weft.core.engine import Engine

MOST_AT_ONCE = 1 << 24

# --- interfaces


@command(
    "set interface ip address",
    "[del] <interface> ( <prefix:ip4-prefix> | all )",
    help="Give an interface an IPv4 address, or take one or all away",
)
def set_interface_ip_address(
    engine: Engine, interface: Interface, prefix: IPv4Interface | None = None, all: bool = False, del_: bool = False
) -> None:
    ip4 = engine[Ip4]
    if prefix is None:
        if not del_:
            raise Invalid("only `del' goes with `all': set interface ip address del <interface> all")
        ip4.remove_all_addresses(interface)
    elif del_:
        ip4.remove_address(interface, prefix)
    else:
        ip4.add_address(interface, prefix)


@command(
    "set interface ip table",
    "<interface> <table-id:u32>",
    help="Look packets of an interface up in a table, which is made if there is none of that number",
)
def set_interface_ip_table(engine: Engine, interface: Interface, table_id: int) -> str | None:
    ip4 = engine[Ip4]
    if table_id in ip4.tables.by_id:
        ip4.set_table(interface, table_id)
        return None
    if ip4.addresses(interface):
        raise Invalid(f"IP addresses are still present on {interface.name}")
    ip4.add_table(table_id, source=Source.CLI)
    ip4.set_table(interface, table_id)
    return f"table {table_id} created"


# --- tables


@command("ip table add", "<table-id:u32> [<name>]", help="Make an IPv4 table")
def ip_table_add(engine: Engine, table_id: int, name: str = "") -> None:
    engine[Ip4].add_table(table_id, name, source=Source.CLI)


@command("ip table del", "<table-id:u32>", help="Delete an IPv4 table and its routes")
def ip_table_del(engine: Engine, table_id: int) -> None:
    engine[Ip4].delete_table(table_id)


@command("show ip table", help="Show the IPv4 tables")
def show_ip_table(engine: Engine) -> str:
    return joined(f"[{each.fib_index}] table_id:{each.table_id} {each.name}" for each in engine[Ip4].tables)


@command(
    "set ip flow-hash",
    "table <table-id:u32> [src] [dst] [sport] [dport] [proto] [reverse] [symmetric] [flowlabel]",
    help="Choose what of a packet decides among the paths of a route",
)
def set_ip_flow_hash(engine: Engine, table_id: int, **parts: bool) -> None:
    wanted = FlowHash(0)
    for part in parts:
        wanted |= FlowHash[part.upper()]
    if not wanted:
        raise Invalid(
            "name what of a packet is to decide: src, dst, sport, dport, proto, reverse, symmetric, flowlabel"
        )
    engine[Ip4].tables[table_id].set_flow_hash(wanted)


# --- routes

#: What follows `via`. Of a next hop: address, interface or both.
PATHS = (
    "via:( via ( <next-hop:ip4> [<interface>] | <out:interface> | drop | local [<local-interface:interface>] | punt "
    "| null-send-unreach | null-send-prohibit | ip4-lookup-in-table <lookup:u32> ) "
    "[weight <weight:u32>] [preference <preference:u32>] [next-hop-table <next-hop-table:u32>] )+"
)
SIMPLE = {
    "drop": PathKind.DROP,
    "punt": PathKind.PUNT,
    "null_send_unreach": PathKind.UNREACHABLE,
    "null_send_prohibit": PathKind.PROHIBIT,
}


def _paths(engine: Engine, table: Table, given: list[dict[str, object]]) -> list[Path]:
    return [_path(engine, table, each) for each in given]


def _path(engine: Engine, table: Table, given: dict[str, object]) -> Path:
    tables = engine[Ip4].tables
    weight, preference = given.get("weight", 1), given.get("preference", 0)
    assert isinstance(weight, int) and isinstance(preference, int)
    for word, kind in SIMPLE.items():
        if given.get(word):
            return Path(kind, weight=weight, preference=preference)
    lookup = given.get("lookup")
    if isinstance(lookup, int):
        return Path(PathKind.LOOKUP, weight=weight, preference=preference, fib_index=tables[lookup].fib_index)
    if given.get("local") or "local_interface" in given:
        return Path(PathKind.RECEIVE, IPv4Address(0), _index(given.get("local_interface")), weight, preference)
    address = given.get("next_hop")
    if not isinstance(address, IPv4Address):
        return Path(PathKind.ATTACHED, None, _index(given.get("out")), weight, preference)
    path = Path(PathKind.NEXT_HOP, address, _index(given.get("interface")), weight, preference)
    where = given.get("next_hop_table")
    return tables.resolve(tables[where] if isinstance(where, int) else table, path)


def _index(interface: object) -> int:
    return interface.sw_if_index if isinstance(interface, Interface) else NONE


def _consecutive(prefix: IPv4Interface, count: int) -> Iterator[tuple[int, int]]:
    """So many prefixes from this one on."""
    length = prefix.network.prefixlen
    step = 1 << (32 - length)
    first = int(prefix.network.network_address)
    if not 1 <= count <= MOST_AT_ONCE or first + count * step > 1 << 32:
        raise Invalid(f"there are no {count} prefixes of length {length} from {prefix.network} on")
    return ((first + position * step, length) for position in range(count))


@command(
    "ip route add",
    f"[count <count:u32>] <prefix:ip4-prefix> [table <table-id:u32>] {PATHS}",
    help="Add paths to a route, or to so many routes that follow one another",
    aliases=("ip route",),
)
def ip_route_add(
    engine: Engine, prefix: IPv4Interface, via: list[dict[str, object]], count: int = 1, table_id: int = 0
) -> str | None:
    ip4 = engine[Ip4]
    table = ip4.tables[table_id]
    paths = _paths(engine, table, via)
    if count == 1:
        ip4.add(table_id, prefix, paths, Source.CLI, multipath=True)
        return None
    wanted = _consecutive(prefix, count)
    start = time.perf_counter()
    ip4.add_routes(table_id, ((each, paths) for each in wanted), Source.CLI)
    return f"{exponent(count / (time.perf_counter() - start), 6)} routes/sec"


@command(
    "ip route del",
    f"[count <count:u32>] <prefix:ip4-prefix> [table <table-id:u32>] [{PATHS}]",
    help="Delete a route, or some of its paths, or so many routes that follow one another",
)
def ip_route_del(
    engine: Engine,
    prefix: IPv4Interface,
    via: list[dict[str, object]] | None = None,
    count: int = 1,
    table_id: int = 0,
) -> str | None:
    ip4 = engine[Ip4]
    table = ip4.tables[table_id]
    if count == 1:
        ip4.remove(table_id, prefix, _paths(engine, table, via) if via else None, Source.CLI)
        return None
    wanted = _consecutive(prefix, count)
    start = time.perf_counter()
    ip4.remove_routes(table_id, wanted, Source.CLI)
    return f"{exponent(count / (time.perf_counter() - start), 6)} routes/sec"


@command(
    "show ip fib",
    "[table <table-id:u32>] [summary] [detail] [<prefix:ip4-prefix> | <address:ip4>]",
    help="Show routes: all, or those of a table, or the one of a prefix in full",
)
def show_ip_fib(
    engine: Engine,
    table_id: int | None = None,
    summary: bool = False,
    detail: bool = False,
    prefix: IPv4Interface | None = None,
    address: IPv4Address | None = None,
) -> str:
    tables = engine[Ip4].tables
    show = Show(engine, tables)
    wanted = None if prefix is None else parse_prefix(prefix)
    if address is not None:
        wanted = (int(address), 32)
    lines: list[str] = []
    for table in [tables[table_id]] if table_id is not None else tables:
        if summary:
            lines += show.summary(table)
        else:
            lines += show.routes(table, iter(chosen(table, wanted)), detail=detail or wanted is not None)
    return joined(lines)
