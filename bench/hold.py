"""Keeping the machine's other processors from disturbing a worker: they are held, doing nothing, while it is measured.

A processor that is busy, with whatever, slows down one that is another thread of the same core, and a virtual machine
often does not know which are. One whose code is ``pause`` and nothing else leaves its core to the other. It takes
root, and the whole machine from everybody else; so it is for moments, and off unless it is asked for.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from weft import Engine
from weft.core import arena, features
from weft.core.memory import atomic_load, pause
from weft.core.node import routine
from weft.core.view import View, i64

features.load()  # first, so that what is declared here moves none of their addresses

#: Real-time priorities: who reads the figures, who holds a processor, who forwards.
READS, HOLDS, FORWARDS = 30, 20, 10


class Held(View):
    """Whether processors are to be held."""

    on: i64


held = arena.root("bench-held", Held)


@routine
def hold(number: int) -> int:
    """Do nothing, until told otherwise."""
    while atomic_load(held.address):
        pause()
    return number


def _prefer(thread: int, priority: int) -> None:
    policy = os.SCHED_FIFO if priority else os.SCHED_OTHER
    os.sched_setscheduler(thread, policy, os.sched_param(priority))


@contextmanager
def others_held(engine: Engine, core: int) -> Iterator[None]:
    """Within this block nothing runs but the worker on ``core``, and the caller when it has something to do. Raises
    PermissionError.
    """
    allowed = os.sched_getaffinity(0)
    others = sorted(allowed - {core})
    if not others:
        yield
        return

    def holder(processor: int) -> None:
        os.sched_setaffinity(0, {processor})
        _prefer(0, HOLDS)
        engine.call(hold, processor)

    threads = [threading.Thread(target=holder, args=(processor,)) for processor in others]
    held.on = 1
    try:
        os.sched_setaffinity(0, {others[0]})
        _prefer(0, READS)
        _prefer(engine.workers.lwp[1], FORWARDS)
        for thread in threads:
            thread.start()
        yield
    finally:
        held.on = 0
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        _prefer(0, 0)
        _prefer(engine.workers.lwp[1], 0)
        os.sched_setaffinity(0, allowed)
