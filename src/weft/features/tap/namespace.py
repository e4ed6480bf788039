"""Doing something in another network namespace, in a thread that is in it."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def path_of(name: str) -> Path:
    """Where the kernel shows a namespace: a name that ``ip netns`` knows, ``pid:N``, or a path."""
    if name.startswith("pid:"):
        return Path("/proc", name[4:], "ns/net")
    return Path("/run/netns", name)  # an absolute ``name`` stays as it is


def within(namespace: str | None, action: Callable[[], T]) -> T:
    """Do something in a network namespace (None: the engine's own); its result. Raises what it raises, OSError too if
    there is no such namespace.
    """
    if namespace is None:
        return action()
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            descriptor = os.open(path_of(namespace), os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _libc.setns(descriptor, CLONE_NEWNET):
                    number = ctypes.get_errno()
                    raise OSError(number, os.strerror(number))
            finally:
                os.close(descriptor)
            results.append(action())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, name=f"netns {namespace}")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]
