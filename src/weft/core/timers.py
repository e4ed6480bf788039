"""Timers of the main thread, on a clock that a test can turn."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from weft.core import arena
from weft.core.view import View, i64

Action = Callable[[], None]

PUBLISHED = 0.1  #: seconds: so exact is the time that packet code sees


class Now(View):
    """The time as packet code sees it, coarsely: the main thread writes it ten times a second."""

    milliseconds: i64


now = arena.root("now", Now)


@dataclass(order=True)
class Timer:
    """An action that is due at a time; with ``period``, again and again."""

    due: float
    number: int
    action: Action = field(compare=False)
    period: float | None = field(compare=False, default=None)
    cancelled: bool = field(compare=False, default=False)

    def cancel(self) -> None:
        self.cancelled = True


class Timers:
    """What is to be done later. ``failed`` hears of an action that raised an exception."""

    def __init__(self, failed: Callable[[], None]) -> None:
        self._start = time.monotonic()
        self._ahead = 0.0
        self._queue: list[Timer] = []
        self._numbers = itertools.count()
        self._failed = failed
        self._publish()

    def _publish(self) -> None:
        now.milliseconds = int(self.seconds * 1000)

    @property
    def seconds(self) -> float:
        """Seconds since the engine started."""
        return time.monotonic() - self._start + self._ahead

    def after(self, seconds: float, action: Action) -> Timer:
        return self._add(Timer(self.seconds + seconds, next(self._numbers), action))

    def every(self, seconds: float, action: Action) -> Timer:
        return self._add(Timer(self.seconds + seconds, next(self._numbers), action, seconds))

    def _add(self, timer: Timer) -> Timer:
        heapq.heappush(self._queue, timer)
        return timer

    def run(self) -> float:
        """Do what is due. Returns the seconds until it has to be called again."""
        self._publish()
        while self._queue and self._queue[0].due <= self.seconds:
            timer = heapq.heappop(self._queue)
            if timer.cancelled:
                continue
            try:
                timer.action()
            except Exception:
                self._failed()
            if timer.period is not None and not timer.cancelled:
                timer.due = max(timer.due + timer.period, self.seconds)
                self._add(timer)
        next_due = self._queue[0].due - self.seconds if self._queue else PUBLISHED
        return min(max(0.0, next_due), PUBLISHED)

    def advance(self, seconds: float) -> None:
        """Turn the clock forward, doing everything that falls due on the way in its order."""
        target = self.seconds + seconds
        while self._queue and self._queue[0].due <= target:
            self._ahead += max(0.0, self._queue[0].due - self.seconds)
            self.run()
        self._ahead += max(0.0, target - self.seconds)
        self._publish()
