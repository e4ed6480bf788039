"""Messages of port mirroring."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.api import Module
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.features.interface.model import Interfaces
from weft.features.span.model import Span

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("span", "2.0.0", "Port mirroring")


@api.enum("span_state")
class SpanState(enum.IntEnum):
    """Which packets are mirrored."""

    SPAN_STATE_API_DISABLED = 0
    SPAN_STATE_API_RX = 1
    SPAN_STATE_API_TX = 2
    SPAN_STATE_API_RX_TX = 3


@api.request("sw_interface_span_enable_disable", 0x23DDD96B)
def sw_interface_span_enable_disable(
    engine: Engine,
    sw_if_index_from: InterfaceIndex,
    sw_if_index_to: InterfaceIndex,
    state: SpanState,
    is_l2: bool,
) -> None:
    """Mirror an interface's packets to another; in no direction, no longer (to nobody, if no other is named)."""
    interfaces = engine[Interfaces]
    source = interfaces[sw_if_index_from]
    everyone = sw_if_index_to == NO_INTERFACE and state == SpanState.SPAN_STATE_API_DISABLED
    destination = None if everyone else interfaces[sw_if_index_to]
    engine[Span].set(source, destination, int(state), l2=is_l2)


@api.details("sw_interface_span_details", 0x8A20E79F)
class SwInterfaceSpanDetails(Struct):
    """A mirror."""

    sw_if_index_from: InterfaceIndex
    sw_if_index_to: InterfaceIndex
    state: SpanState
    is_l2: bool


@api.dump("sw_interface_span_dump", 0xD6CF0C3D, details=SwInterfaceSpanDetails)
def sw_interface_span_dump(engine: Engine, is_l2: bool) -> Iterator[SwInterfaceSpanDetails]:
    """The mirrors at layer 2, or those at the device."""
    for each in list(engine[Span]):
        if each.l2 == is_l2:
            state = SpanState(each.direction)
            yield SwInterfaceSpanDetails(each.source.sw_if_index, each.destination.sw_if_index, state, is_l2)
