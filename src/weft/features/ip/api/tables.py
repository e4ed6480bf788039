"""Tables: made, held, listed, replaced and emptied by clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct, field

from weft.core.api import Text, u32
from weft.core.model import model
from weft.features.fib.model import Source
from weft.features.ip.api.module import api
from weft.features.ip.model import Ip, ip_of, models
from weft.features.ip.table import Table

if TYPE_CHECKING:
    from weft.core.engine import Engine

ANY_TABLE = 0xFFFFFFFF


@api.structure("ip_table")
class IpTable(Struct):
    """A table. Without a name it gets one."""

    table_id: u32 = 0
    is_ip6: bool = False
    name: Annotated[str, Text(64)] = ""


def ip_with(engine: Engine, table: IpTable) -> Ip:
    """The family of a message's table."""
    return ip_of(engine, 6 if table.is_ip6 else 4)


def described(ip: Ip, table: Table) -> IpTable:
    """A table as messages have it."""
    return IpTable(table.table_id, ip.family.bits == 128, table.name)


@api.request("ip_table_add_del", 0x0FFDAEC0)
def ip_table_add_del(engine: Engine, *, is_add: bool = True, table: IpTable) -> None:
    """Hold a table, which is made if need be, or let go of it; it stays while somebody else holds it."""
    ip = ip_with(engine, table)
    if table.table_id == 0:
        return  # it is there always
    if is_add:
        ip.add_table(table.table_id, table.name)
    else:
        ip.tables.release(table.table_id, Source.API)


@api.request("ip_table_add_del_v2", 0x14E5081F)
def ip_table_add_del_v2(engine: Engine, *, table: IpTable, create_mfib: bool = True, is_add: bool = True) -> None:
    """The same. There are no multicast tables, so ``create_mfib`` changes nothing."""
    ip_table_add_del(engine, is_add=is_add, table=table)


@api.reply("ip_table_allocate_reply", 0x1728303A)
class IpTableAllocateReply(Struct):
    """The table."""

    table: IpTable = field(default_factory=IpTable)


@api.request("ip_table_allocate", 0xB9D2E09E, reply=IpTableAllocateReply)
def ip_table_allocate(engine: Engine, table: IpTable) -> IpTableAllocateReply:
    """Hold a table; with the number ~0, one of a number that is free."""
    ip = ip_with(engine, table)
    table_id = table.table_id
    if table_id == ANY_TABLE:
        table_id = next(number for number in range(1, ANY_TABLE) if number not in ip.tables.by_id)
    return IpTableAllocateReply(described(ip, ip.add_table(table_id, table.name)))


@api.details("ip_table_details", 0xC79FCA0F)
class IpTableDetails(Struct):
    """A table."""

    table: IpTable


@api.dump("ip_table_dump", 0x51077D14, details=IpTableDetails)
def ip_table_dump(engine: Engine) -> Iterator[IpTableDetails]:
    """All tables of both families."""
    for name in sorted(models):
        ip = engine[models[name]]
        for table in ip.tables:
            yield IpTableDetails(described(ip, table))


@model
class Replacements:
    """Tables that a client says anew: routes of the API that it has not said again are deleted at the end."""

    def __init__(self, engine: Engine) -> None:
        self._unsaid: dict[Table, set[tuple[int, int]]] = {}

    def begin(self, table: Table) -> None:
        """From now on, note what is said."""
        entries = [entry for entry in table if entry.by(Source.API) is not None]
        self._unsaid[table] = {(entry.address, entry.length) for entry in entries}

    def said(self, table: Table, prefix: tuple[int, int]) -> None:
        """A route was said again."""
        if table in self._unsaid:
            self._unsaid[table].discard(prefix)

    def end(self, table: Table) -> set[tuple[int, int]]:
        """What was not."""
        return self._unsaid.pop(table, set())


@api.request("ip_table_replace_begin", 0xB9D2E09E)
def ip_table_replace_begin(engine: Engine, table: IpTable) -> None:
    """Say all routes of a table anew from now on."""
    engine[Replacements].begin(ip_with(engine, table).tables[table.table_id])


@api.request("ip_table_replace_end", 0xB9D2E09E)
def ip_table_replace_end(engine: Engine, table: IpTable) -> None:
    """Delete the API's routes that have not been said since ``ip_table_replace_begin``."""
    tables = ip_with(engine, table).tables
    gone = engine[Replacements].end(tables[table.table_id])
    tables.remove_routes(table.table_id, gone)


@api.request("ip_table_flush", 0xB9D2E09E)
def ip_table_flush(engine: Engine, table: IpTable) -> None:
    """Delete the API's routes of a table."""
    ip_with(engine, table).tables[table.table_id].flush(Source.API)
