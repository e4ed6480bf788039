"""The page of metrics, made once for all who ask at the same time, by one thread."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus

from prometheus_client import CollectorRegistry, exposition
from prometheus_client.openmetrics import exposition as openmetrics

from weft.exporter.message import Answer
from weft.exporter.scrape import Forwarder, registry


@dataclass(frozen=True)
class Form:
    """How metrics are written."""

    kind: str
    write: Callable[[CollectorRegistry], bytes]
    packed: bool

    def answer(self, registry: CollectorRegistry) -> Answer:
        body = self.write(registry)
        if self.packed:
            return Answer(HTTPStatus.OK, gzip.compress(body, 1), self.kind, {"Content-Encoding": "gzip"})
        return Answer(HTTPStatus.OK, body, self.kind)


#: (OpenMetrics, compressed) -> form. There are no more than these, whatever is asked for.
FORMS = {
    (False, False): Form(exposition.CONTENT_TYPE_PLAIN_0_0_4, exposition.generate_latest, False),
    (False, True): Form(exposition.CONTENT_TYPE_PLAIN_0_0_4, exposition.generate_latest, True),
    (True, False): Form(openmetrics.CONTENT_TYPE_LATEST, openmetrics.generate_latest, False),
    (True, True): Form(openmetrics.CONTENT_TYPE_LATEST, openmetrics.generate_latest, True),
}


class Pages:
    """The metrics of one forwarder in each form, at most ``max_age`` old."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._max_age = forwarder.settings.max_age
        self._registry = registry(forwarder)
        self._reader = ThreadPoolExecutor(1, "reader")
        self._pages: dict[Form, _Page] = {}

    async def get(self, accept: str, accept_encoding: str) -> Answer:
        """The page in the form that the scraper understands."""
        form = FORMS["application/openmetrics-text" in accept, "gzip" in accept_encoding]
        page = self._pages.get(form)
        if page is None or page.stale(self._max_age):
            page = self._pages[form] = _Page(asyncio.create_task(self._make(form)))
        # Who goes away must not take it from the others.
        return await asyncio.shield(page.made)

    async def _make(self, form: Form) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._reader, form.answer, self._registry)

    async def close(self) -> None:
        """Wait until nothing is read any more."""
        await asyncio.gather(*(page.made for page in self._pages.values()), return_exceptions=True)
        self._reader.shutdown()


class _Page:
    """An answer that is being made, or has been."""

    def __init__(self, made: asyncio.Task[Answer]) -> None:
        self.made, self._since = made, 0.0
        made.add_done_callback(self._done)

    def _done(self, made: asyncio.Task[Answer]) -> None:
        self._since = time.monotonic()

    def stale(self, max_age: float) -> bool:
        """Whether it is to be made anew: it is too old, or nothing came of it."""
        if not self.made.done():
            return False
        return self.made.cancelled() or self.made.exception() is not None or time.monotonic() - self._since > max_age
