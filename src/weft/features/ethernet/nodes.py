"""Placeholder of ethernet-input."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.node import Nexts, node
from weft.core.runtime import NodeRuntime


class InputNext(Nexts):
    DROP = "error-drop"


@node("ethernet-input", next=InputNext)
def ethernet_input(rt: NodeRuntime, pkt: Buffer) -> int:
    return InputNext.DROP
