"""set graph fuse, show graph fuse: nodes that are compiled together, as packets pass them one after the other."""

from __future__ import annotations

from weft.core.cli import command
from weft.core.engine import Engine
from weft.core.fusing.fusion import Fusion
from weft.core.node import Per
from weft.features.interface.model import Interfaces
from weft.features.vlib.format import joined


@command("set graph fuse", "( on | off )", help="Compile nodes together that many packets pass, or do not")
def set_graph_fuse(engine: Engine, on: bool = False, off: bool = False) -> None:
    engine.fuser.set_mode("off" if off else "on")


@command("show graph fuse", help="Show which nodes are compiled together, and for packets of which interfaces")
def show_graph_fuse(engine: Engine) -> str:
    fuser = engine.fuser
    lines = [f"fuse {fuser.mode}"]
    for fusion in sorted(fuser.installed, key=lambda fusion: (fusion.head.index, fusion.head.key)):
        lines.append(" -> ".join(_stage(engine, fusion, number) for number in range(len(fusion.stages))))
        if fusion.facts:
            lines.append(f"  {len(fusion.facts)} values of the configuration are constant in it")
    if fuser.making:
        lines.append(f"{fuser.making} being compiled")
    return joined(lines)


def _stage(engine: Engine, fusion: Fusion, number: int) -> str:
    """A node, and the interface whose packets it is for."""
    stage = fusion.stages[number]
    name = engine.graph.instances[stage.index].name
    if stage.node.per is Per.ANY:
        return name
    interface = engine[Interfaces].by_index.get(stage.key)
    return f"{name} ({stage.node.per.name.lower()} {interface.name if interface else stage.key})"
