"""An exporter at the statistics socket of an engine, and scrapers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from tests.conftest import Lab
from tests.stats.conftest import serving

from weft import Engine
from weft.exporter.command import DEFAULT_PATTERNS
from weft.exporter.metrics import wanted
from weft.exporter.scrape import Forwarder, Settings
from weft.exporter.server import Exporter


@dataclass
class Reply:
    """What a scraper got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Served:
    """An exporter by its port."""

    port: int

    def get(self, path: str = "/metrics", method: str = "GET", **headers: str) -> Reply:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response: HTTPResponse = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def samples(self) -> list[Sample]:
        return parsed(self.get().text)

    def value(self, name: str, **labels: str) -> float | None:
        """The value of the one sample of this name that has these labels."""
        found = [each.value for each in self.samples() if each.name == name and labels.items() <= each.labels.items()]
        assert len(found) <= 1, f"{len(found)} samples {name} {labels}"
        return found[0] if found else None


def parsed(text: str) -> list[Sample]:
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


@contextmanager
def exporting(
    socket: str, *patterns: str, max_age: float = 0.0, timeout: float = 5.0, max_clients: int = 32, **settings: bool
) -> Iterator[Served]:
    """An exporter in a thread of its own, which looks anew for each scraper."""
    chosen = Settings(socket, wanted(patterns or DEFAULT_PATTERNS), timeout=timeout, max_age=max_age, **settings)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    exporter = Exporter(Forwarder(chosen), max_clients)
    try:
        yield Served(asyncio.run_coroutine_threadsafe(exporter.start("127.0.0.1", 0), loop).result(10))
    finally:
        asyncio.run_coroutine_threadsafe(exporter.stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@dataclass
class Measured:
    """An engine, its statistics socket, and an exporter there."""

    lab: Lab
    socket: str
    served: Served


@pytest.fixture
def measured() -> Iterator[Measured]:
    with (
        Engine(workers=0, interpret=False) as engine,
        serving(engine) as socket,
        exporting(socket) as served,
    ):
        yield Measured(Lab(engine), socket, served)
