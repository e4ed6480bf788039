"""Commands of receive queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.core.model import Invalid
from weft.features.interface.model import Interface
from weft.features.interface.placement import RxMode, RxQueue, RxQueues

if TYPE_CHECKING:
    from weft.core.engine import Engine


@command("show interface rx-placement", help="Show which thread reads which receive queue")
def show_rx_placement(engine: Engine) -> str:
    lines = []
    queues = sorted(engine[RxQueues], key=lambda q: (q.thread, q.node, q.interface.name, q.number))
    thread, node = -1, ""
    for queue in queues:
        if queue.thread != thread:
            thread, node = queue.thread, ""
            lines.append(f"Thread {thread} ({engine.workers.names[thread]}):")
        if queue.node != node:
            node = queue.node
            lines.append(f" node {node}:")
        lines.append(f"    {queue.interface.name} queue {queue.number} ({queue.mode.value})")
    return "\n".join(lines)


@command(
    "set interface rx-placement",
    "<interface> [queue <queue:u32>] (worker <worker:u32> | main)",
    help="Let a worker, or the main thread, read an interface's receive queue; queue 0 unless another is named",
)
def set_rx_placement(
    engine: Engine, interface: Interface, queue: int = 0, worker: int | None = None, main: bool = False
) -> None:
    threads = engine.workers.forwarding
    thread = 0 if worker is None else worker + 1
    if thread not in threads:
        others = "main" if threads == [0] else f"worker 0 to {len(threads) - 1}" if len(threads) > 1 else "worker 0"
        raise Invalid(f"{'main' if main else f'worker {worker}'} forwards no packets; choose {others}")
    engine[RxQueues].move(_queues(engine, interface, queue)[0], thread)


@command(
    "set interface rx-mode",
    "<interface> [queue <queue:u32>] <mode:polling|interrupt|adaptive>",
    help="Say how threads learn that an interface's receive queues, or one of them, have packets",
)
def set_rx_mode(engine: Engine, interface: Interface, mode: str, queue: int | None = None) -> None:
    for each in _queues(engine, interface, queue):
        engine[RxQueues].set_mode(each, RxMode(mode))


def _queues(engine: Engine, interface: Interface, number: int | None) -> list[RxQueue]:
    """An interface's queues, or the one with a number."""
    found = [queue for queue in engine[RxQueues].of(interface) if number in (None, queue.number)]
    if not found:
        which = "receive queue" if number is None else f"receive queue {number}"
        raise Invalid(f"{interface.name} has no {which}")
    return found
