"""A client of the API that sends whatever bytes it likes."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from types import TracebackType


class Raw:
    """A connection. Knows sockclnt_create, which is message 15, and its reply; the rest is the test's."""

    def __init__(self, path: Path, name: str | None = "raw") -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(20)
        self.socket.connect(str(path))
        self.table: dict[str, int] = {}
        if name is not None:
            self.create(name)

    def create(self, name: str = "raw") -> None:
        """Introduce oneself; learn the message table."""
        self.send(struct.pack(">HI64s", 15, 1, name.encode()))
        reply = self.receive()
        number, self.index, context, response, _, count = struct.unpack_from(">HIIiIH", reply)
        assert (number, context, response) == (16, 1, 0)
        for i in range(count):
            index, entry = struct.unpack_from(">H64s", reply, 20 + i * 66)
            self.table[entry.rstrip(b"\0").decode().rpartition("_")[0]] = index

    def request(self, name: str, fields: bytes = b"", context: int = 7) -> bytes:
        """A request's message."""
        return struct.pack(">HII", self.table[name], self.index, context) + fields

    @staticmethod
    def frame(message: bytes) -> bytes:
        """A message with the 16 bytes in front."""
        return struct.pack(">QII", 0, len(message), 0) + message

    def send(self, *messages: bytes) -> None:
        self.socket.sendall(b"".join(self.frame(message) for message in messages))

    def ask(self, name: str, fields: bytes = b"") -> bytes:
        """A request's first answer."""
        self.send(self.request(name, fields))
        return self.receive()

    def retval(self, name: str, fields: bytes = b"") -> int:
        """What the reply to a request says."""
        return int(struct.unpack_from(">i", self.ask(name, fields), 6)[0])

    def receive(self) -> bytes:
        """The next message. Raises EOFError when the engine has closed the connection."""
        (length,) = struct.unpack_from(">I", self._exactly(16), 8)
        return self._exactly(length)

    def closed(self) -> bool:
        """Whether the engine closes the connection, whatever it may send before."""
        try:
            while self.socket.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass
        return True

    def _exactly(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            if not more:
                raise EOFError("the engine has closed the connection")
            data += more
        return data

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Raw:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()
