"""Commands about adjacencies and path lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.features.fib.adjacency import GLEAN, Adjacencies, Record, adjacency_counters
from weft.features.fib.dpo import format_adjacency
from weft.features.interface.model import Interface
from weft.features.vlib.format import joined

if TYPE_CHECKING:
    from weft.core.engine import Engine


@command(
    "show adjacency",
    "[nbr | glean] [<interface>] [<index:u32>]",
    help="Show the adjacencies: all, those of neighbors or of subnets, on an interface, or one by its number in full",
)
def show_adjacency(
    engine: Engine,
    nbr: bool = False,
    glean: bool = False,
    interface: Interface | None = None,
    index: int | None = None,
) -> str:
    adjacencies = engine[Adjacencies]
    if index is not None:
        return joined(_detail(adjacencies[index]))
    chosen = (record for record in adjacencies if interface in (None, record.interface))
    if nbr or glean:
        chosen = (record for record in chosen if (record.kind == GLEAN) == glean)
    return joined(map(_line, chosen))


def _line(record: Record) -> str:
    return f"[@{record.index}] {format_adjacency(record)}"


def _detail(record: Record) -> list[str]:
    packets, octets = adjacency_counters.read(record.index)
    return [
        _line(record),
        "   flags:",
        f"   counts:[{packets}:{octets}]",
        f"   locks:{record.locks}",
    ]


@command("show adjacency counters", help="Show whether adjacencies count what they forward")
def show_adjacency_counters(engine: Engine) -> str:
    return f"adjacency counters: {'enabled' if engine[Adjacencies].counting else 'disabled'}"


@command("adjacency counters", "<switch:on-off>", help="Let adjacencies count what they forward")
def adjacency_counting(engine: Engine, switch: bool) -> None:
    engine[Adjacencies].set_counting(switch)
