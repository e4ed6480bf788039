"""Two interfaces wired to each other."""

from __future__ import annotations

from weft import Engine
from weft.core import arena
from weft.core.buffer import Buffer
from weft.core.graph import feature
from weft.core.node import node
from weft.core.runtime import NodeRuntime
from weft.core.view import u32
from weft.features.interface.model import Interface, sw_interfaces

_others = arena.table("test-wiring", u32, 1 << 16)


@node("test-wiring")
def wiring(rt: NodeRuntime, pkt: Buffer) -> int:
    pkt.tx_sw_if_index = _others[pkt.rx_sw_if_index]
    return sw_interfaces[pkt.tx_sw_if_index].output_node


feature("device-input", "test-wiring")


def connect(engine: Engine, a: Interface, b: Interface) -> None:
    """What comes in by one leaves by the other."""
    for one, other in ((a, b), (b, a)):
        _others[one.sw_if_index] = other.sw_if_index
        engine.graph.enable("device-input", "test-wiring", one.sw_if_index)
