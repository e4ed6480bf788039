"""Signals that end the process: TERM, INT and HUP, at any time, within some seconds."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger("weft")

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PATIENCE = 4.0  #: seconds for an orderly end


class Interrupted(BaseException):
    """A signal asks to end while the engine is being made."""


class Signals:
    """Catches them from its making on. `when_asked` is called once, at the first, by the main thread."""

    def __init__(self) -> None:
        self.asked = False
        self.last_resort: Callable[[], None] = lambda: None
        self._when_asked: Callable[[], None] | None = None
        for number in ENDING:
            signal.signal(number, self._catch)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    def when_asked(self, action: Callable[[], None]) -> None:
        """Let `action` be called; at once if the signal has come already."""
        self._when_asked = action
        if self.asked:
            action()

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Within this block a signal raises Interrupted."""

        def interrupt() -> None:
            raise Interrupted

        self.when_asked(interrupt)
        try:
            yield
        finally:
            self._when_asked = None

    def _catch(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            return
        self.asked = True
        log.info("received %s, exiting", signal.Signals(number).name)
        timer = threading.Timer(PATIENCE, self._end)
        timer.daemon = True
        timer.start()
        if self._when_asked is not None:
            self._when_asked()

    def _end(self) -> None:
        """What is under way takes too long: a command that does not come back, a thread that does not answer."""
        log.error("not ended after %g seconds: exiting without waiting for what is under way", PATIENCE)
        self.last_resort()
        os._exit(1)
