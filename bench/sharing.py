"""``python -m bench.sharing [CASE ...]``: cache lines that one worker writes and another one uses.

Two workers of an engine forward the same stream. Their rounds are stepped through, in turn, and every address that they
touch is kept. A line in one's written and the other's touched ones moves between cores each time, whether they share
what is in it or just the line: with 8 and 16 workers that is what would keep them from adding up.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import click
from rich.console import Console

from bench.cases import Case
from bench.instructions import PACKETS, first_level
from bench.instrument import cases_argument, keep, one_by_one, results_option
from bench.stepped import stepped_engine
from bench.tally import LINE, Tally
from weft.core import arena

THREADS = 2
ROUNDS = 2  #: of each thread, that count


def shared(case: Case) -> dict[str, Any]:
    """A case's lines that both workers use and at least one writes, by what the arena has there."""
    tallies = [Tally(first_level()) for _ in range(THREADS)]
    with stepped_engine(case, THREADS) as engine:
        for _ in range(ROUNDS):
            for tally in tallies:
                engine.round(tally.see)
    one, other = tallies
    either = (one.written & other.lines) | (other.written & one.lines)
    lines = {line for line in either if place_of(line * LINE)}
    places = Counter(place_of(line * LINE) for line in lines)
    return {
        "case": case.name,
        "packets": PACKETS * ROUNDS,
        "touched": len(one.lines),
        "written": len(one.written),
        "shared": len(lines),
        "places": dict(places),
        "writers": writers(tallies, lines),
    }


def writers(tallies: list[Tally], lines: set[int]) -> dict[str, int]:
    """Node -> how many of these lines it writes."""
    found: dict[str, int] = {}
    for tally in tallies:
        for name, count in tally.counts.items():
            if own := count.written & lines:
                found[name] = max(found.get(name, 0), len(own))
    return found


ZONES = (
    ("heap", arena.HEAP_BASE, arena.HEAP_SIZE),
    ("buffers", arena.BUFFERS_BASE, arena.BUFFERS_SIZE),
    ("counters", arena.COUNTERS_BASE, arena.COUNTERS_SIZE),
)


def place_of(address: int) -> str:
    """What the arena has at an address: a table's name, or its zone's. Empty for what is not the arena's: the stack,
    which the two workers share here only, as one thread does the rounds of both.
    """
    for name, (start, size) in arena.layout.items():
        if start <= address < start + size:
            return name
    return next((name for name, start, size in ZONES if start <= address < start + size), "")


@click.command()
@cases_argument
@results_option
def main(cases: list[Case], results: str) -> None:
    """Find the shared lines of the cases named, or of all."""
    console = Console(highlight=False)
    rows = []
    for row in one_by_one(console, cases, shared):
        rows.append(row)
        places = ", ".join(f"{count} in {name}" for name, count in sorted(row["places"].items())) or "none"
        by = ", ".join(f"{name} {count}" for name, count in row["writers"].items())
        console.print(
            f"{row['case']:<20} of {row['touched']} lines, {row['written']} written, a worker shares: {places}"
            + (f"; written by {by}" if by else "")
        )
    keep(console, "sharing", rows, results)


if __name__ == "__main__":
    main()
