"""The process itself: into the background, its pidfile, its folder, its core dumps."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from weft.core.config import Unix

#: Anonymous and private memory, ELF headers and huge pages: what VPP asks for (core(5)).
COREDUMP_FILTER = "0x6f"


def detach() -> Callable[[], None]:
    """Go on in a new process without a terminal. The first process stays until that one is ready or has failed."""
    readable, writable = os.pipe()
    child = os.fork()
    if child:
        os.close(writable)
        _follow(child, readable)
    os.close(readable)
    os.setsid()

    def ready() -> None:
        with suppress(BrokenPipeError):  # the first process has been ended
            os.write(writable, b"ready")
        os.close(writable)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)

    return ready


def _follow(child: int, readable: int) -> NoReturn:
    said = os.read(readable, 16)
    if said == b"ready":
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code > 0 else 1)


@contextmanager
def pidfile(path: Path | None) -> Iterator[None]:
    """A file with the process's number, for as long as it runs. Raises OSError that names it."""
    if path is None:
        yield
        return
    mine = f"{os.getpid()}\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(mine)
    except OSError as error:
        raise OSError(f"cannot write the pidfile {path}: {error.strerror}") from error
    try:
        yield
    finally:
        with suppress(OSError):
            if path.read_text() == mine:
                path.unlink()


def make_runtime_dir(unix: Unix) -> None:
    """The folder for sockets, of the group that may use them if it is made here. Raises OSError."""
    if not unix.runtime_dir.is_dir():
        unix.runtime_dir.mkdir(parents=True)
        os.chown(unix.runtime_dir, -1, unix.group)


def allow_core_dumps(unix: Unix) -> None:
    """As large as asked for, with all that is private to the process. Raises OSError or ValueError where forbidden."""
    if unix.coredump_size is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (unix.coredump_size, unix.coredump_size))
    if unix.full_coredump:
        Path("/proc/self/coredump_filter").write_text(COREDUMP_FILTER)
