"""Listening sockets of the engine's servers: the command line, the binary API, the statistics.

They may be opened before the engine is compiled: who connects early waits in the backlog and is served when it is
ready, and a second engine of the same sockets is refused at once.
"""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import Protocol

PROBE_TIMEOUT = 1.0
BACKLOG = 256


class Listener(Protocol):
    """A socket that is listened on between `open` and `remove`."""

    def open(self) -> socket.socket:
        """Begin to listen, once: then it is the same socket. Raises OSError that names it and says what is wrong."""

    def remove(self) -> None:
        """Listen no more."""


class UnixListener:
    """A socket at a path. It appears there at once with its group and mode, replaces a dead one of that name but
    nothing else, and goes with the server. ``setting`` is the configuration that names it, for error messages.
    """

    def __init__(
        self,
        path: Path,
        *,
        setting: str,
        kind: int = socket.SOCK_STREAM,
        mode: int = 0o660,
        owner: int = -1,
        group: int = -1,
        backlog: int = BACKLOG,
    ) -> None:
        self.path, self.setting, self.kind = path, setting, kind
        self.mode, self.owner, self.group, self.backlog = mode, owner, group, backlog
        self._socket: socket.socket | None = None
        self._identity: tuple[int, int] | None = None

    def open(self) -> socket.socket:
        if self._socket is None:
            try:
                self._socket = self._bind()
            except OSError as error:
                raise OSError(f"cannot listen on {self.path}: {error.strerror or error}") from error
        return self._socket

    def _bind(self) -> socket.socket:
        if self._in_use():
            raise OSError(f"an engine already listens there; end it or name another socket ({self.setting})")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        listener = socket.socket(socket.AF_UNIX, self.kind)
        try:
            new.unlink(missing_ok=True)
            listener.bind(str(new))
            os.chmod(new, self.mode)
            os.chown(new, self.owner, self.group)
            listener.listen(self.backlog)
            os.rename(new, self.path)
            self._identity = _identity(self.path)
        except OSError:
            listener.close()
            new.unlink(missing_ok=True)
            raise
        return listener

    def remove(self) -> None:
        """Listen no more, and take the name away, if it still is that of our socket."""
        if self._socket is not None:
            self._socket.close()
        if self._identity is not None:
            with suppress(OSError):
                if _identity(self.path) == self._identity:
                    os.unlink(self.path)
            self._identity = None

    def _in_use(self) -> bool:
        """Whether someone listens there. Raises OSError when the path is something else, not to be replaced."""
        try:
            if not stat.S_ISSOCK(self.path.lstat().st_mode):
                raise OSError("there is a file of that name that is not a socket")
        except FileNotFoundError:
            return False
        with socket.socket(socket.AF_UNIX, self.kind) as probe:
            probe.settimeout(PROBE_TIMEOUT)
            try:
                probe.connect(str(self.path))
            except (ConnectionRefusedError, FileNotFoundError):
                return False
            except (TimeoutError, BlockingIOError):  # busy
                pass
        return True


class PortListener:
    """A TCP socket at ``host:port``, or at ``port`` of this machine alone."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket: socket.socket | None = None

    def open(self) -> socket.socket:
        if self._socket is None:
            host, _, port = self.address.rpartition(":")
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            place = host.strip("[]") or "localhost"
            try:
                self._socket = socket.create_server((place, int(port)), family=family, backlog=BACKLOG)
            except ValueError:
                raise OSError(f"cannot listen on {self.address}: it is neither /a/path nor host:port") from None
            except (OSError, OverflowError) as error:
                reason = getattr(error, "strerror", None) or error
                raise OSError(f"cannot listen on {self.address}: {reason}") from error
        return self._socket

    def remove(self) -> None:
        if self._socket is not None:
            self._socket.close()


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
