"""The processes that compile."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import TypeVar

R = TypeVar("R")

PR_SET_PDEATHSIG = 1  #: prctl(2)
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def in_processes(function: Callable[[str], R], names: Sequence[str]) -> Generator[tuple[str, Future[R]], None, None]:
    """Call the function for each name, with all cores; each result as it comes.

    Whatever ends this early (an error, a signal's exception) ends the processes too.
    """
    if not names:
        return
    others = set(active_children())
    count = min(len(os.sched_getaffinity(0)), len(names))
    executor = ProcessPoolExecutor(count, mp_context=get_context("fork"), initializer=_begin, initargs=(os.getpid(),))
    try:
        with _held():  # until a new process has forgotten what signals mean to this one
            waiting = {executor.submit(function, name): name for name in names}
        for future in as_completed(waiting):
            yield waiting[future], future
        executor.shutdown()
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for process in set(active_children()) - others:
            process.kill()
        raise


@contextmanager
def _held() -> Iterator[None]:
    """Signals that end the process wait meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(parent: int) -> None:
    """A process is ended by the one that it was forked from, whoever else gets a signal (a terminal's ^C), and by Linux
    if that one is killed.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was killed before that
        os._exit(1)
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
