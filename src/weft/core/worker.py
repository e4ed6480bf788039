"""Threads that forward: the loop that each runs, and how the main thread stops, parks and feeds them."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from weft.core import arena, memory
from weft.core.buffer import DATA_SIZE, LOCAL, NEXT_PRESENT, BufferCache, allocate, buffer_at, free, reset
from weft.core.memory import atomic_load, atomic_store, call, clock, fence, pause, syscall
from weft.core.node import routine
from weft.core.runtime import (
    DIRECT,
    MAX_QUEUES,
    MAX_THREADS,
    Queue,
    Worker,
    append,
    dispatch,
    note,
    queues,
    runtimes,
    start_trace,
    threads_in_use,
    workers,
)
from weft.core.view import Array, View, i64, times, u8, u32

if TYPE_CHECKING:
    from weft.core.engine import Engine

SYS_READ, SYS_EPOLL_WAIT = 0, 232
IDLE_LOOPS = 2000  #: looks without a packet before a worker goes to sleep
SLEEP_MS = 1000
PATIENCE = 10  #: seconds, for a worker to answer the main thread

INJECT_SLOTS = 1024


class Injected(View):
    """A packet that the main thread hands to a worker, and the node that it starts at."""

    index: u32
    node: u32


class Inbox(View):
    """From the main thread (``head``) to one worker (``tail``)."""

    head: i64
    pad: Array[i64] = times(7)
    tail: i64
    pad2: Array[i64] = times(7)
    events: Array[u8] = times(16 * 64)  # where epoll_wait writes
    slots: Array[Injected] = times(INJECT_SLOTS)


inboxes = arena.table("inboxes", Inbox, MAX_THREADS)

# Where in their records the words stand that two threads share.
STOP = Worker.fields["stop"].offset
BARRIER = Worker.fields["barrier"].offset
HEAD = Inbox.fields["head"].offset
TAIL = Inbox.fields["tail"].offset


@routine
def poll(worker: Worker) -> int:
    """Look at each queue once and let what came in run through the graph. How many packets came."""
    before = worker.now
    worker.now = clock()
    worker.longest_round = max(worker.longest_round, worker.now - before)
    received = 0
    for i in range(worker.queue_count):
        queue = worker.queues[i]
        if queue.active == 0:
            continue
        rt = queue.runtime
        start = clock()
        n = call(rt.function, rt.address, queue.device, 0)
        note(rt, n, clock() - start)
        received += n
    inbox = inboxes[worker.index]
    if inbox.tail != atomic_load(inbox.address + HEAD):
        received += take_inbox(worker)
    if worker.pending_head != worker.pending_tail:
        dispatch(worker)
    worker.loops = worker.loops + 1
    return received


@routine
def take_inbox(worker: Worker) -> int:
    """Start the packets that the main thread has handed over."""
    inbox = inboxes[worker.index]
    head = atomic_load(inbox.address + HEAD)
    taken = 0
    while inbox.tail != head:
        slot = inbox.slots[inbox.tail & (INJECT_SLOTS - 1)]
        rt = worker.runtimes[slot.node]
        start_trace(rt, slot.index)
        append(rt, slot.index, DIRECT | slot.node)
        atomic_store(inbox.address + TAIL, inbox.tail + 1)
        taken += 1
    return taken


@routine
def work(worker: Worker) -> int:
    """A worker's life."""
    idle = 0
    while atomic_load(worker.address + STOP) == 0:
        if atomic_load(worker.address + BARRIER):
            worker.parked = 1
            fence()
            while atomic_load(worker.address + BARRIER) and atomic_load(worker.address + STOP) == 0:
                pause()
            worker.parked = 0
            fence()
            # The next barrier may be up already, and have taken the old ``parked`` for an answer.
            continue
        if poll(worker):
            idle = 0
            continue
        idle += 1
        if idle > IDLE_LOOPS and may_sleep(worker):
            rest(worker)
            idle = IDLE_LOOPS // 2
    return 0


@routine
def may_sleep(worker: Worker) -> int:
    """Whether all queues can wake this thread."""
    for i in range(worker.queue_count):
        queue = worker.queues[i]
        if queue.active and queue.polling:
            return 0
    return 1


@routine
def rest(worker: Worker) -> int:
    """Sleep until a queue has packets, or the main thread wants something. Whatever wakes a thread stays readable,
    so nothing is missed that came since the last look. While ``sleeping``, the thread holds nothing published.
    """
    inbox = inboxes[worker.index]
    worker.sleeping = 1
    fence()
    syscall(SYS_EPOLL_WAIT, worker.epoll_fd, inbox.events.address, 64, SLEEP_MS, 0, 0)
    syscall(SYS_READ, worker.wakeup_fd, inbox.events.address, 8, 0, 0, 0)
    worker.sleeping = 0
    fence()
    worker.now = clock()
    return 0


@routine
def read_clock() -> int:
    """The workers' clock."""
    return clock()


@routine
def allocate_packet(cache: BufferCache, length: int) -> int:
    """The index of an empty packet with room for ``length`` bytes, 0 if buffers are short."""
    first = allocate(cache)
    if first == 0:
        return 0
    pkt = buffer_at(first)
    reset(pkt, min(length, DATA_SIZE), 0)
    left = length - pkt.current_length
    pkt.rest_length = left
    while left > 0:
        index = allocate(cache)
        if index == 0:
            free(cache, first)
            return 0
        pkt.next_buffer = index
        pkt.flags = pkt.flags | NEXT_PRESENT
        pkt = buffer_at(index)
        reset(pkt, min(left, DATA_SIZE), 0)
        left -= pkt.current_length
    return first


@routine
def free_packet(cache: BufferCache, index: int) -> int:
    """Give a packet back."""
    free(cache, index)
    return 0


class Workers:
    """The main thread's hold on all threads. Where there are no workers, it does their work in ``step``."""

    def __init__(self, engine: Engine, count: int, corelist: list[int] | None = None) -> None:
        self._engine, self.count, self.corelist = engine, count, corelist or []
        self._threads: list[threading.Thread] = []
        self._epolls: dict[int, select.epoll] = {}
        self._depth = 0
        self.lwp: dict[int, int] = {0: threading.get_native_id()}
        self.names = ["vpp_main", *(f"vpp_wk_{index}" for index in range(count))]
        for thread in threads_in_use():
            worker = workers[thread]
            worker.wakeup_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            epoll = select.epoll()
            epoll.register(worker.wakeup_fd, select.EPOLLIN)
            worker.epoll_fd = epoll.fileno()
            self._epolls[thread] = epoll

    def start(self) -> None:
        """Let the workers run."""
        for thread in threads_in_use()[1:]:
            self._threads.append(
                threading.Thread(target=self._life, args=(thread,), name=self.names[thread], daemon=True)
            )
            self._threads[-1].start()

    def _life(self, thread: int) -> None:
        self.lwp[thread] = threading.get_native_id()
        if thread <= len(self.corelist):
            os.sched_setaffinity(0, {self.corelist[thread - 1]})
        self._engine.call(work, workers[thread])

    @property
    def forwarding(self) -> list[int]:
        """The threads that queues are placed on: the workers, or the main thread where there are none."""
        return threads_in_use()[1:] or [0]

    def step(self) -> int:
        """Without workers: do one round of their work here."""
        return self._engine.call(poll, workers[0])

    # --- queues

    def place(
        self, thread: int, node: str, device: int, *, fd: int = -1, edge: bool = False, polling: bool = False
    ) -> Queue:
        """Let a thread read a receive queue. ``fd`` becomes readable when it has packets, and stays so until they are
        read, or with ``edge`` says so once each time; ``polling``: look always.
        """
        worker = workers[thread]
        with self.barrier():
            free = [i for i in range(worker.queue_count) if worker.queues[i].runtime.address == 0]
            index = free[0] if free else worker.queue_count
            if index == MAX_QUEUES:
                raise MemoryError(f"thread {thread} reads {MAX_QUEUES} queues already")
            queue = worker.queues[index]
            queue.runtime = self._engine.graph.runtime(node, thread)
            queue.device = device
            queue.polling = int(polling)
            queue.active = 1
            worker.queue_count = max(worker.queue_count, index + 1)
        if fd >= 0:
            self._epolls[thread].register(fd, select.EPOLLIN | (select.EPOLLET if edge else 0))
        return queue

    def displace(self, queue: Queue, *, fd: int = -1) -> None:
        """Take a queue off its thread."""
        thread = (queue.address - queues[0].address) // (MAX_QUEUES * Queue.size)
        if fd >= 0:
            self._epolls[thread].unregister(fd)
        with self.barrier():
            queue.active = 0
            queue.runtime = 0
            queue.device = 0

    def thread_of(self, queue: Queue) -> int:
        """The thread that reads a queue."""
        return (queue.address - queues[0].address) // (MAX_QUEUES * Queue.size)

    # --- standing still

    @contextmanager
    def barrier(self) -> Iterator[None]:
        """All workers stand still within this block. Keep it short: nothing is forwarded."""
        running = self._running()
        self._depth += 1
        try:
            if self._depth == 1:
                for thread in running:
                    workers[thread].barrier = 1
                memory.fence()
                for thread in running:
                    self.wake(thread)
                for thread in running:
                    self._wait(lambda thread=thread: workers[thread].parked != 0, thread)  # type: ignore[misc]
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                memory.fence()
                for thread in running:
                    workers[thread].barrier = 0

    def quiesce(self) -> None:
        """Return once no worker can still hold what was published before the call."""
        if self._depth:
            return
        memory.fence()
        seen = {thread: workers[thread].loops for thread in self._running()}
        for thread, loops in seen.items():
            worker = workers[thread]
            self._wait(lambda w=worker, n=loops: w.sleeping != 0 or w.loops >= n + 2, thread)  # type: ignore[misc]

    def wake(self, thread: int) -> None:
        """Wake a thread that may be asleep."""
        os.eventfd_write(workers[thread].wakeup_fd, 1)

    def _running(self) -> list[int]:
        return [index + 1 for index, thread in enumerate(self._threads) if thread.is_alive()]

    def _wait(self, done: Callable[[], bool], thread: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > deadline:
                raise RuntimeError(f"worker {self.names[thread]} has not answered for {PATIENCE} seconds")
            time.sleep(0)

    # --- packets from the main thread

    def inject(
        self, packet: bytes, node: str, *, rx_sw_if_index: int = 0, tx_sw_if_index: int = 0, thread: int | None = None
    ) -> bool:
        """Start a packet at a node, as coming from or leaving by an interface. False if there is no room for it."""
        engine = self._engine
        index = engine.call(allocate_packet, workers[0].cache, len(packet))
        if index == 0:
            return False
        pkt = first = buffer_at(index)
        for start in range(0, max(len(packet), 1), DATA_SIZE):
            memory.write(pkt.data, packet[start : start + DATA_SIZE])
            if pkt.flags & NEXT_PRESENT:
                pkt = buffer_at(pkt.next_buffer)
        first.rx_sw_if_index, first.tx_sw_if_index = rx_sw_if_index, tx_sw_if_index
        first.flags = first.flags | LOCAL
        where = engine.graph[node].index
        if thread is None:
            thread = self.forwarding[0]
        if thread == 0:
            rt = runtimes[where]
            engine.call(start_trace, rt, index)
            engine.call(append, rt, index, DIRECT | where)
            return True
        inbox = inboxes[thread]
        if inbox.head - inbox.tail >= INJECT_SLOTS:
            engine.call(free_packet, workers[0].cache, index)
            return False
        slot = inbox.slots[inbox.head & (INJECT_SLOTS - 1)]
        slot.index, slot.node = index, where
        memory.fence()
        inbox.head = inbox.head + 1
        self.wake(thread)
        return True

    def stop(self) -> None:
        """End the threads."""
        for thread in self._running():
            workers[thread].stop = 1
        memory.fence()
        for thread in self._running():
            self.wake(thread)
        for running in self._threads:
            running.join(PATIENCE)
            while running.is_alive():  # what it reads may not be given back under it
                self._engine.log.error("worker %s has not ended for %d seconds", running.name, PATIENCE)
                running.join(PATIENCE)
        self._threads.clear()

    def close(self) -> None:
        self.stop()
        for thread, epoll in self._epolls.items():
            epoll.close()
            os.close(workers[thread].wakeup_fd)
        self._epolls.clear()
