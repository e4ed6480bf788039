"""A client's byte stream as text, with telnet taken out and writing held back to the pace of the reader."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Awaitable
from typing import TypeVar

from .error import CliError
from .telnet import GREETING, Telnet

CHUNK = 65536
TYPED_AHEAD_LIMIT = 65536
T = TypeVar("T")


class Gone(Exception):
    """The client has left."""


class Connection:
    """Reads and writes text. A client that does not read stops its own session only."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.telnet = Telnet()
        self.ended = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._ahead = ""
        # drain() then returns when the kernel has everything, so that closing loses nothing.
        writer.transport.set_write_buffer_limits(high=0)

    @property
    def descriptor(self) -> int:
        socket = self.writer.get_extra_info("socket")
        return socket.fileno() if socket is not None else -1

    async def greet(self, patience: float) -> str | None:
        """Ask for the terminal's type. None from a client that does not speak telnet."""
        self.writer.write(GREETING)
        await self.writer.drain()
        try:
            async with asyncio.timeout(patience):
                while self.telnet.terminal is None and not self.ended and not self._ahead:
                    self._ahead += await self._receive()
        except TimeoutError:
            pass
        return self.telnet.terminal

    async def read(self) -> str:
        """Some text; empty when the client has ended."""
        ahead, self._ahead = self._ahead, ""
        while not ahead and not self.ended:
            ahead = await self._receive()
        return ahead

    async def _receive(self) -> str:
        data = await self.reader.read(CHUNK)
        self.ended = not data
        return self._decoder.decode(self.telnet.feed(data), final=self.ended)

    async def write(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        for start in range(0, len(data), CHUNK):
            self.writer.write(data[start : start + CHUNK])
            await self.writer.drain()

    async def attend(self, work: Awaitable[T], interrupt: str = "") -> T:
        """Await `work` while listening: it is cancelled when the client leaves or sends `interrupt`.

        Raises Gone or CliError then. What else the client sends meanwhile is kept.
        """
        task = asyncio.ensure_future(work)
        listening: asyncio.Task[str] | None = None
        await asyncio.sleep(0)  # most work is done at once
        try:
            while not task.done():
                if listening is None and len(self._ahead) < TYPED_AHEAD_LIMIT:
                    listening = asyncio.create_task(self._receive())
                await asyncio.wait([task, listening] if listening else [task], return_when=asyncio.FIRST_COMPLETED)
                if listening is not None and listening.done():
                    self._ahead += listening.result()
                    listening = None
                    if self.ended:
                        raise Gone
                    if interrupt and interrupt in self._ahead:
                        self._ahead = self._ahead.rpartition(interrupt)[2]
                        raise CliError("interrupted")
            return await task
        finally:
            for unfinished in (task, listening):
                if unfinished is not None and not unfinished.done():
                    unfinished.cancel()
                    await asyncio.gather(unfinished, return_exceptions=True)
