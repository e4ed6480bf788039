"""Commands about tables and addresses of IPv4 and IPv6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.core.model import Invalid
from weft.features.fib.model import Source
from weft.features.interface.model import Interface
from weft.features.ip import routes
from weft.features.ip.family import Address, IpInterface
from weft.features.ip.flow_hash import FlowHash
from weft.features.ip.model import Ip, ip_of, models
from weft.features.ip.showing import Show, chosen
from weft.features.ip.unnumbered import Unnumbered
from weft.features.vlib.format import joined

if TYPE_CHECKING:
    from weft.core.engine import Engine

__all__ = ["routes"]


@command(
    "set interface ip address",
    "[del] <interface> ( <prefix> | all )",
    help="Give an interface an IPv4 or IPv6 address, or take one or all away",
)
def set_interface_ip_address(
    engine: Engine, interface: Interface, prefix: IpInterface | None = None, all: bool = False, del_: bool = False
) -> None:
    if prefix is None:
        if not del_:
            raise Invalid("only `del' goes with `all': set interface ip address del <interface> all")
        for cls in models.values():
            engine[cls].remove_all_addresses(interface)
    elif del_:
        ip_of(engine, prefix.version).remove_address(interface, prefix)
    else:
        ip_of(engine, prefix.version).add_address(interface, prefix)


@command(
    "set interface unnumbered",
    "( <interface> use <lender:interface> | del <numbered:interface> )",
    help="Let an interface use another's addresses, or have its own again",
)
def set_interface_unnumbered(
    engine: Engine,
    interface: Interface | None = None,
    lender: Interface | None = None,
    del_: bool = False,
    numbered: Interface | None = None,
    use: bool = False,
) -> None:
    if numbered is not None:
        engine[Unnumbered].unset(numbered)
    elif interface is not None and lender is not None:
        engine[Unnumbered].set(interface, lender)


def _commands(cls: type[Ip], word: str, title: str) -> None:
    """The commands that there are for each family, with its word in them."""

    @command(
        f"set interface {word} table",
        "<interface> <table-id:u32>",
        help=f"Look {title} packets of an interface up in a table, which is made if there is none of that number",
    )
    def set_interface_table(engine: Engine, interface: Interface, table_id: int) -> str | None:
        ip = engine[cls]
        if table_id in ip.tables.by_id:
            ip.set_table(interface, table_id)
            return None
        ip.check_table_change(interface)
        ip.add_table(table_id, source=Source.CLI)
        ip.set_table(interface, table_id)
        return f"table {table_id} created"

    @command(f"{word} table add", "<table-id:u32> [<name>]", help=f"Make an {title} table")
    def table_add(engine: Engine, table_id: int, name: str = "") -> None:
        engine[cls].add_table(table_id, name, source=Source.CLI)

    @command(f"{word} table del", "<table-id:u32>", help=f"Delete an {title} table and its routes")
    def table_del(engine: Engine, table_id: int) -> None:
        engine[cls].delete_table(table_id)

    @command(f"show {word} table", help=f"Show the {title} tables")
    def show_table(engine: Engine) -> str:
        return joined(f"[{each.fib_index}] table_id:{each.table_id} {each.name}" for each in engine[cls].tables)

    @command(
        f"set {word} flow-hash",
        "table <table-id:u32> [src] [dst] [sport] [dport] [proto] [reverse] [symmetric] [flowlabel]",
        help="Choose what of a packet decides among the paths of a route",
    )
    def set_flow_hash(engine: Engine, table_id: int, **parts: bool) -> None:
        wanted = FlowHash(0)
        for part in parts:
            wanted |= FlowHash[part.upper()]
        if not wanted:
            raise Invalid(
                "name what of a packet is to decide: src, dst, sport, dport, proto, reverse, symmetric, flowlabel"
            )
        engine[cls].tables[table_id].set_flow_hash(wanted)

    family = "ip6" if word == "ip6" else "ip4"

    @command(
        f"show {word} fib",
        f"[table <table-id:u32>] [summary] [detail] [<prefix:{family}-prefix> | <address:{family}>]",
        help="Show routes: all, or those of a table, or the one of a prefix in full",
    )
    def show_fib(
        engine: Engine,
        table_id: int | None = None,
        summary: bool = False,
        detail: bool = False,
        prefix: IpInterface | None = None,
        address: Address | None = None,
    ) -> str:
        ip = engine[cls]
        show = Show(engine, ip.tables)
        wanted = None if prefix is None else ip.family.prefix(prefix)
        if address is not None:
            wanted = (int(address), ip.family.bits)
        lines: list[str] = []
        for table in [ip.tables[table_id]] if table_id is not None else ip.tables:
            if summary:
                lines += show.summary(table)
            else:
                lines += show.routes(table, iter(chosen(table, wanted)), detail=detail or wanted is not None)
        return joined(lines)


for _name, _cls in models.items():
    _commands(_cls, "ip" if _name == "ip4" else _name, "IPv4" if _name == "ip4" else "IPv6")
