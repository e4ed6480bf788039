"""Commands about the L2 FIB."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.core.model import Invalid
from weft.features.interface.address import show_mac
from weft.features.interface.model import Interface
from weft.features.l2 import show
from weft.features.l2.domain import BridgeDomains
from weft.features.l2.fib import Entry, L2Fib
from weft.features.l2.layout import BVI_ENTRY
from weft.features.l2.port import Layer2
from weft.features.vlib.format import joined

if TYPE_CHECKING:
    from weft.core.engine import Engine

MOST = 1_000_000  #: entries that one command makes


def _after(mac: int, step: int) -> int:
    """The MAC address so many numbers further, as the last bytes count."""
    number = int.from_bytes(mac.to_bytes(6, "little"), "big") + step
    return int.from_bytes((number & (1 << 48) - 1).to_bytes(6, "big"), "little")


@command(
    "l2fib add",
    "<mac> <bd-id:u32> ( filter | <interface> [static] [bvi] ) [count <count:u32>]",
    help="Say behind which interface an address is, or that its frames are to be dropped (filter)",
)
def l2fib_add(
    engine: Engine,
    mac: int,
    bd_id: int,
    filter: bool = False,
    interface: Interface | None = None,
    static: bool = False,
    bvi: bool = False,
    count: int = 1,
) -> None:
    if not 1 <= count <= MOST:
        raise Invalid(f"count is 1 to {MOST}, not {count}")
    macs = [_after(mac, step) for step in range(count)]
    engine[L2Fib].add_many(bd_id, interface, macs, static=static, bvi=bvi)


@command("l2fib del", "<mac> <bd-id:u32>", help="Forget an address")
def l2fib_del(engine: Engine, mac: int, bd_id: int) -> None:
    if not engine[L2Fib].remove(engine[BridgeDomains][bd_id].index, mac):
        raise Invalid(f"no entry for {show_mac(mac)} in bridge domain {bd_id}")


@command("l2fib flush-mac interface", "<interface>", help="Forget what was learned at an interface")
def l2fib_flush_interface(engine: Engine, interface: Interface) -> None:
    engine[Layer2].flush_port(interface)


@command("l2fib flush-mac bridge-domain", "<bd-id:u32>", help="Forget what was learned in a bridge domain")
def l2fib_flush_domain(engine: Engine, bd_id: int) -> None:
    engine[Layer2].flush_domain(engine[BridgeDomains][bd_id])


@command("l2fib flush-mac all", help="Forget all that was learned")
def l2fib_flush_all(engine: Engine) -> None:
    engine[Layer2].flush_all()


@command("clear l2fib", help="Remove all entries but those of BVIs")
def clear_l2fib(engine: Engine) -> None:
    engine[L2Fib].remove_all(keep=BVI_ENTRY)


@command(
    "show l2fib",
    "[all | verbose | bd_id <bd-id:u32> | bd_index <bd-index:u32>] [learn | add] [raw]",
    help="Show the L2 FIB: learned entries, those made by hand (add), or how full its table is (raw)",
)
def show_l2fib(
    engine: Engine,
    all: bool = False,
    verbose: bool = False,
    bd_id: int | None = None,
    bd_index: int | None = None,
    learn: bool = False,
    add: bool = False,
    raw: bool = False,
) -> str:
    if bd_id is not None:
        bd_index = engine[BridgeDomains][bd_id].index
    lines: list[str] = []
    if all or verbose or learn or add or bd_index is not None:
        chosen = [
            entry
            for entry in engine[L2Fib].entries()
            if bd_index in (None, entry.bd_index) and not (learn and not entry.learned) and not (add and entry.learned)
        ]
        if chosen:
            lines += [show.entry_head(), *_lines(engine, chosen)]
    lines.append(show.fib_summary(engine) if len(engine[L2Fib]) else "no l2fib entries")
    if raw:
        table = engine[L2Fib].table
        lines += ["Raw Hash Table:", *table.describe()]
    return joined(lines)


def _lines(engine: Engine, entries: Iterable[Entry]) -> Iterable[str]:
    return (show.entry_line(engine, entry) for entry in entries)
