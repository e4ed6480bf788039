"""Commands about neighbors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.core.model import Invalid
from weft.features.interface.address import show_mac
from weft.features.interface.model import Interface
from weft.features.neighbor.model import Address, Neighbor, Neighbors
from weft.features.vlib.format import centred, fixed, joined

if TYPE_CHECKING:
    from weft.core.engine import Engine

#: Heading and width of the columns of ``show ip neighbors``.
COLUMNS = (("Age", 12), ("IP", 40), ("Flags", 6), ("Ethernet", 20), ("Interface", 25))
MOST_AT_ONCE = 1 << 16


def _table(neighbors: Neighbors, shown: Iterable[Neighbor]) -> str:
    widths = [width for _, width in COLUMNS]
    lines = ["".join(centred(heading, width) for heading, width in COLUMNS)]
    for each in shown:
        middle = zip((str(each.address), each.flags, show_mac(each.mac)), widths[1:4], strict=True)
        cells = "".join(centred(text, width) for text, width in middle)
        lines.append(f"{fixed(neighbors.age(each), 4):>12}{cells}{each.interface.name}")
    return joined(lines) if len(lines) > 1 else ""


def _of(engine: Engine, interface: Interface | None, family: str | None = None) -> list[Neighbor]:
    return [
        each
        for each in engine[Neighbors]
        if (interface is None or each.interface is interface) and family in (None, each.family)
    ]


@command("show ip neighbors", "[<interface>]", help="Show the neighbors", aliases=("show ip neighbor",))
def show_ip_neighbors(engine: Engine, interface: Interface | None = None) -> str:
    return _table(engine[Neighbors], _of(engine, interface))


@command("show ip4 neighbors", "[<interface>]", help="Show the IPv4 neighbors", aliases=("show ip4 neighbor",))
def show_ip4_neighbors(engine: Engine, interface: Interface | None = None) -> str:
    return _table(engine[Neighbors], _of(engine, interface, "ip4"))


@command("show ip6 neighbors", "[<interface>]", help="Show the IPv6 neighbors", aliases=("show ip6 neighbor",))
def show_ip6_neighbors(engine: Engine, interface: Interface | None = None) -> str:
    return _table(engine[Neighbors], _of(engine, interface, "ip6"))


@command(
    "show ip neighbor-sorted",
    "[<interface>]",
    help="Show the neighbors, those heard of last first",
    aliases=("show ip4 neighbor-sorted", "show ip6 neighbor-sorted"),
)
def show_ip_neighbor_sorted(engine: Engine, interface: Interface | None = None) -> str:
    neighbors = engine[Neighbors]
    return _table(neighbors, sorted(_of(engine, interface), key=neighbors.age))


@command("show ip neighbor-config", help="Show the limits on neighbors")
def show_ip_neighbor_config(engine: Engine) -> str:
    lines = []
    for family, config in engine[Neighbors].config.items():
        lines += [f"{family}:", f"  limit:{config.limit}, age:{config.age}, recycle:{int(config.recycle)}"]
    return joined(lines)


@command(
    "set ip neighbor-config",
    "<family:ip4|ip6> ( limit <limit:u32> | age <age:u32> | recycle | norecycle )+",
    help="Limit neighbors: how many; after how many seconds they are asked again (0: never); whether the oldest makes "
    "place for a new one",
)
def set_ip_neighbor_config(engine: Engine, family: str, limit: list[dict[str, object]]) -> None:
    wanted: dict[str, object] = {}
    for each in limit:
        wanted |= each
    if "norecycle" in wanted:
        wanted["recycle"] = not wanted.pop("norecycle")
    engine[Neighbors].configure(family, **wanted)  # type: ignore[arg-type]


@command(
    "set ip neighbor",
    "<interface> <address> <mac> [static] [no-fib-entry] [count <count:u32>]",
    help="Add a neighbor, or several whose addresses follow one another",
    aliases=("ip neighbor", "set ip6 neighbor"),
)
def set_ip_neighbor(
    engine: Engine,
    interface: Interface,
    address: Address,
    mac: int,
    static: bool = False,
    no_fib_entry: bool = False,
    count: int = 1,
) -> None:
    neighbors = engine[Neighbors]
    wanted = _consecutive(address, count)
    first = int.from_bytes(mac.to_bytes(6, "little"), "big")
    if first + count > 1 << 48:
        raise Invalid(f"there are no {count} MAC addresses from {show_mac(mac)} on")
    for position, each in enumerate(wanted):
        own = int.from_bytes((first + position).to_bytes(6, "big"), "little")
        neighbors.add(interface, each, own, static=static, no_fib_entry=no_fib_entry)


@command(
    "set ip neighbor del",
    "<interface> <address> [<mac>] [static] [no-fib-entry] [count <count:u32>]",
    help="Delete a neighbor, or several whose addresses follow one another",
    aliases=("ip neighbor del", "set ip6 neighbor del"),
)
def set_ip_neighbor_del(
    engine: Engine,
    interface: Interface,
    address: Address,
    mac: int = 0,
    static: bool = False,
    no_fib_entry: bool = False,
    count: int = 1,
) -> None:
    neighbors = engine[Neighbors]
    gone = _consecutive(address, count)
    for each in gone:
        if neighbors.find(interface, each) is None:
            raise Invalid(f"{each} is no neighbor on {interface.name}")
    for each in gone:
        neighbors.remove(interface, each)


def _consecutive(address: Address, count: int) -> list[Address]:
    if not 1 <= count <= MOST_AT_ONCE:
        raise Invalid(f"count is 1 to {MOST_AT_ONCE}, not {count}")
    try:
        return [address + position for position in range(count)]
    except ValueError:
        raise Invalid(f"there are no {count} addresses from {address} on") from None


@command(
    "clear ip neighbors",
    "[<interface>]",
    help="Delete the neighbors that were not set as static",
    aliases=("ip neighbor flush",),
)
def clear_ip_neighbors(engine: Engine, interface: Interface | None = None) -> None:
    engine[Neighbors].flush(interface=interface)
