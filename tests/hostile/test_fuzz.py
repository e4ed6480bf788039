"""`python -m bench.fuzz` runs, and what it finds is made small and can be done again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))


def test_trials_run_until_the_time_is_over() -> None:
    command = [sys.executable, "-m", "bench.fuzz", "--seconds", "1", "--seed", "7", "--mode", "interpreted"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("seed 7\n") and "trial 8 is next" in done.stdout and "0 findings" in done.stdout


def test_a_record_is_what_was_done(tmp_path: Path) -> None:
    from bench.trials import Record, replay

    path = tmp_path / "record"
    path.write_text(
        '{"mode": "both", "seed": 1, "reason": ""}\n'
        '["line", "set interface state pg1 \\udc80"]\n["frames", "pg0", "00", "ffff"]\n["ask", "show"]\n'
    )
    record = Record.load(path)
    assert record.text() == path.read_text()
    replay(record)


def test_only_what_is_needed_is_left() -> None:
    from bench.shrink import smaller

    tried = 0

    def breaks(items: list[int]) -> bool:
        nonlocal tried
        tried += 1
        return {3, 77} <= set(items)

    assert smaller(list(range(100)), breaks, float("inf")) == [3, 77]
    assert tried < 100
