"""Making a finding small: fewer steps, frames and words, as long as it breaks in the same way."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import click
from tests.hostile.trial import Step

from bench.trials import Record

PATIENCE = 120.0  #: seconds that one step may take

T = TypeVar("T")


class Attempt:
    """One run of ``python -m bench.fuzz`` with these options; it has hung if ``watched`` does not change any more."""

    def __init__(self, options: Sequence[str], watched: Path, *, quiet: bool = False) -> None:
        command = [sys.executable, "-m", "bench.fuzz", *options]
        with tempfile.TemporaryFile("w+", errors="replace") as said:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL if quiet else None, stderr=said)
            try:
                hung = self._wait(process, watched)
            finally:
                process.kill()
                process.wait()
            said.seek(0)
            lines = [line.strip() for line in said.read().splitlines() if line.strip()]
        self.broke = hung or process.returncode != 0
        self.reason = ""
        if hung:
            self.reason = f"no answer for {PATIENCE:.0f} seconds"
        elif process.returncode < 0:
            self.reason = f"killed by signal {-process.returncode}"
        elif self.broke:
            self.reason = lines[-1] if lines else f"exit status {process.returncode}"

    @staticmethod
    def _wait(process: subprocess.Popen[bytes], watched: Path) -> bool:
        changed, size = time.monotonic(), -1
        while True:
            try:
                process.wait(1)
                return False
            except subprocess.TimeoutExpired:
                now = watched.stat().st_size if watched.exists() else -1
                if now != size:
                    changed, size = time.monotonic(), now
                if time.monotonic() - changed > PATIENCE:
                    return True


def how(record: Record) -> str:
    """How it breaks when it is done again, without the particulars: an exception's name; empty if it does not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "record"
        path.write_text(record.text())
        return Attempt(["--replay", str(path)], watched=path, quiet=True).reason.split(":")[0]


def shrink(record: Record, seconds: float) -> Record:
    """The smallest record that was found in this time; itself, if it does not break again."""
    end = time.monotonic() + seconds
    known = how(record)
    if not known:
        click.echo("it does not break when it is done again: kept as it is")
        return record
    steps = smaller(record.steps, lambda steps: how(replace(record, steps=steps)) == known, end)
    for at, step in enumerate(steps):

        def still(parts: list[str], at: int = at, step: Step = step) -> bool:
            return how(replace(record, steps=[*steps[:at], _joined(step, parts), *steps[at + 1 :]])) == known

        steps[at] = _joined(step, smaller(_parts(step), still, end))
    return replace(record, steps=steps)


def _parts(step: Step) -> list[str]:
    """What may be left out of a step: frames, or words of a line."""
    return list(step.words[1:]) if step.kind == "frames" else step.words[0].split(" ")


def _joined(step: Step, parts: list[str]) -> Step:
    return replace(step, words=(step.words[0], *parts) if step.kind == "frames" else (" ".join(parts),))


def smaller(items: list[T], still: Callable[[list[T]], bool], end: float) -> list[T]:
    """Leave out what is not needed for ``still`` to be true: halves, quarters, ..., single items."""
    size = len(items) // 2
    while size and time.monotonic() < end:
        at = 0
        while at < len(items) and time.monotonic() < end:
            fewer = items[:at] + items[at + size :]
            if fewer and still(fewer):
                items = fewer
            else:
                at += size
        size //= 2
    return items
