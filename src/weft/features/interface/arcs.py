"""Features on arcs, as commands and messages name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.cli.error import either
from weft.core.graph import ARCS
from weft.core.model import Invalid
from weft.features.interface.model import Interface

if TYPE_CHECKING:
    from weft.core.engine import Engine


def check(arc: str, feature: str) -> None:
    """Raises Invalid, as VPP tells them apart, if there is no such arc, or no such feature on it."""
    if arc not in ARCS:
        raise Invalid(f"no feature arc {arc}; there are {either(list(ARCS))}", "INVALID_VALUE")
    known = ARCS[arc].order()
    if feature not in known:
        raise Invalid(f"arc {arc} has no feature {feature}; it has {either(known) or 'none'}", "INVALID_VALUE_2")


def set_feature(engine: Engine, interface: Interface, arc: str, feature: str, on: bool = True) -> None:
    """Let an interface's packets pass a feature of an arc, or no longer."""
    check(arc, feature)
    engine.graph.enable(arc, feature, interface.sw_if_index, on)


def has_feature(engine: Engine, interface: Interface, arc: str, feature: str) -> bool:
    """Whether they do."""
    check(arc, feature)
    return feature in engine.graph.enabled(arc, interface.sw_if_index)
