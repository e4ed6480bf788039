"""The table of a run: our clocks beside VPP's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from bench.figures import Figures
from bench.samples import Result

GOAL = 0.5


def summary(results: Sequence[Result], figures: Figures, before: Mapping[str, Mapping[str, float]]) -> Table:
    """Clocks of all nodes and of those that forward, and their ratios to VPP's: of clocks as counted, and of the cores'
    cycles. ``before``: an earlier run's results, by case, for how the clocks have changed.
    """
    notes = [
        "fwd: without pg-input, pgN-output, pgN-tx · cycles: ratio × cycles per clock, ours and theirs · "
        "± half the distance between the quarters of all samples · was: change of cycles since the last run",
    ]
    if any(result.shared for result in results):
        notes.append("* says nothing: others used the worker's core nearly all the time")
    table = Table(
        title=f"Clocks per packet; ratio to {figures.of}; the goal is {GOAL:.2f}",
        box=None,
        pad_edge=False,
        caption="\n".join(notes),
        caption_justify="left",
    )
    table.add_column("case", no_wrap=True)
    for heading in (
        "Mpps",
        "all",
        "±%",
        figures.of.split()[0],
        "ratio",
        "cycles",
        "fwd",
        "VPP",
        "ratio",
        "cycles",
        "was",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for result in results:
        table.add_row(*row(result, figures, before.get(result.case)))
    return table


def row(result: Result, figures: Figures, before: Mapping[str, float] | None) -> list[str]:
    """A line of the table, as text."""
    theirs = figures.cases.get(result.case)
    cells = [result.case + "*" * result.shared, f"{result.mpps:.1f}", f"{result.clocks_total:.1f}"]
    cells.append(f"{result.spread:.0%}".rstrip("%"))
    pairs = (None, None) if theirs is None else (theirs.total, theirs.forwarding)
    cells += compared(result.clocks_total, pairs[0], result, figures)
    cells.append(f"{result.clocks_forwarding:.1f}")
    cells += compared(result.clocks_forwarding, pairs[1], result, figures)
    return [*cells, change(result, before)]


def compared(ours: float, theirs: float | None, result: Result, figures: Figures) -> list[str]:
    """Their clocks, and the ratios of clocks and of cycles."""
    if theirs is None:
        return ["-", "-", "-"]
    ratio = ours / theirs
    return [
        f"{theirs:.1f}",
        f"{ratio:.2f}",
        f"{ratio * result.cycles_per_clock / figures.cycles_per_clock:.2f}",
    ]


def change(result: Result, before: Mapping[str, float] | None) -> str:
    """How many per cent the cycles of all nodes are more than the last time."""
    try:
        assert before is not None
        was = before["clocks_total"] * before["cycles_per_clock"]
        return f"{result.clocks_total * result.cycles_per_clock / was - 1:+.0%}"
    except (AssertionError, KeyError, TypeError, ZeroDivisionError):
        return "-"
