"""show runtime, clear runtime: what each node did in each thread."""

from __future__ import annotations

import os
from collections.abc import Iterator

from weft.core.cli import command
from weft.core.engine import Engine
from weft.core.node import Kind
from weft.core.runtime import threads_in_use, workers
from weft.features.interface.model import Interfaces
from weft.features.vlib.format import centred, exponent, fixed, joined
from weft.features.vlib.model import PERIOD, NodeStatistics, Statistics

COLUMNS = ("Name", 30), ("State", 12), ("Calls", 16), ("Vectors", 16), ("Suspends", 16)
COLUMNS_TIME = ("Packet-Clocks", 16), ("Vectors/Call", 16)
COLUMNS_MAX = (
    ("Name", 30),
    ("Max Node Clocks", 17),
    ("Vectors at Max", 16),
    ("Max Clocks", 16),
    ("Avg Clocks", 16),
    ("Avg Vectors/Call", 17),
)


@command("show runtime", "[max] [summary] [verbose]", help="Show each node's calls, packets and clocks, by thread")
def show_runtime(engine: Engine, max: bool = False, summary: bool = False, verbose: bool = False) -> str:
    lines: list[str] = []
    for thread in threads_in_use():
        lines += _heading(engine, thread)
        lines += _rates(engine, thread)
        if not summary:
            lines.append("".join(centred(*column) for column in (COLUMNS_MAX if max else (*COLUMNS, *COLUMNS_TIME))))
            shown = [each for each in engine[Statistics].nodes(thread) if verbose or each.calls]
            lines += [_row_max(each) if max else _row(thread, each) for each in shown]
    return joined(lines)


@command("clear runtime", help="Clear what show runtime shows")
def clear_runtime(engine: Engine) -> None:
    engine[Statistics].clear()


def _heading(engine: Engine, thread: int) -> Iterator[str]:
    if len(threads_in_use()) == 1:
        return
    if thread:
        yield "---------------"
    core = lcore(engine, thread)
    yield f"Thread {thread} {engine.workers.names[thread]}" + (f" (lcore {core})" if core is not None else "")


def lcore(engine: Engine, thread: int) -> int | None:
    """The core that a thread is bound to; the one that it may run on, if there is but one."""
    try:
        cores = os.sched_getaffinity(engine.workers.lwp[thread])
    except (KeyError, OSError):
        return None
    return min(cores) if len(cores) == 1 else None


def _rates(engine: Engine, thread: int) -> Iterator[str]:
    statistics = engine[Statistics]
    seconds = max(engine.timers.seconds - statistics.since, 1e-9)
    nodes = {each.instance.name: each.vectors for each in statistics.nodes(thread)}
    ways_out = [f"{interface.name}-tx" for interface in engine[Interfaces] if interface.sup is None]
    received = sum(n for name, n in nodes.items() if engine.graph[name].node.kind is Kind.INPUT)
    sent = sum(nodes.get(name, 0) for name in ways_out)
    interval = statistics.interval(thread)
    yield (
        f"Time {fixed(seconds, 1)}, {PERIOD:f} sec internal node vector rate {fixed(interval.vector_rate, 2)} "
        f"loops/sec {fixed(interval.loops, 2)}"
    )
    rates = (("in", received), ("out", sent), ("drop", nodes.get("drop", 0)), ("punt", nodes.get("punt", 0)))
    yield "  vector rates " + ", ".join(f"{name} {exponent(count / seconds, 4)}" for name, count in rates)


def _row(thread: int, each: NodeStatistics) -> str:
    return (
        f"{each.instance.name[:30]:<30}{centred(state(thread, each), 12)}{each.calls:>16}{each.vectors:>16}{0:>16}"
        f"{exponent(each.clocks_each, 2):>16}{fixed(each.vectors_each, 2):>16}"
    )


def _row_max(each: NodeStatistics) -> str:
    at_max = each.max_clocks / (each.max_vectors or 1)
    return (
        f"{each.instance.name[:30]:<30}{centred(exponent(each.max_clocks, 2), 17)}{centred(each.max_vectors, 16)}"
        f"{centred(exponent(at_max, 2), 16)}{centred(exponent(each.clocks_each, 2), 16)}"
        f"{centred(exponent(each.vectors_each, 2), 16)}"
    )


def state(thread: int, each: NodeStatistics) -> str:
    """An input node's state is that of the queues that it reads in this thread."""
    if each.instance.node.kind is not Kind.INPUT:
        return "active"
    worker = workers[thread]
    node = each.instance.index
    read = [queue for i in range(worker.queue_count) if (queue := worker.queues[i]).active]
    polled = [queue.polling for queue in read if queue.runtime.index == node]
    if not polled:
        return "disabled"
    return "polling" if any(polled) else "interrupt wait"
