"""VPP beside our engine: its ``show runtime`` read back, and two processes measured in turn."""

# ruff: noqa: E501  (VPP's lines are as long as they are)

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bench import runtime_text
from bench.compare import concluded, read
from bench.forwarder import NotComparable, find_vpp
from bench.samples import Reading

ROOT = Path(__file__).parents[2]

#: As VPP prints it: a main thread, then workers.
SHOWN = """Thread 0 vpp_main (lcore 0)
Time 12.3, 10.000000 sec internal node vector rate 0.00 loops/sec 3212.91
  vector rates in 0.0000e0, out 0.0000e0, drop 0.0000e0, punt 0.0000e0
             Name                 State         Calls          Vectors        Suspends      Packet-Clocks   Vectors/Call
ip4-full-reassembly-expire-wal "any wait"                0               0             512          5.66e3            0.00
unix-cli-local:2                 active                  1               0               2          1.22e4            0.00
---------------
Thread 1 vpp_wk_0 (lcore 1)
Time 12.3, 10.000000 sec internal node vector rate 256.00 loops/sec 198222.71
  vector rates in 5.0710e7, out 5.0710e7, drop 0.0000e0, punt 0.0000e0
             Name                 State         Calls          Vectors        Suspends      Packet-Clocks   Vectors/Call
ethernet-input                   active               1000          256000               0          1.20e1          256.00
pg-input                        polling               1001          256000               0          2.00e1          255.74
pg1-output                       active               1000          256000               0          4.00e0          256.00
pg1-tx                           active               1000          255990               0          3.00e0          255.99
ip4-icmp-error                   active                 10             128               0          1.28e2           12.80
vhost-user-input              interrupt wait         58101               0               0          5.60e1             .01
"""


def test_runtime_is_read_thread_by_thread() -> None:
    threads = runtime_text.parse(SHOWN)
    assert list(threads) == [0, 1]
    assert threads[1].seconds == 12.3
    assert threads[1].nodes["pg-input"] == runtime_text.Row(1001, 256000, 20.0)
    assert threads[0].nodes["unix-cli-local:2"].calls == 1
    assert threads[1].nodes["vhost-user-input"].clocks == 56.0
    assert runtime_text.busiest(threads) is threads[1]


def test_clocks_are_told_per_packet_of_the_generator() -> None:
    clocks = runtime_text.parse(SHOWN)[1].clocks()
    assert clocks["ethernet-input"] == 12.0
    assert clocks["ip4-icmp-error"] == pytest.approx(128 * 128 / 256000)  # of few packets, shared by all
    assert "vhost-user-input" not in clocks


@pytest.mark.parametrize("text", ["", "show runtime: unknown input `x'\n", "Time\nThread x\n"])
def test_what_is_no_runtime_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        runtime_text.busiest(runtime_text.parse(text))
    with pytest.raises(ValueError, match="sent nothing"):
        runtime_text.Thread(1.0, {}).clocks()


def test_packets_that_do_not_arrive_are_an_error() -> None:
    thread = runtime_text.parse(SHOWN)[1]
    assert read(thread, 2.0, "pg1").rate == 128_000
    with pytest.raises(ValueError, match="of 256000 packets 0 have left by pg0"):
        read(thread, 2.0, "pg0")


def test_the_ratio_is_that_of_neighboring_samples() -> None:
    def reading(clocks: float) -> Reading:
        return Reading({"pg-input": 10.0, "l2-fwd": clocks}, 10e6, 256.0)

    # The machine becomes three times as slow meanwhile, which says nothing about either.
    pairs = [(reading(10.0), reading(20.0)), (reading(50.0), reading(80.0)), (reading(40.0), reading(90.0))]
    row = concluded("a", pairs)
    assert row.ratio_forwarding == 0.5
    assert row.ratio_total == pytest.approx(60 / 90, abs=1e-4)
    assert (row.ours.forwarding, row.vpp.forwarding) == (40.0, 80.0)


def test_a_vpp_that_is_not_there_is_said_so() -> None:
    with pytest.raises(NotComparable, match=r"VPP=/path/to/vpp"):
        find_vpp("/nonexistent/vpp")


# --- with our own engine in VPP's place

STAND_IN = """#!/bin/sh
exec {python} -m weft.main "$@"
"""


def stand_in(folder: Path, text: str) -> Path:
    vpp = folder / "vpp"
    vpp.write_text(text.format(python=sys.executable))
    vpp.chmod(0o755)
    return vpp


def compare(vpp: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.compare", "--vpp", str(vpp), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "150"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="the worker is bound to the second core")
def test_two_forwarders_in_turn(tmp_path: Path) -> None:
    results = tmp_path / "results"
    done = compare(
        stand_in(tmp_path, STAND_IN),
        *("--samples", "1", "--seconds", "0.1", "--results", str(results), "l2-xconnect"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = json.loads((results / "compare-latest.json").read_text())["results"]
    assert row["case"] == "l2-xconnect"
    assert row["ours"]["nodes"].keys() == row["vpp"]["nodes"].keys() >= {"pg-input", "l2-input", "pg1-tx"}
    assert row["ours"]["vector"] == row["vpp"]["vector"] == 256
    assert f"{row['ratio_total']:.2f}" in done.stdout


def test_a_vpp_that_ends_is_reported_with_its_last_words(tmp_path: Path) -> None:
    done = compare(
        stand_in(tmp_path, '#!/bin/sh\necho "cannot map my pages"\nexit 3\n'),
        *("--results", str(tmp_path / "results"), "l2-xconnect"),
    )
    assert done.returncode == 1
    assert "not compared: l2-xconnect: vpp has ended with status 3: cannot map my pages" in done.stdout
    assert not (tmp_path / "results").exists()
