"""HTTP for the exporter. Whatever a scraper does, it costs a bounded amount of time and memory.

One request a connection; so many connections at once, and a limit to the seconds and bytes of each.
"""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus

from weft.exporter.message import HTML, LONGEST_REQUEST, Answer, BadRequest, Request
from weft.exporter.pages import Pages
from weft.exporter.scrape import Forwarder

log = logging.getLogger("weft.exporter")

REQUEST_SECONDS = 5.0  #: from connecting to the end of the request
ANSWER_SECONDS = 20.0  #: to take the answer, once it is there
BACKLOG = 128

HOME = b"""<!DOCTYPE html><title>weft-exporter</title>
<p>Statistics of the forwarder for Prometheus: <a href="/metrics">/metrics</a></p>
"""


class Exporter:
    """Serves the metrics of one forwarder."""

    def __init__(self, forwarder: Forwarder, max_clients: int = 32) -> None:
        self.forwarder, self.max_clients = forwarder, max_clients
        self._pages = Pages(forwarder)
        self._clients: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str | None, port: int) -> int:
        """Begin to listen; the port. Raises OSError."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=LONGEST_REQUEST, backlog=BACKLOG)
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def stop(self) -> None:
        """Serve nobody any more."""
        if self._server is not None:
            self._server.close()
        clients = list(self._clients)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await self._pages.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._clients) >= self.max_clients:
            busy = Answer.plain(HTTPStatus.SERVICE_UNAVAILABLE, f"{self.max_clients} requests are under way already")
            writer.write(busy.head() + busy.body)  # fits into the socket's buffer
            writer.close()
            return
        self._clients.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.CancelledError):  # gone, too slow, or the server stops
            writer.transport.abort()
        finally:
            self._clients.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head_only = False
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                request = await Request.read(reader)
            head_only = request.method == "HEAD"
            answer = await self._answer(request)
        except BadRequest as error:
            answer = Answer.plain(HTTPStatus.BAD_REQUEST, str(error))
        except OSError:
            raise
        except Exception:
            log.exception("a request failed")
            answer = Answer.plain(HTTPStatus.INTERNAL_SERVER_ERROR)
        async with asyncio.timeout(ANSWER_SECONDS):
            await answer.write(writer, head_only=head_only)

    async def _answer(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            text = b"only GET and HEAD are possible\n"
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED, text, headers={"Allow": "GET, HEAD"})
        match request.path:
            case "/metrics":
                return await self._pages.get(
                    request.headers.get("accept", ""), request.headers.get("accept-encoding", "")
                )
            case "/-/healthy":
                return Answer.plain(HTTPStatus.OK, "the exporter runs")
            case "/-/ready":
                return await self._ready()
            case "/":
                return Answer(HTTPStatus.OK, HOME, HTML)
        return Answer.plain(HTTPStatus.NOT_FOUND, "there is /metrics, /-/healthy and /-/ready")

    async def _ready(self) -> Answer:
        await self._pages.get("", "")
        if self.forwarder.up:
            return Answer.plain(HTTPStatus.OK, "the forwarder's statistics can be read")
        return Answer.plain(HTTPStatus.SERVICE_UNAVAILABLE, "the forwarder's statistics cannot be read")
