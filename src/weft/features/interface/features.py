"""Commands of feature arcs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.cli import argument, command
from weft.core.cli.error import either
from weft.core.graph import ARCS
from weft.features.interface.arcs import set_feature
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
    for index, (name, declaration) in enumerate(ARCS.items()):
        lines += ["", f"[{index:2}] {name}:" if verbose else f"{name}:"]
        for position, node in enumerate(declaration.order()):
            lines.append(f"  [{position:2}]: {node}" if verbose else f"  {node}")
    return "\n".join(lines)


@command(
    "set interface feature",
    "<interface> <feature:word> arc <arc> [disable]",
    help="Let an interface's packets pass a feature of an arc, or no longer",
)
def set_interface_feature(engine: Engine, interface: Interface, feature: str, arc: str, disable: bool = False) -> None:
    set_feature(engine, interface, arc, feature, not disable)
