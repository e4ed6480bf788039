"""Messages of the features on an interface's way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from weft.core.api import Module, Text
from weft.core.api.interface_types import InterfaceIndex
from weft.core.graph import ARCS
from weft.core.model import Invalid
from weft.features.interface.model import Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("feature", "1.0.2", "Features on interfaces")


@api.request("feature_enable_disable", 0x7531C862)
def feature_enable_disable(
    engine: Engine,
    sw_if_index: InterfaceIndex,
    enable: bool,
    arc_name: Annotated[str, Text(64)],
    feature_name: Annotated[str, Text(64)],
) -> None:
    """Let the packets of an interface pass a feature of an arc, or no longer."""
    interface = engine[Interfaces][sw_if_index]
    _check(arc_name, feature_name)
    engine.graph.enable(arc_name, feature_name, interface.sw_if_index, enable)


@api.reply("feature_is_enabled_reply", 0x03F284B5, head=("client_index", "context", "retval"))
class FeatureIsEnabledReply(Struct):
    """Whether it is."""

    is_enabled: bool = False


@api.request("feature_is_enabled", 0x55DB09E2, reply=FeatureIsEnabledReply)
def feature_is_enabled(
    engine: Engine,
    arc_name: Annotated[str, Text(64)],
    feature_name: Annotated[str, Text(64)],
    sw_if_index: InterfaceIndex,
) -> FeatureIsEnabledReply:
    """Whether the packets of an interface pass a feature."""
    interface = engine[Interfaces][sw_if_index]
    _check(arc_name, feature_name)
    return FeatureIsEnabledReply(feature_name in engine.graph.enabled(arc_name, interface.sw_if_index))


def _check(arc: str, feature: str) -> None:
    if arc not in ARCS:
        raise Invalid(f"there is no feature arc {arc}; there are {', '.join(ARCS)}")
    known = [each.node for each in ARCS[arc].features]
    if feature not in known:
        raise Invalid(f"arc {arc} has no feature {feature}; it has {', '.join(known) or 'none'}", "INVALID_VALUE_2")
