"""weftctl's side of the CLI socket: asks a running engine, one request at a time (framed.py)."""

from __future__ import annotations

import socket
from types import TracebackType

import msgspec

from .framed import TERMINAL, Reply, Request, encode
from .telnet import Telnet, terminal_type


class Unreachable(Exception):
    """The engine cannot be asked; the message says why and what to do."""


class Client:
    """A connection to the engine's socket at `path`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._telnet = Telnet()
        self._received = bytearray()
        try:
            self.socket.connect(path)
            self.socket.sendall(terminal_type(TERMINAL))
            self.prompt = self._reply().prompt
        except (OSError, ValueError) as error:
            self.socket.close()
            raise Unreachable(_reason(path, error)) from error
        except Unreachable:
            self.socket.close()
            raise

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def run(self, line: str) -> Reply:
        return self._ask(Request(run=line))

    def complete(self, line: str) -> list[str]:
        return self._ask(Request(complete=line)).words

    def help(self, line: str) -> Reply:
        return self._ask(Request(help=line))

    def _ask(self, request: Request) -> Reply:
        try:
            self.socket.sendall(encode(request).encode())
            return self._reply()
        except OSError as error:
            raise Unreachable(f"the engine closed {self.path}: {error.strerror}") from error

    def _reply(self) -> Reply:
        start = 0
        while (end := self._received.find(b"\n", start)) < 0:
            start = len(self._received)
            data = self.socket.recv(262144)
            if not data:
                said = self._received.decode("utf-8", "replace").strip()
                raise Unreachable(said or f"the engine closed {self.path}; is it still running?")
            self._received += self._telnet.feed(data)
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        try:
            return msgspec.json.decode(line, type=Reply)
        except msgspec.MsgspecError as error:
            said = line.decode("utf-8", "replace").strip()
            raise Unreachable(f"{self.path} does not speak weftctl's protocol: {said[:200]}") from error


def _reason(path: str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return (
            f"the engine is not running: nothing listens on {path}. Start it with `weft-engine -c startup.conf`, or "
            "name its socket with -s (unix { cli-listen ... } in its configuration)"
        )
    if isinstance(error, PermissionError):
        return f"no permission to open {path}: be root, or in the group that owns it (unix {{ gid ... }})"
    return f"cannot open {path}: {getattr(error, 'strerror', None) or error}"
