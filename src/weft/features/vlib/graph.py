"""show node, show vlib graph: which nodes there are, and where their packets go."""

from __future__ import annotations

from weft.core.cli import command
from weft.core.engine import Engine
from weft.core.graph import Instance
from weft.core.node import Kind
from weft.core.runtime import threads_in_use
from weft.features.vlib.format import centred, joined
from weft.features.vlib.model import Statistics
from weft.features.vlib.runtime import state

TYPES = {Kind.PACKET: "internal", Kind.FRAME: "internal", Kind.INPUT: "input"}


@command("show node", "[<node>]", help="Show a node: the nodes that it sends packets to, and those before it")
def show_node(engine: Engine, node: str | None = None) -> str:
    if node is None:
        return joined(sorted(engine.graph.by_name))
    instance = engine.graph[node]
    kind = TYPES[instance.node.kind]
    lines = [f"node {node}, type {kind}, state {_state(engine, instance)}, index {instance.index}"]
    if instance.data:
        lines.append(f"  instance of {instance.node.name}, data {instance.data}")
    lines += _function(engine)
    if instance.nexts:
        lines += ["", *_next(engine, instance)]
    before = _previous(engine, node)
    if before:
        lines += ["", "  known previous nodes:", *_cells(before)]
    return joined(lines)


@command("show vlib graph", "[<node>]", help="Show nodes with those before and behind them")
def show_vlib_graph(engine: Engine, node: str | None = None) -> str:
    lines = [f"{centred('Name', 40)}{centred('Next', 45)}{centred('Previous', 40)}"]
    for name in [node] if node is not None else sorted(engine.graph.by_name):
        instance = engine.graph[name]
        nexts = [f"{each} [{slot}]" for slot, each in enumerate(instance.nexts)]
        before = [each.name for each in _previous(engine, name)]
        height = max(len(nexts), len(before), 1)
        columns = ([name], nexts, before)
        for row in range(height):
            first, second, third = (column[row] if row < len(column) else "" for column in columns)
            lines.append(f"{first:<40}{second:>45}{third:>40}")
    return joined(lines)


def _state(engine: Engine, instance: Instance) -> str:
    """The state in any thread that uses the node."""
    states = []
    for thread in threads_in_use():
        each = next(each for each in engine[Statistics].nodes(thread) if each.instance is instance)
        states.append(state(thread, each))
    return next((each for each in states if each != "disabled"), "disabled")


def _function(engine: Engine) -> list[str]:
    form = "interpreted" if engine.interpret else "compiled"
    return [
        "  node function variants:",
        "    Name             Priority  Active  Description",
        f"    {'default':<15}  {0:>8}  {centred('yes', 6)}  {form}",
    ]


def _next(engine: Engine, instance: Instance) -> list[str]:
    lines = ["  next nodes:", f"    next-index  node-index  {centred('Node', 30)} {centred('Vectors', 8)}"]
    for slot, name in enumerate(instance.nexts):
        vectors = sum(engine.graph.runtime(instance.name, thread).next_vectors[slot] for thread in threads_in_use())
        index = engine.graph[name].index
        lines.append(f"    {centred(slot, 10)}  {centred(index, 10)}  {centred(name, 30)} {centred(vectors, 8)}")
    return lines


def _previous(engine: Engine, node: str) -> list[Instance]:
    return [each for each in engine.graph.by_name.values() if node in each.nexts]


def _cells(nodes: list[Instance]) -> list[str]:
    """Three to a line, by index."""
    cells = [f"{each.name} ({each.index})" for each in sorted(nodes, key=lambda each: each.index)]
    return ["    " + "".join(f"{cell:<35}" for cell in cells[at : at + 3]) for at in range(0, len(cells), 3)]
