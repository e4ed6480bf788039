"""trace add, trace filter, show trace, clear trace: the ways that packets took."""

from __future__ import annotations

from collections.abc import Iterable

from weft.core.cli import argument, command
from weft.core.engine import Engine
from weft.core.runtime import threads_in_use


class _NodeName:
    """The name of a node in the graph."""

    def parse(self, engine: Engine, word: str) -> str:
        if word not in engine.graph.by_name:
            raise ValueError("unknown node")
        return word

    def complete(self, engine: Engine, prefix: str) -> Iterable[str]:
        return engine.graph.by_name


argument("node", "the name of a node")(_NodeName)


@command(
    "trace add",
    "<node> <count:u32> [verbose] [filter]",
    help="Trace the next packets that come to a node; 0: no more. `filter': those that `trace filter' lets through",
)
def trace_add(engine: Engine, node: str, count: int, verbose: bool = False, filter: bool = False) -> None:
    """What ``trace filter`` says applies anyway, so ``filter`` adds nothing; traces always are as verbose as can be."""
    engine.trace.add(node, count)


@command(
    "trace filter",
    "( none | include <include:node> <count:u32> | exclude <exclude:node> <count:u32> )",
    help="Show only packets that came by a node, or those that did not",
)
def trace_filter(
    engine: Engine, none: bool = False, include: str | None = None, exclude: str | None = None, count: int = 0
) -> None:
    if none:
        engine.trace.filter = None
    else:
        engine.trace.set_filter(include or exclude or "", include is not None, count)


@command("show trace", "[max <max:u32>]", help="Show the ways of traced packets")
def show_trace(engine: Engine, max: int = 50) -> str:
    return "".join(engine.trace.show(thread, max) for thread in threads_in_use())


@command("show trace filter", help="Show which traced packets are shown")
def show_trace_filter(engine: Engine) -> str:
    filter = engine.trace.filter
    if filter is None:
        return "none\n"
    return f"{'include' if filter.include else 'exclude'} {filter.node} {filter.count}\n"


@command("clear trace", help="Forget traced packets, and trace no more")
def clear_trace(engine: Engine) -> None:
    engine.trace.clear()
