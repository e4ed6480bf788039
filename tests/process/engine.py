"""weft-engine as a process, started as a tool starts vpp."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.cli.peers import vppctl

SOURCE = Path(__file__).parents[2] / "src"
READY_WITHIN = 60.0


def until(condition: Callable[[], object], seconds: float = READY_WITHIN) -> None:
    """Wait for a condition. Raises AssertionError after a while."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


class EngineProcess:
    """A process with its sockets, log and pidfile in a folder of its own."""

    def __init__(self, folder: Path, *arguments: str, environment: dict[str, str] | None = None, **options: object):
        self.folder = folder
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            [*command(), *arguments],
            env={**os.environ, "PYTHONPATH": str(SOURCE), **(environment or {})},
            cwd=folder,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options},  # type: ignore[call-overload]
        )

    @property
    def cli(self) -> Path:
        return self.folder / "cli.sock"

    def said(self, text: str) -> bool:
        return self.log.exists() and text in self.log.read_text()

    def wait_until_ready(self) -> EngineProcess:
        until(lambda: self.said("ready; ") or self.process.poll() is not None)
        assert self.process.poll() is None, self.output()
        return self

    def show(self, line: str) -> str:
        return vppctl(self.cli, line)

    def end(self, number: int) -> int:
        """Send a signal; the exit status. Raises TimeoutExpired after half a minute."""
        self.process.send_signal(number)
        return self.process.wait(30)

    def output(self) -> str:
        return self.process.communicate(timeout=READY_WITHIN)[0].decode()

    def names(self) -> set[str]:
        """What there is in the folder but for the log."""
        return {path.name for path in self.folder.iterdir()} - {"log"}


def command() -> list[str]:
    return [sys.executable, "-m", "weft.main"]


def stanzas(folder: Path, *, unix: str = "nodaemon", more: str = "") -> list[str]:
    """The arguments of an engine that keeps to a folder."""
    text = (
        f"unix {{ {unix} runtime-dir {folder} log {folder}/log pidfile {folder}/pid cli-listen {folder}/cli.sock }} "
        f"socksvr {{ socket-name {folder}/api.sock }} statseg {{ socket-name {folder}/stats.sock }} {more}"
    )
    return text.split()
