"""Away from the machine: time that does not pass, a network and a folder of one's own."""

from __future__ import annotations

import ctypes
import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

from weft.core import timers
from weft.features.pcap import model as pcap_model
from weft.features.ping import run as ping_run

CLONE_NEWNET = 0x40000000


@contextmanager
def no_time() -> Iterator[None]:
    """Time stands still: what depends on it is the same in every run. Who waits (`ping`) has waited long enough."""
    still = SimpleNamespace(monotonic=lambda: 0.0)
    hurried = SimpleNamespace(monotonic=itertools.count(step=10_000).__next__)
    with patch.object(timers, "time", still), patch.object(ping_run, "time", hurried):
        yield


@contextmanager
def no_network() -> Iterator[None]:
    """This thread has a network namespace of its own, where it may (root may)."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as home:
        if libc.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "no network namespace can be made")
        try:
            yield
        finally:
            libc.setns(home.fileno(), CLONE_NEWNET)


@contextmanager
def apart(folder: Path) -> Iterator[None]:
    """All of it; what is written without a folder's name, or below /tmp by `pcap trace`, goes to ``folder``."""
    with ExitStack() as stack:
        stack.enter_context(no_time())
        stack.enter_context(no_network())
        stack.enter_context(chdir(folder))
        stack.enter_context(patch.object(pcap_model, "FOLDER", folder))
        yield
