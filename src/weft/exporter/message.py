"""HTTP's messages: the head of a request as it is read, an answer as it is written (RFC 9112)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus

LONGEST_REQUEST = 8192
CHUNK = 65536
TEXT, HTML = "text/plain; charset=utf-8", "text/html; charset=utf-8"


class BadRequest(Exception):
    """What was sent is no request."""


@dataclass(frozen=True)
class Request:
    """What is asked for; headers by their names in small letters."""

    method: str
    path: str
    headers: dict[str, str]

    @classmethod
    async def read(cls, reader: asyncio.StreamReader) -> Request:
        """Raises BadRequest."""
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise BadRequest(f"a request has at most {LONGEST_REQUEST} bytes") from None
        except asyncio.IncompleteReadError:
            raise BadRequest("that is no request of HTTP") from None
        first, *lines = raw.decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise BadRequest("that is no request of HTTP/1.1")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return cls(words[0], words[1].partition("?")[0], headers)


@dataclass(frozen=True)
class Answer:
    """A status, and what goes with it. The connection ends with it."""

    status: HTTPStatus
    body: bytes = b""
    kind: str = TEXT
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def plain(cls, status: HTTPStatus, text: str = "") -> Answer:
        """An answer of one line."""
        return cls(status, f"{text or status.phrase}\n".encode())

    def head(self) -> bytes:
        headers = {
            "Content-Type": self.kind,
            "Content-Length": str(len(self.body)),
            "Connection": "close",
            **self.headers,
        }
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}", *(f"{k}: {v}" for k, v in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    async def write(self, writer: asyncio.StreamWriter, *, head_only: bool = False) -> None:
        """Send it, piece by piece as the other side takes it."""
        writer.write(self.head())
        body = memoryview(b"" if head_only else self.body)
        for start in range(0, len(body), CHUNK):
            writer.write(body[start : start + CHUNK])
            await writer.drain()
        writer.transport.set_write_buffer_limits(0)
        await writer.drain()
