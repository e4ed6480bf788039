"""A UNIX socket to listen on, as the engine's servers have: it appears at once with its owner and mode, it replaces a
dead one of that name but nothing else, and goes with the server.
"""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

PROBE_TIMEOUT = 1.0


class UnixListener:
    """A listening socket at a path. ``setting`` is the configuration that names it, for error messages."""

    def __init__(
        self,
        path: Path,
        *,
        setting: str,
        kind: int = socket.SOCK_STREAM,
        mode: int = 0o660,
        group: int = -1,
        backlog: int = 64,
    ) -> None:
        self.path, self.setting, self.kind = path, setting, kind
        self.mode, self.group, self.backlog = mode, group, backlog
        self._identity: tuple[int, int] | None = None

    def open(self) -> socket.socket:
        """Begin to listen. Raises OSError that says what is wrong."""
        if self._in_use():
            raise OSError(f"an engine already listens there; end it or name another socket ({self.setting})")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        listener = socket.socket(socket.AF_UNIX, self.kind)
        try:
            new.unlink(missing_ok=True)
            listener.bind(str(new))
            os.chmod(new, self.mode)
            os.chown(new, -1, self.group)
            listener.listen(self.backlog)
            os.rename(new, self.path)
            self._identity = _identity(self.path)
        except OSError:
            listener.close()
            new.unlink(missing_ok=True)
            raise
        return listener

    def remove(self) -> None:
        """Take the name away, if it still is that of our socket."""
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


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
