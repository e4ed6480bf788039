"""A connection to a front end: whole messages are read from it, carried out, and answered."""

from __future__ import annotations

import array
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from weft.core.files import READABLE
from weft.features.vhost_user.messages import (
    HEADER,
    MAX_PAYLOAD,
    MAX_TABLE_REGIONS,
    NUMBER,
    REPLY,
    REQUESTS,
    VERSION,
    VERSION_MASK,
    Failed,
    Malformed,
    Request,
    WithFds,
)

if TYPE_CHECKING:
    from weft.core.engine import Engine
    from weft.features.vhost_user.backend import Backend

FD_SIZE = array.array("i").itemsize
MAX_FDS = MAX_TABLE_REGIONS + 1  #: one too many is seen as such

# Each message may make all workers wait for a moment. Who sends more than these is read from more slowly.
BURST = 4096
PER_SECOND = 1000.0
AT_ONCE = 64  #: messages, before others have their turn
PAUSE = 0.1  #: seconds


class Session:
    """One connection. ``ended`` is called once, with what was wrong (empty: the front end has gone)."""

    def __init__(
        self, engine: Engine, connection: socket.socket, backend: Backend, ended: Callable[[Session, str], None]
    ) -> None:
        self._engine, self._socket, self._backend, self._ended = engine, connection, backend, ended
        self._data = b""
        self._fds: list[int] = []
        self._credit, self._since = float(BURST), engine.timers.seconds
        self._open = True
        connection.setblocking(False)
        engine.files.watch(connection.fileno(), self._read)

    def close(self) -> None:
        """End it without a word."""
        if self._open:
            self._open = False
            self._engine.files.forget(self._socket.fileno())
            self._socket.close()
            self._drop_fds()

    def _fail(self, why: str) -> None:
        if self._open:
            self.close()
            self._ended(self, why)

    def _drop_fds(self) -> None:
        for fd in self._fds:
            os.close(fd)
        self._fds.clear()

    # --- reading

    def _read(self) -> None:
        """What the connection has brought."""
        try:
            for _ in range(AT_ONCE):
                if not self._open or not self._affordable():
                    return
                if not self._receive():
                    return
        except Malformed as error:
            self._fail(str(error))
        except OSError as error:
            self._fail(error.strerror or str(error))

    def _affordable(self) -> bool:
        now = self._engine.timers.seconds
        self._credit = min(BURST, self._credit + (now - self._since) * PER_SECOND)
        self._since = now
        if self._credit >= 1:
            return True
        self._engine.files.expect(self._socket.fileno(), 0)
        self._engine.timers.after(PAUSE, self._go_on)
        return False

    def _go_on(self) -> None:
        if self._open:
            self._engine.files.expect(self._socket.fileno(), READABLE)

    def _receive(self) -> bool:
        """Read on in the message, and carry it out if it is whole. False if there is nothing more to read now."""
        wanted = HEADER.size
        if len(self._data) >= HEADER.size:
            wanted += self._size()
        try:
            more, control, flags, _ = self._socket.recvmsg(
                wanted - len(self._data), socket.CMSG_SPACE(MAX_FDS * FD_SIZE), socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return False
        for level, kind, data in control:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self._fds += array.array("i", data[: len(data) // FD_SIZE * FD_SIZE])
        if flags & socket.MSG_CTRUNC or len(self._fds) > MAX_TABLE_REGIONS:
            raise Malformed("it sends more file descriptors than any message has")
        if not more:
            self._fail("")
            return False
        self._data += more
        if len(self._data) < HEADER.size or len(self._data) < HEADER.size + self._size():
            return True
        message, fds = self._data, self._fds
        self._data, self._fds = b"", []
        self._credit -= 1
        self._carry_out(message, fds)
        return True

    def _size(self) -> int:
        """Bytes of the message's payload."""
        _, _, size = HEADER.unpack_from(self._data)
        if size > MAX_PAYLOAD:
            raise Malformed(f"it announces a message of {size} bytes")
        return int(size)

    # --- carrying out

    def _carry_out(self, message: bytes, fds: list[int]) -> None:
        """``fds`` that the handler has not taken out of the list are closed."""
        number, flags, _ = HEADER.unpack_from(message)
        try:
            if flags & VERSION_MASK != VERSION or flags & REPLY:
                raise Malformed(f"message {number} has impossible flags {flags:#x}")
            request = REQUESTS.get(number)
            if request is None:
                self._engine.log.info("%s: unknown vhost-user message %d", self._backend.name, number)
                self._acknowledge(number, flags, 1)
                return
            try:
                self._answer(request, flags, *self._handle(request, message[HEADER.size :], fds))
            except Failed as error:
                if request.answer is not None or not self._backend.acknowledges(flags):
                    raise Malformed(str(error)) from error
                self._engine.log.warning("%s: %s: %s", self._backend.name, request.name, error)
                self._acknowledge(number, flags, 1)
            except Malformed as error:
                raise Malformed(f"{request.name}: {error}") from error
        finally:
            for fd in fds:
                os.close(fd)

    def _handle(self, request: Request, data: bytes, fds: list[int]) -> tuple[Any, list[int]]:
        """A request's answer, and the descriptors that go with it."""
        least, most = request.fds
        if not least <= len(fds) <= most:
            raise Malformed(f"it brings {len(fds)} file descriptors")
        payload = request.payload.read(data)
        arguments = [] if payload is None else [payload]
        if most:
            arguments.append(fds)
        given = getattr(self._backend, request.handler)(*arguments)
        return (given.value, given.fds) if isinstance(given, WithFds) else (given, [])

    def _answer(self, request: Request, flags: int, value: Any, fds: list[int]) -> None:
        if request.answer is not None:
            self._send(request.number, request.answer.write(value), fds)
        else:
            self._acknowledge(request.number, flags, 0)

    def _acknowledge(self, number: int, flags: int, result: int) -> None:
        """Say whether it went well (0), if the front end wants to know."""
        if self._backend.acknowledges(flags):
            self._send(number, NUMBER.write((result,)), [])

    def _send(self, number: int, payload: bytes, fds: list[int]) -> None:
        data = HEADER.pack(number, VERSION | REPLY, len(payload)) + payload
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            sent = self._socket.sendmsg([data], control, socket.MSG_NOSIGNAL)
        except BlockingIOError:
            sent = 0
        finally:
            for fd in fds:
                os.close(fd)
        if sent != len(data):
            raise Malformed("it does not read our answers")
