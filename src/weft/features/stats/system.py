"""The engine as a whole in the statistics segment: ``/sys/*``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from weft.core.counters import simple
from weft.core.node import Kind as NodeKind
from weft.core.runtime import MAX_THREADS, threads_in_use
from weft.core.stats.segment import Kind, Segment
from weft.features.vlib.model import Statistics

if TYPE_CHECKING:
    from weft.core.engine import Engine

vector_rates = simple("/sys/vector_rate_per_worker", MAX_THREADS, by_thread=False)
loop_rates = simple("/sys/loops_per_worker", MAX_THREADS, by_thread=False)


class SystemEntries:
    """Rates, times, and a sign of life. Times are seconds since the start, but for ``boottime``."""

    SCALARS = ("heartbeat", "last_stats_clear", "boottime", "last_update")
    GAUGES = ("vector_rate", "num_worker_threads", "input_rate")

    def __init__(self, engine: Engine, segment: Segment) -> None:
        self._engine, self._segment = engine, segment
        self._numbers = {
            name: segment.add(kind, f"/sys/{name}")
            for kind, names in ((Kind.SCALAR, self.SCALARS), (Kind.GAUGE, self.GAUGES))
            for name in names
        }
        self._beats = 0
        self._last = (engine.timers.seconds, 0)
        threads = len(threads_in_use())
        for rates in (vector_rates, loop_rates):
            rates.validate(threads - 1)
        self._put("boottime", int(time.time()))
        self._put("num_worker_threads", threads - 1)

    def collect(self) -> None:
        statistics = self._engine[Statistics]
        total = 0.0
        for thread in threads_in_use():
            interval = statistics.interval(thread)
            vector_rates.put(thread, int(interval.vector_rate))
            loop_rates.put(thread, int(interval.loops))
            total += interval.vector_rate
        self._put("vector_rate", int(total / max(len(threads_in_use()) - 1, 1)))
        self._put("input_rate", int(self._input_rate()))
        self._put("last_stats_clear", int(statistics.since))
        self._put("last_update", int(self._engine.timers.seconds))
        self._beats += 1
        self._put("heartbeat", self._beats)

    def _put(self, name: str, value: int) -> None:
        self._segment.put(self._numbers[name], value)

    def _input_rate(self) -> float:
        """Packets a second that came in since the last time."""
        graph = self._engine.graph
        packets = sum(
            graph.runtime(each.name, thread).vectors
            for each in graph.by_name.values()
            if each.node.kind is NodeKind.INPUT
            for thread in threads_in_use()
        )
        seconds, before = self._engine.timers.seconds, self._last
        self._last = seconds, packets
        passed = seconds - before[0]
        # Fewer than before: they were cleared meanwhile.
        return max(packets - before[1], 0) / passed if passed > 0 else 0.0
