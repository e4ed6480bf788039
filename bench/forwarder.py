"""A forwarder as a process: VPP, or our engine, started and asked in the same way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import which

from bench import runtime_text, vppctl
from bench.cases import Setup
from weft.features.pcap.file import Packet, write

STARTS_WITHIN = 180.0  #: seconds; our engine may have to compile
#: A stream of a file ends when it has been sent once, unless it is said how many packets are wanted.
ENDLESS = 10**12
#: What commands print that were not carried out, in VPP's words and ours.
REFUSED = ("unknown input", "unknown interface", "error", "failed", "invalid", "expected", "ambiguous")

OURS = [sys.executable, "-m", "weft.main"]


class NotComparable(Exception):
    """A forwarder cannot be measured; the message says which and why."""


def find_vpp(given: str) -> list[str]:
    """The command of a VPP that was named: a path, or a program that can be found. Raises NotComparable."""
    program = which(given) or (given if os.access(given, os.X_OK) else None)
    if not given or program is None:
        raise NotComparable(f"no program `{given}': say where a VPP is, VPP=/path/to/vpp, with its plugins beside it")
    return [program]


def configuration(folder: Path, core: int) -> str:
    """A startup.conf that touches nothing outside of its folder, with one worker on a core, and takes no
    network card.
    """
    return f"""
unix {{ nodaemon nosyslog runtime-dir {folder} cli-listen {folder}/cli.sock log {folder}/log }}
api-segment {{ prefix {folder.name} }}
statseg {{ socket-name {folder}/stats.sock }}
cpu {{ main-core 0 corelist-workers {core} }}
buffers {{ buffers-per-numa 16808 }}
plugins {{ plugin dpdk_plugin.so {{ disable }} }}
"""


class Forwarder:
    """A process that forwards one case; stopped (SIGSTOP) whenever it is not measured."""

    def __init__(self, name: str, command: list[str], folder: Path, core: int) -> None:
        self.name, self.folder, self.cli = name, folder, folder / "cli.sock"
        folder.mkdir()
        (folder / "startup.conf").write_text(configuration(folder, core))
        self._output = (folder / "output").open("wb")
        self.process = subprocess.Popen(
            [*command, "-c", str(folder / "startup.conf")],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def ask(self, line: str) -> str:
        try:
            return vppctl.run(self.cli, line)
        except vppctl.NotAnswered as error:
            raise NotComparable(f"{self.name}: {error}") from error

    def wait(self) -> None:
        """Until it answers."""
        deadline = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                last = (self.folder / "output").read_text(errors="replace").strip().splitlines()[-3:]
                raise NotComparable(f"{self.name} has ended with status {self.process.returncode}: {' / '.join(last)}")
            if self.cli.exists():
                with suppress(vppctl.NotAnswered):
                    vppctl.run(self.cli, "show version", 10.0)
                    return
            time.sleep(0.05)
        raise NotComparable(f"{self.name} does not answer within {STARTS_WITHIN:.0f} seconds")

    def configure(self, setup: Setup) -> None:
        """Carry out a case's commands, and let its frames come. Raises NotComparable if one is refused."""
        for line in setup.lines:
            said = self.ask(line).strip()
            if any(word in said.lower() for word in REFUSED):
                raise NotComparable(f"{self.name} refuses `{line}': {said.splitlines()[-1]}")
        frames = self.folder / "frames.pcap"
        write(frames, [Packet(frame, len(frame)) for frame in setup.frames])
        said = self.ask(
            f"packet-generator new name bench limit {ENDLESS} worker 0 source {setup.port} pcap {frames}"
        ).strip()
        if said:
            raise NotComparable(f"{self.name} refuses the stream: {said}")
        self.ask("packet-generator enable-stream bench")

    def sample(self, seconds: float) -> tuple[runtime_text.Thread, float]:
        """What its worker did, and in how many seconds: from the middle of one command to that of the other."""
        began = -time.perf_counter() / 2
        self.ask("clear runtime")
        began -= time.perf_counter() / 2
        time.sleep(seconds)
        ended = time.perf_counter() / 2
        said = self.ask("show runtime")
        ended += time.perf_counter() / 2
        return runtime_text.busiest(runtime_text.parse(said)), began + ended

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Let it run for a while."""
        self.process.send_signal(signal.SIGCONT)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGSTOP)

    def close(self) -> None:
        """End it."""
        for number in (signal.SIGCONT, signal.SIGTERM):
            self.process.send_signal(number)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._output.close()
