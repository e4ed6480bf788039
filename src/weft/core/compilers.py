"""The processes that compile."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

R = TypeVar("R")

PR_SET_PDEATHSIG = 1  #: prctl(2)
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def in_processes(function: Callable[[str], R], names: Sequence[str]) -> Generator[tuple[str, Future[R]], None, None]:
    """Call the function for each name, with all cores; each result as it comes.

    Whatever ends this early (an error, a signal's exception) ends the processes too.
    """
    if not names:
        return
    # Who starts from kept machine code does without.
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import active_children, get_context

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


def in_background(work: Callable[[], None], *, nice: int) -> tuple[int, int]:
    """Do some work in a process of its own, to which others are as much more urgent as ``nice`` says (0 to 19). Its
    number, and a descriptor that is at its end when that process is; what went wrong can be read there.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    parent = os.getpid()
    with _held():
        pid = os.fork()
        if pid:
            os.close(writing)
            return pid, reading
    status = 1
    try:
        _begin(parent)
        _let_go(writing)
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.nice(nice)
        work()
        status = 0
    except BaseException:
        os.write(writing, traceback.format_exc().encode()[-4000:])
    finally:
        os._exit(status)


def _let_go(keep: int) -> None:
    """Close what the process has of the one that it was forked from, but for this: who waits for the end of a socket
    would wait for this one too.
    """
    os.closerange(3, keep)
    os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))


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
    gc.disable()  # a tenth of the time; what a compiler leaves behind in so short a life is some hundred MB
