"""The API's socket. A message is preceded by 16 bytes: a word, its length in network byte order, a word.

Each client's messages are carried out one after the other; clients take turns. Whoever sends faster than it is
served, or does not read, is no longer read from until it catches up, and holds up nobody else.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Iterator
from typing import TYPE_CHECKING, Any

from weft.core.listener import UnixListener

from .calls import Calls, Unknown
from .client import Client
from .types import Malformed

if TYPE_CHECKING:
    from weft.core.engine import Engine

log = logging.getLogger("weft.api")

HEADER = 16
MAX_MESSAGE = 1 << 20  #: bytes that a client may send at once
MAX_WAITING = 4 << 20  #: bytes of events that wait for a client which does not read, before it is cut off
READ_AHEAD = 1 << 18  #: bytes that are read from a client before they are carried out
WRITE_AT_ONCE = 1 << 16  #: bytes of answers that are gathered before they are written
TURN = 0.002  #: seconds that one client's messages are carried out before others have their turn


class ApiServer:
    """Serves any number of clients, up to ``max_clients``."""

    def __init__(self, engine: Engine, listener: UnixListener, max_clients: int = 1024) -> None:
        self.engine, self.listener, self.max_clients = engine, listener, max_clients
        self.calls = engine[Calls]
        self.clients = self.calls.clients
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to listen. Raises OSError that names the socket and says what is wrong with it."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: Connection(self), sock=self.listener.open())

    async def stop(self) -> None:
        """Close every connection and remove the socket."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.close("the engine stops")
        self.listener.remove()
        self._server = None

    def join(self, connection: Connection) -> Client | None:
        """Register a connection as a client, unless there are too many."""
        if len(self.clients) >= self.max_clients:
            return None
        index = next(i for i in range(len(self.clients) + 1) if i not in self.clients)
        client = self.clients[index] = Client(index, self.calls.table, connection.send_event)
        self._connections.add(connection)
        return client

    def leave(self, connection: Connection) -> None:
        """A connection has ended: whoever keeps something for the client is told."""
        self._connections.discard(connection)
        client = connection.client
        if client is not None and self.clients.pop(client.index, None) is not None:
            client.leave()


class Connection(asyncio.Protocol):
    """A client's connection."""

    def __init__(self, server: ApiServer) -> None:
        self._server, self._calls = server, server.calls
        self.client: Client | None = None
        self._transport: asyncio.Transport | None = None
        self._data = bytearray()
        self._out = bytearray()
        self._answer: Iterator[bytearray] | None = None
        self._task: asyncio.Task[None] | None = None
        self._full = False
        self._scheduled = False

    # --- what the transport tells

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.client = self._server.join(self)
        if self.client is None:
            log.warning("a client was turned away: %d are connected already", self._server.max_clients)
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._data += data
        self._turn()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._later()

    def connection_lost(self, error: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()
        self._transport = None
        self._server.leave(self)

    # --- working

    def _later(self) -> None:
        if not self._scheduled and self._transport is not None:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._scheduled_turn)

    def _scheduled_turn(self) -> None:
        self._scheduled = False
        self._turn()

    def _turn(self) -> None:
        """Carry out what has come, for a while."""
        end = time.monotonic() + TURN
        try:
            while self._transport is not None and not self._full and self._task is None and self._work():
                if time.monotonic() > end:
                    self._later()
                    break
        except (Unknown, Malformed) as error:
            self.close(str(error))
        self._write()
        self._read_on()

    def _read_on(self) -> None:
        """Read from the client as long as not too much waits to be carried out."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if len(self._data) > READ_AHEAD:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def _work(self) -> bool:
        """Send the next message of an answer, or begin with the next request. False if there is nothing to do."""
        if self._answer is not None:
            message = next(self._answer, None)
            if message is None:
                self._answer = None
            else:
                self._send(message)
            return True
        return self._begin()

    def _begin(self) -> bool:
        data = self._data
        if len(data) < HEADER:
            return False
        length = int.from_bytes(data[8:12], "big")
        if length > MAX_MESSAGE:
            raise Malformed(f"a message of {length} bytes; {MAX_MESSAGE} are the most")
        if len(data) < HEADER + length:
            return False
        message = bytes(data[HEADER : HEADER + length])
        del data[: HEADER + length]
        assert self.client is not None
        answer = self._calls.answer(self.client, memoryview(message))
        if isinstance(answer, Iterator):
            self._answer = answer
        else:
            self._task = asyncio.create_task(self._wait(answer))
        return True

    async def _wait(self, answer: Awaitable[Iterator[bytearray]]) -> None:
        self._answer = await answer
        self._task = None
        self._turn()

    # --- sending

    def _send(self, message: bytearray) -> None:
        self._out += bytes(8) + len(message).to_bytes(4, "big") + bytes(4) + message
        if len(self._out) >= WRITE_AT_ONCE:
            self._write()

    def _write(self) -> None:
        """Hand what has gathered to the transport, which may then say that the client does not read."""
        if self._out and self._transport is not None:
            out, self._out = self._out, bytearray()
            self._transport.write(out)

    def send_event(self, event: Any) -> None:
        """Send an event between the answers. A client that does not read is cut off."""
        if self._transport is None or self.client is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > MAX_WAITING:
            self.close("it does not read its events")
            return
        self._send(self._calls.encode(self.client, event))
        self._later()

    def close(self, reason: str) -> None:
        """End the connection, and say why in the log."""
        if self._transport is not None:
            log.info("client %s is disconnected: %s", self.client.name if self.client else "", reason)
            self._transport.abort()
