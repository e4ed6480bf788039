"""An engine as a process of its own, that is killed and started again."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path


class Engine:
    """Its files are in a folder, ``cli.sock`` among them. ``configuration``: what it begins with, command lines."""

    def __init__(self, folder: Path, configuration: str) -> None:
        self.folder = folder
        (folder / "startup.cli").write_text(configuration)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        here = self.folder
        unix = f"unix {{ nodaemon runtime-dir {here} cli-listen {here}/cli.sock exec {here}/startup.cli }}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "weft.main", *unix.split()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def show(self, line: str) -> str:
        command = [sys.executable, "-m", "weft.weftctl", "-s", f"{self.folder}/cli.sock", *line.split()]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
