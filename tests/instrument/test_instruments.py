"""The instruments run, on one case each, and find what must be there whatever the machine does meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FORWARDS = {"ethernet-input", "l2-input", "l2-output"}  #: what a cross-connected packet passes
two_processors = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="workers are bound to two processors")
root = pytest.mark.skipif(os.geteuid() != 0, reason="makes interfaces of Linux, which needs root")


def run(instrument: str, folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """What an instrument finds."""
    command = [sys.executable, "-m", f"bench.{instrument}", "--results", str(folder), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "150"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    found: list[dict[str, Any]] = json.loads((folder / f"{instrument}-latest.json").read_text())["results"]
    return found


def test_instructions(tmp_path: Path) -> None:
    pytest.importorskip("capstone")
    (row,) = run("instructions", tmp_path, "l2-xconnect", "--no-fuse")
    nodes = row["nodes"]
    assert FORWARDS | {"pg-input", "pg1-output", "pg1-tx"} <= nodes.keys()
    for name in FORWARDS:  # one look at the packet, and where it goes
        assert 5 < nodes[name]["instructions"] < 200
        assert nodes[name]["loads"] >= 2 and nodes[name]["branches"] >= 1
    assert row["total"]["instructions"] == pytest.approx(sum(each["instructions"] for each in nodes.values()), abs=0.1)
    assert row["forwarding"]["instructions"] < row["total"]["instructions"]
    # A frame of 60 bytes and its metadata are two lines at least, the same in each round.
    assert row["lines"] >= 2 and row["fresh"] < 1


@two_processors
def test_latency(tmp_path: Path) -> None:
    (row,) = run("latency", tmp_path, "--slices", "2", "l2-xconnect")
    assert [load["part"] for load in row["loads"]] == [0.1, 0.5, 0.9]
    for load in row["loads"]:
        median, most, nearly_all = load["every_ns"]
        assert 0 < median <= most <= nearly_all
        assert load["own"] <= 1 and (load["ns"] is None or load["ns"][0] <= median)
    assert row["highest"] > 0


@two_processors
def test_scaling(tmp_path: Path) -> None:
    (row,) = run("scaling", tmp_path, "--rounds", "1", "--seconds", "0.05", "l2-xconnect")
    assert all(row[way] > 0 for way in ("one", "other", "workers", "engines"))


@root
@two_processors
def test_drivers(tmp_path: Path) -> None:
    rows = run("drivers", tmp_path, "--rounds", "1", "--seconds", "0.05", "--bytes", "60")
    assert [row["driver"] for row in rows] == ["af-packet", "af-xdp", "tap"]
    for row in rows:
        assert row["mpps"] > 0 and row["send"] > 0 and row["receive"] > 0
        assert row["lost"] < 1
