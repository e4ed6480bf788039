"""An engine of a lab: a process, perhaps in a network namespace, with its files in a folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

ENGINE, CONTROL = (sys.executable, "-m", "weft.main"), (sys.executable, "-m", "weft.weftctl")
ENDS_WITHIN = 10.0  #: seconds

console = Console(highlight=False, soft_wrap=True)


class LabError(Exception):
    """The lab does not work; the message says where."""


def step(title: str) -> None:
    console.print(f"\n[bold]{title}[/bold]")


@dataclass(frozen=True)
class LabEngine:
    """Where an engine's files are: ``<folder>/<name>.pid``, ``.log``; its command line; what it is configured with."""

    folder: Path
    name: str
    cli: Path
    listing: Path
    namespace: str = ""
    stanzas: str = field(default="", repr=False)  #: more of its configuration; in ``unix``, what is in ``unix``
    unix: str = field(default="", repr=False)

    @property
    def pidfile(self) -> Path:
        return self.folder / f"{self.name}.pid"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        return int(self.pidfile.read_text())

    def start(self) -> float:
        """Start ``weft-engine``; return when it is ready, with the seconds that took. Raises LabError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        unix = f"log {self.log} pidfile {self.pidfile} cli-listen {self.cli} exec {self.listing} {self.unix}"
        inside = ["ip", "netns", "exec", self.namespace] if self.namespace else []
        began = time.monotonic()
        command = [*inside, *ENGINE, *f"unix {{ {unix} }} {self.stanzas}".split()]
        done = subprocess.run(command, check=False)
        if done.returncode:
            raise LabError(f"the engine {self.name} did not start; its log is {self.log}")
        errors = [line for line in self.log.read_text().splitlines() if " ERROR " in line]
        if errors:
            raise LabError(f"the engine {self.name} could not carry out its listing:\n" + "\n".join(errors))
        return time.monotonic() - began

    def ctl(self, *command: str) -> str:
        """Run a command line in the engine. Raises LabError."""
        done = subprocess.run(
            [*CONTROL, "-s", str(self.cli), *command], capture_output=True, text=True, check=False, timeout=30
        )
        if done.returncode:
            raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def stop(self) -> list[str]:
        """End it, if it runs; what has ended."""
        try:
            pid = self.pid
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return []
        if b"weft" not in command:
            return []
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + ENDS_WITHIN
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        where = f" of {self.namespace}" if self.namespace else ""
        return [f"engine{where} (process {pid})"]


@dataclass(frozen=True)
class Pinged:
    """What came of pinging."""

    summary: str
    ttls: frozenset[int]  #: of the replies

    @property
    def answered(self) -> bool:
        return bool(self.ttls)


def ping(namespace: str, target: str, count: int = 3, wait: int = 2) -> Pinged:
    """Ping from a network namespace, waiting so many seconds for the last answer."""
    command = ["ip", "netns", "exec", namespace, "ping", "-c", str(count), "-i", "0.2", "-W", str(wait), target]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    summary = re.search(r"\d+ packets transmitted.*", done.stdout)
    return Pinged(
        summary[0] if summary else done.stderr.strip(), frozenset(map(int, re.findall(r"ttl=(\d+)", done.stdout)))
    )
