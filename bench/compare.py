"""``python -m bench.compare --vpp /path/to/vpp [CASE ...]``: a VPP and our engine through the same cases, in turn.

Both are processes with the same configuration file, told the same commands by the command line's socket, sending the
same frames from the same capture file, on the same core; one is stopped while the other is measured, sample after
sample, so what the machine does meets both. Clocks are what each one's own ``show runtime`` says.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench.cases import Case, Setup
from bench.forwarder import OURS, Forwarder, NotComparable, find_vpp
from bench.instrument import cases_argument, keep, results_option
from bench.runtime_text import Thread
from bench.samples import Reading, spread

CORE = 1
SETTLE = 0.5  #: seconds until a forwarder that was woken has its caches warm
LOST = 0.01  #: part of the packets that may not arrive, as some are under way at both ends of a sample


@dataclass(frozen=True)
class Side:
    """One forwarder's figures in a case: medians of its samples."""

    mpps: float
    total: float
    forwarding: float
    spread: float
    vector: float
    nodes: dict[str, float]


@dataclass(frozen=True)
class Compared:
    """A row. The ratios are medians of those of samples that followed one another."""

    case: str
    ours: Side
    vpp: Side
    ratio_total: float
    ratio_forwarding: float


def read(thread: Thread, seconds: float, leaves_by: str) -> Reading:
    """A sample of one forwarder. Raises ValueError if packets do not leave where they should."""
    clocks, row = thread.clocks(), thread.nodes["pg-input"]
    left = thread.nodes[f"{leaves_by}-tx"].vectors if f"{leaves_by}-tx" in thread.nodes else 0
    if left < (1 - LOST) * row.vectors:
        raise ValueError(f"of {row.vectors} packets {left} have left by {leaves_by}")
    return Reading(clocks, row.vectors / seconds, row.vectors / max(row.calls, 1))


def side(readings: list[Reading]) -> Side:
    median = statistics.median
    names = sorted({name for each in readings for name in each.clocks})
    return Side(
        mpps=round(median(each.rate for each in readings) / 1e6, 3),
        total=round(median(each.total for each in readings), 2),
        forwarding=round(median(each.forwarding for each in readings), 2),
        spread=round(spread([each.total for each in readings]), 4),
        vector=round(median(each.vector for each in readings), 1),
        nodes={name: round(median(each.clocks.get(name, 0.0) for each in readings), 2) for name in names},
    )


def concluded(case: str, pairs: list[tuple[Reading, Reading]]) -> Compared:
    """From samples of ours and of VPP's, that followed one another."""
    ours, theirs = zip(*pairs, strict=True)
    return Compared(
        case,
        side(list(ours)),
        side(list(theirs)),
        round(statistics.median(a.total / b.total for a, b in pairs), 4),
        round(statistics.median(a.forwarding / b.forwarding for a, b in pairs), 4),
    )


def run(case: Case, commands: dict[str, list[str]], *, samples: int, seconds: float) -> Compared:
    """A case in both forwarders. Raises NotComparable."""
    setup = case.build()
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder:
        forwarders: list[Forwarder] = []
        try:
            for name, command in commands.items():  # they start at the same time
                forwarders.append(Forwarder(name, command, Path(folder) / name, CORE))
            for each in reversed(forwarders):
                each.wait()
                with each.awake():
                    each.configure(setup)
            pairs = []
            for _ in range(samples):
                one, other = (reading(each, setup, seconds) for each in forwarders)
                pairs.append((one, other))
        finally:
            for each in forwarders:
                each.close()
    return concluded(case.name, pairs)


def reading(forwarder: Forwarder, setup: Setup, seconds: float) -> Reading:
    with forwarder.awake():
        time.sleep(SETTLE)
        thread, took = forwarder.sample(seconds)
    try:
        return read(thread, took, setup.leaves_by)
    except ValueError as error:
        raise NotComparable(f"{forwarder.name}: {error}") from error


def table(rows: list[Compared]) -> Table:
    made = Table(title="Clocks per packet, ours and VPP's, measured in turn", box=None, pad_edge=False)
    made.add_column("case", no_wrap=True)
    headings = ("Mpps", "all", "±%", "VPP: Mpps", "all", "±%", "ratio", "fwd", "VPP", "ratio")
    for heading in headings:
        made.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        cells = [f"{cell:.1f}" for each in (row.ours, row.vpp) for cell in (each.mpps, each.total, 100 * each.spread)]
        cells += [f"{row.ratio_total:.2f}", f"{row.ours.forwarding:.1f}", f"{row.vpp.forwarding:.1f}"]
        made.add_row(row.case, *cells, f"{row.ratio_forwarding:.2f}")
    return made


@click.command()
@cases_argument
@click.option("--vpp", default="vpp", show_default=True, help="The other forwarder: a vpp, with its plugins installed.")
@click.option("--samples", default=10, show_default=True, help="Of each forwarder in each case.")
@click.option("--seconds", default=1.0, show_default=True, help="How long each sample is.")
@results_option
def main(cases: list[Case], vpp: str, samples: int, seconds: float, results: str) -> None:
    """Measure a VPP and our engine in turn in the cases named, or all."""
    console = Console()
    try:
        commands = {"weft": OURS, "vpp": find_vpp(vpp)}
    except NotComparable as error:
        sys.exit(str(error))
    rows, missing = [], []
    for case in cases:
        try:
            with console.status(f"{case.name}: {case.what}"):
                rows.append(run(case, commands, samples=samples, seconds=seconds))
        except NotComparable as error:
            missing.append(f"{case.name}: {error}")
    if rows:
        console.print(table(rows), soft_wrap=True)
        keep(console, "compare", [asdict(row) for row in rows], results)
    for line in missing:
        console.print(f"not compared: {line}", markup=False, highlight=False)
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
