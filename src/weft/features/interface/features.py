"""Commands of feature arcs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.cli import argument, command
from weft.core.cli.error import either
from weft.core.graph import ARCS
from weft.core.model import Invalid
from weft.features.interface.model import Interface

if TYPE_CHECKING:
    from weft.core.engine import Engine


@argument("arc", "a feature arc", complete=lambda engine, prefix: ARCS)
def arc(engine: Engine, word: str) -> str:
    """A feature arc's name."""
    if word not in ARCS:
        raise ValueError(f"no feature arc of that name, but {either(list(ARCS))}:")
    return word


@command("show features", "[verbose]", help="Show all feature arcs, and their features in the order of passing")
def show_features(engine: Engine, verbose: bool = False) -> str:
    lines = ["Available feature paths"]
    for name, declaration in ARCS.items():
        lines += ["", f"{name}:"]
        for position, node in enumerate(declaration.order()):
            lines.append(f"  [{position:2}]: {node}" if verbose else f"  {node}")
    return "\n".join(lines)


@command(
    "set interface feature",
    "<interface> <feature:word> arc <arc> [disable]",
    help="Let an interface's packets pass a feature of an arc, or no longer",
)
def set_interface_feature(engine: Engine, interface: Interface, feature: str, arc: str, disable: bool = False) -> None:
    known = ARCS[arc].order()
    if feature not in known:
        raise Invalid(f"arc {arc} has no feature {feature}; it has {either(known) or 'none'}")
    engine.graph.enable(arc, feature, interface.sw_if_index, not disable)
