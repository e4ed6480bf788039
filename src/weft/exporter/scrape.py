"""Reads the forwarder when somebody asks, but not more often than is useful."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from weft.exporter.metrics import DURATION, UP, Metrics, translate
from weft.exporter.segment import Unavailable, connect

log = logging.getLogger("weft.exporter")


@dataclass(frozen=True)
class Settings:
    """What is read, and how."""

    socket: str = "/run/vpp/stats.sock"
    wanted: re.Pattern[str] = re.compile("")
    sum_threads: bool = False
    zero_errors: bool = False
    timeout: float = 5.0
    #: For so many seconds an answer is good enough for the next who asks.
    max_age: float = 1.0


class Forwarder(Collector):
    """The metrics of one forwarder. Each look asks its socket anew, so one that has started again is found at once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.up = False
        self._said = ""
        self._families: list[Metric] = []
        self._read_at = float("-inf")

    def collect(self) -> Iterator[Metric]:
        """All metrics, at most ``max_age`` old."""
        if time.monotonic() - self._read_at > self.settings.max_age:
            self._families = list(self._read())
            self._read_at = time.monotonic()
        yield from self._families

    def describe(self) -> Iterable[Metric]:
        return ()

    def _read(self) -> Iterable[Metric]:
        settings, start = self.settings, time.monotonic()
        metrics = Metrics(settings.sum_threads, settings.zero_errors)
        try:
            with connect(settings.socket, settings.timeout) as segment:
                snapshot = segment.read(lambda path: settings.wanted.match(path) is not None)
            translate(snapshot, metrics)
            self._tell("")
        except Unavailable as error:
            self._tell(str(error))
        metrics.gauge(*UP, (), int(self.up))
        metrics.gauge(*DURATION, (), time.monotonic() - start)
        return metrics.families.values()

    def _tell(self, problem: str) -> None:
        """Note how it is, and log it when it is otherwise than before."""
        if problem and problem != self._said:
            log.warning("%s", problem)
        elif self._said and not problem:
            log.info("the forwarder on %s answers again", self.settings.socket)
        self.up, self._said = not problem, problem


def registry(forwarder: Forwarder) -> CollectorRegistry:
    """The forwarder's metrics, and those of the exporter's own process."""
    made = CollectorRegistry()
    made.register(forwarder)
    ProcessCollector(namespace="weft_exporter", registry=made)
    return made
