"""What is compiled together: nodes as stages, and the function that does what they do to one packet after the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from msgspec import Struct

from weft.core import memory
from weft.core.buffer import buffer_at
from weft.core.fusing.code import MISSED, NO_SLOT
from weft.core.fusing.facts import Fact
from weft.core.loop import AHEAD
from weft.core.memory import prefetch
from weft.core.node import NODES, Node, Per
from weft.core.runtime import DIRECT, STAGE_SHIFT, Frame, NodeRuntime

FIELDS = {Per.RX: "rx_sw_if_index", Per.TX: "tx_sw_if_index"}


class Stage(Struct, frozen=True):
    """A node on the way: ``name`` as declared, ``index`` and ``data`` of the instance; the interface that packets must
    have, if the node goes by one; the result with which they go on to the next stage.
    """

    name: str
    index: int
    data: int
    key: int
    way: int

    @property
    def node(self) -> Node:
        return NODES[self.name]

    @property
    def slot(self) -> int:
        """The declared way out that leads on."""
        return NO_SLOT if self.way & DIRECT else self.way


class Fusion(Struct, frozen=True, dict=True):
    """Stages, and what is taken for constant in them."""

    stages: tuple[Stage, ...]
    facts: tuple[Fact, ...] = ()

    @property
    def head(self) -> Stage:
        return self.stages[0]

    @property
    def name(self) -> str:
        return " + ".join(stage.name for stage in self.stages)

    @property
    def functions(self) -> list[Callable[..., Any]]:
        """Those of its nodes."""
        return [stage.node.function for stage in self.stages]

    @cached_property
    def function(self) -> Callable[[int, int, int], int]:
        """Takes the addresses of the first node's runtime and of a frame, and the number of packets; leaves in the
        thread's ``ways`` where each packet goes, and from which stage.
        """
        scope: dict[str, Any] = {
            "NodeRuntime": NodeRuntime,
            "Frame": Frame,
            "buffer_at": buffer_at,
            "prefetch": prefetch,
            "same": memory.same,
            **{f"known{bits}": getattr(memory, f"known{bits}") for bits in (8, 16, 32, 64)},
            **{f"node{number}": function for number, function in enumerate(self.functions)},
        }
        exec("\n".join(self._lines()), scope)
        made: Callable[[int, int, int], int] = scope["fusion"]
        return made

    def _lines(self) -> list[str]:
        """The function's source. Whatever LLVM is to take for constant is said before the loop."""
        lines = [
            "def fusion(rt_address, frame_address, n):",
            " rt0 = NodeRuntime(rt_address)",
            " vector = Frame(frame_address).vector",
            " worker = rt0.worker",
            " ways = worker.ways",
            " errors = rt0.errors.address",
        ]
        for number, stage in enumerate(self.stages):
            if number:
                lines.append(f" rt{number} = worker.runtimes[{stage.index}]")
                lines.append(f" same(rt{number}.worker.address, worker.address)")
                lines.append(f" same(rt{number}.errors.address, errors)")
            lines.append(f" same(rt{number}.data, {stage.data})")
        lines += [f" known{fact.bits}({fact.address}, {fact.value})" for fact in self.facts]
        lines.append(" for i in range(n):")
        if self.head.node.cold:
            lines.append(f"  if i + {AHEAD} < n:")
            lines.append(f"   coming = buffer_at(vector[i + {AHEAD}]).address")
            lines.append("   prefetch(coming)")
            lines.append("   prefetch(coming + 256)")
        lines.append("  pkt = buffer_at(vector[i])")
        leaving = DIRECT | self.head.index | MISSED << STAGE_SHIFT
        for number, stage in enumerate(self.stages):
            if stage.node.per:
                lines += _leave(f"pkt.{FIELDS[stage.node.per]} != {stage.key}", str(leaving))
            lines.append(f"  way = node{number}(rt{number}, pkt)")
            if stage is not self.stages[-1]:
                lines += _leave(f"way != {stage.way}", f"way | {number << STAGE_SHIFT}")
            leaving = stage.way | number << STAGE_SHIFT
        lines.append(f"  ways[i] = way | {len(self.stages) - 1 << STAGE_SHIFT}")
        lines.append(" return n")
        return lines


def _leave(condition: str, way: str) -> list[str]:
    return [f"  if {condition}:", f"   ways[i] = {way}", "   continue"]
