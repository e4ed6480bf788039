"""An engine with a worker, running while a test talks to hosts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from weft import Engine


class Switch:
    """The engine forwards by itself; a thread does what its main thread has to do."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            with self._lock:
                self.engine.pump()

    def cli(self, text: str) -> str:
        """Run the commands of a text, a line each; what they print."""
        with self._lock:
            return "".join(self.engine.cli(line.strip()) for line in text.splitlines() if line.strip())

    def do(self, action: Callable[[], object]) -> None:
        """Do something with the engine between what its main thread does."""
        with self._lock:
            action()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


def wait(what: Callable[[], object], seconds: float = 30) -> None:
    """Return as soon as something is so; fail if it is not in time."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.01)


def make_switch() -> Iterator[Switch]:
    """For a fixture."""
    with Engine(workers=1, interpret=False) as engine:
        made = Switch(engine)
        try:
            yield made
        finally:
            made.close()
