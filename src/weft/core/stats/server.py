"""The statistics socket: whoever connects is handed a descriptor of the segment, and that is all.

Nothing is read from clients and none is kept: each is answered and closed at once, as VPP does. So no client can hold
anything up or fill anything.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from array import array
from collections.abc import Callable
from contextlib import suppress

from weft.core.listener import Listener

log = logging.getLogger("weft.stats")

AT_ONCE = 64  #: clients that are served before the main thread looks for something else
PAUSE = 0.2  #: seconds of not accepting when the process has no descriptors left


class StatsServer:
    """Serves the segment that ``descriptor`` opens, to those who connect to a SOCK_SEQPACKET socket."""

    def __init__(self, descriptor: Callable[[], int], listener: Listener) -> None:
        self._open, self.listener = descriptor, listener
        self._socket: socket.socket | None = None
        self._segment = -1

    async def start(self) -> None:
        """Begin to serve. Raises OSError that names the socket and says what is wrong with it."""
        self._socket = self.listener.open()
        self._socket.setblocking(False)
        self._segment = self._open()
        asyncio.get_running_loop().add_reader(self._socket, self._accept, self._socket)

    async def stop(self) -> None:
        """Serve nobody any more, and give the socket back. Who has the segment keeps it."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket = None
            self.listener.remove()
            os.close(self._segment)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(AT_ONCE):
            try:
                client, _ = listener.accept()
            except (BlockingIOError, ConnectionError, InterruptedError):
                return
            except OSError as error:
                self._pause(listener, error)
                return
            with client, suppress(OSError):
                client.setblocking(False)
                client.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [self._segment]))])

    def _pause(self, listener: socket.socket, error: OSError) -> None:
        """There is no descriptor for another client: let the others close some."""
        log.warning("a statistics client cannot be served: %s", error.strerror)
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener)
        loop.call_later(PAUSE, self._resume, listener)

    def _resume(self, listener: socket.socket) -> None:
        if self._socket is listener:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)
