"""Processes that are started, waited for, killed, started again, and always ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


class NotReady(Exception):
    """Something did not come up; says where its log is."""


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until something is true. Raises NotReady."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise NotReady(f"{what}: not after {seconds:.0f} s")
        time.sleep(0.05)


def answers(port: int, address: str = "127.0.0.1") -> bool:
    """Whether something listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


@dataclass(eq=False)
class Process:
    """A process in a group of its own, with a log."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], object] = lambda: True
    seconds: float = 60.0
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready. Raises NotReady."""
        self.begin()
        self.wait()

    def begin(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=os.environ | self.environment,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Wait until it is ready. Raises NotReady."""
        wait_for(self._is_ready, self.seconds, f"{self.name} ({self.log})")

    def _is_ready(self) -> bool:
        assert self.running is not None
        if self.running.poll() is not None:
            raise NotReady(f"{self.name} ended with {self.running.returncode}; see {self.log}")
        try:
            return bool(self.ready())
        except OSError:
            return False

    def kill(self) -> None:
        """End it as a power cut would: its whole group, at once."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """End it."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        process, self.running = self.running, None
        if process is None:
            return
        try:
            os.killpg(process.pid, number)
            process.wait(20)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)
