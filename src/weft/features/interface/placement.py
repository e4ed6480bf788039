"""Receive queues: which thread reads which, and how."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weft.core.model import Invalid, model
from weft.core.runtime import Queue
from weft.features.interface.model import Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine


class RxMode(enum.Enum):
    """How a thread learns that a queue has packets."""

    POLLING = "polling"  #: it always looks, and never sleeps
    INTERRUPT = "interrupt"  #: the queue's file descriptor wakes it
    ADAPTIVE = "adaptive"  #: it looks while packets come, else it sleeps


@dataclass(eq=False)
class RxQueue:
    """A device's receive queue. ``node`` reads it, given ``device``; ``fd`` becomes readable when it has packets, and
    stays so until they are read, or with ``edge`` says so once each time.
    """

    interface: Interface
    number: int
    node: str
    device: int
    fd: int
    mode: RxMode
    thread: int
    edge: bool = False
    #: Called with the queue after its mode or its thread has changed.
    changed: Callable[[RxQueue], None] | None = None
    #: The thread's own record of it, while it is active.
    queue: Queue | None = None


@model
class RxQueues:
    """All receive queues of devices. A driver adds its queues, and activates them while their interface is up."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queues: list[RxQueue] = []
        #: The mode in which new queues begin that can wake a thread; None: adaptive.
        self.default: RxMode | None = None
        engine[Interfaces].watch("removed", self._forget)

    def __iter__(self) -> Iterator[RxQueue]:
        return iter(self._queues)

    def of(self, interface: Interface) -> list[RxQueue]:
        """An interface's queues, by number."""
        mine = [queue for queue in self._queues if queue.interface is interface]
        return sorted(mine, key=lambda queue: queue.number)

    def add(
        self,
        interface: Interface,
        node: str,
        device: int,
        *,
        number: int = 0,
        fd: int = -1,
        edge: bool = False,
        mode: RxMode | None = None,
        thread: int | None = None,
        changed: Callable[[RxQueue], None] | None = None,
        active: bool = True,
    ) -> RxQueue:
        """A receive queue, on the thread that reads the fewest unless one is named.

        Its mode is ``default``, or polling where ``fd`` is missing.
        """
        if mode is None:
            mode = self._default(fd)
        if thread is None:
            used = [queue.thread for queue in self._queues]
            thread = min(self._engine.workers.forwarding, key=used.count)
        queue = RxQueue(interface, number, node, device, fd, mode, thread, edge, changed)
        self._queues.append(queue)
        if active:
            self.activate(queue)
        return queue

    def remove(self, queue: RxQueue) -> None:
        self.activate(queue, False)
        self._queues.remove(queue)

    def activate(self, queue: RxQueue, on: bool = True) -> None:
        """Let its thread read a queue, or no longer."""
        if on == (queue.queue is not None):
            return
        workers = self._engine.workers
        fd = queue.fd if queue.mode is not RxMode.POLLING else -1
        if queue.queue is None:
            polling = queue.mode is RxMode.POLLING
            queue.queue = workers.place(queue.thread, queue.node, queue.device, fd=fd, edge=queue.edge, polling=polling)
            workers.wake(queue.thread)
        else:
            workers.displace(queue.queue, fd=fd)
            queue.queue = None

    def move(self, queue: RxQueue, thread: int) -> None:
        """Let another thread read a queue."""
        if thread not in self._engine.workers.forwarding:
            raise Invalid(f"no thread {thread} forwards packets", "INVALID_WORKER")
        self._change(queue, thread=thread, mode=queue.mode)

    def _default(self, fd: int) -> RxMode:
        return RxMode.POLLING if fd < 0 else self.default or RxMode.ADAPTIVE

    def check_mode(self, queue: RxQueue, mode: RxMode | None) -> None:
        """Raises Invalid if a queue cannot be read in this mode."""
        if mode not in (None, RxMode.POLLING) and queue.fd < 0:
            raise Invalid(f"{queue.interface.name} can only be polled: it cannot wake a thread", "UNSUPPORTED")

    def set_mode(self, queue: RxQueue, mode: RxMode | None) -> None:
        """Say how a queue's thread learns that it has packets; None: as if it were new. Raises Invalid."""
        self.check_mode(queue, mode)
        self._change(queue, thread=queue.thread, mode=mode or self._default(queue.fd))

    def _change(self, queue: RxQueue, thread: int, mode: RxMode) -> None:
        if (thread, mode) == (queue.thread, queue.mode):
            return
        active = queue.queue is not None
        self.activate(queue, False)
        queue.thread, queue.mode = thread, mode
        self.activate(queue, active)
        if queue.changed is not None:
            queue.changed(queue)

    def _forget(self, interface: Interface) -> None:
        for queue in self.of(interface):
            self.remove(queue)
