"""set interface span, show interface span."""

from __future__ import annotations

from weft.core.cli import command
from weft.core.engine import Engine
from weft.core.model import Invalid
from weft.features.interface.model import Interface
from weft.features.span.model import BOTH, NEITHER, Direction, Span
from weft.features.vlib.format import joined


@command(
    "set interface span",
    "<interface> [l2] [disable] [destination <destination:interface>] [both | rx | tx]",
    help="Copy what an interface receives, sends or both to another: as the device sees it, or as layer 2 does",
)
def set_interface_span(
    engine: Engine,
    interface: Interface,
    l2: bool = False,
    disable: bool = False,
    destination: Interface | None = None,
    rx: bool = False,
    tx: bool = False,
    both: bool = False,
) -> str | None:
    if destination is None and not disable:
        raise Invalid("name where copies are to go: destination INTERFACE; or disable")
    direction = NEITHER if disable else Direction.RX if rx else Direction.TX if tx else BOTH
    engine[Span].set(interface, destination, direction, l2=l2)
    if interface.sup and direction & Direction.RX and not l2:
        return f"{interface.sup.name} receives for {interface.name}: to mirror that, mirror {interface.sup.name}, or l2"
    return None


@command("show interface span", help="Show which interfaces are mirrored, and to where")
def show_interface_span(engine: Engine) -> str:
    directions: dict[tuple[int, int], list[Direction]] = {}
    names: dict[int, str] = {}
    for mirror in engine[Span]:
        source, destination = mirror.source.sw_if_index, mirror.destination.sw_if_index
        directions.setdefault((source, destination), [NEITHER, NEITHER])[mirror.l2] = mirror.direction
        names[source], names[destination] = mirror.source.name, mirror.destination.name
    if not directions:
        return ""
    lines = [f"{'Source':<20} {'Destination':<20}  {'Device':>6}  {'L2':>6}"]
    before = -1
    for (source, destination), (device, l2) in sorted(directions.items()):
        shown = "" if source == before else names[source]
        lines.append(f"{shown:<20} {names[destination]:<20} ({device.word:>6}) ({l2.word:>6})")
        before = source
    return joined(lines)
