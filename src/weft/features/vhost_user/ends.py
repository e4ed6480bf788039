"""How a connection comes about: we listen, or we connect, again and again."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from weft.core.listener import UnixListener
from weft.core.model import Invalid

if TYPE_CHECKING:
    from weft.core.engine import Engine

FIRST_RETRY, LAST_RETRY = 0.05, 2.0  #: seconds
MAX_PATH = 107  #: bytes

Connected = Callable[[socket.socket], None]


class End(Protocol):
    """Our end of a socket. ``error``: the number of the last error, 0 if there is none."""

    error: int

    def open(self) -> None:
        """Begin. Raises Invalid."""

    def again(self) -> None:
        """The connection has ended: another may come."""

    def close(self) -> None: ...


class Server:
    """We listen; a front end connects. A new one takes the place of the one before, which may have died unnoticed."""

    def __init__(
        self, engine: Engine, path: str, connected: Connected, *, mode: int = 0o660, owner: int = -1, group: int = -1
    ) -> None:
        self._engine, self._path, self._connected = engine, path, connected
        self._listener = UnixListener(
            Path(path), setting="create vhost-user socket ...", mode=mode, owner=owner, group=group
        )
        self._socket: socket.socket | None = None
        self.error = 0

    def open(self) -> None:
        try:
            self._socket = self._listener.open()
        except OSError as error:
            raise Invalid(error.strerror or str(error), "SYSCALL_ERROR_1") from error
        self._socket.setblocking(False)
        self._engine.files.watch(self._socket.fileno(), self._accept)

    def _accept(self) -> None:
        assert self._socket is not None
        try:
            connection, _ = self._socket.accept()
        except OSError as error:
            self.error = error.errno or 0
            return
        self.error = 0
        self._connected(connection)

    def again(self) -> None:
        """The socket still listens."""

    def close(self) -> None:
        if self._socket is not None:
            self._engine.files.forget(self._socket.fileno())
            self._socket = None
            self._listener.remove()


class Client:
    """The front end listens; we connect, at once and then at growing intervals. They grow on where a connection does
    not last.
    """

    def __init__(self, engine: Engine, path: str, connected: Connected) -> None:
        self._engine, self._path, self._connected = engine, path, connected
        self._open = False
        self._pause = FIRST_RETRY
        self._since = 0.0  #: when the last connection came about
        self.error = 0

    def open(self) -> None:
        self._open = True
        self._connect()

    def again(self) -> None:
        if self._engine.timers.seconds - self._since > LAST_RETRY:
            self._pause = FIRST_RETRY
        self._later()

    def _later(self) -> None:
        self._engine.timers.after(self._pause, self._connect)
        self._pause = min(2 * self._pause, LAST_RETRY)

    def _connect(self) -> None:
        if not self._open:
            return
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            connection.connect(self._path)
        except OSError as error:
            connection.close()
            self.error = error.errno or errno.ECONNREFUSED
            self._later()
            return
        self.error = 0
        self._since = self._engine.timers.seconds
        self._connected(connection)

    def close(self) -> None:
        self._open = False


def check_path(path: str) -> None:
    """Raises Invalid."""
    if not 0 < len(os.fsencode(path)) <= MAX_PATH or "\0" in path:
        raise Invalid(f"a socket's path has 1 to {MAX_PATH} bytes, not {len(os.fsencode(path))}", "INVALID_ARGUMENT")


def error_text(number: int) -> str:
    """As VPP shows it."""
    return os.strerror(number)
