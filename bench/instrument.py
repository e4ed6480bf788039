"""What instruments have in common: they go through cases, and keep what they have found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from bench import history
from bench.cases import Case, chosen

Row = TypeVar("Row")


def _chosen(context: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> list[Case]:
    try:
        return chosen(names)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


#: The cases that are named, or all.
cases_argument = click.argument("cases", nargs=-1, metavar="[CASE]...", callback=_chosen)
results_option = click.option("--results", default=str(history.RESULTS), help="The folder to keep what comes of it in.")


def one_by_one(console: Console, cases: list[Case], measure: Callable[[Case], Row]) -> Iterator[Row]:
    """Measure case after case, and say which one meanwhile."""
    for case in cases:
        with console.status(f"{case.name}: {case.what}"):
            row = measure(case)
        yield row


def keep(console: Console, kind: str, rows: Any, results: str = str(history.RESULTS)) -> None:
    """Keep what was found, and say where."""
    kept = history.write(kind, rows, Path(results))
    console.print(f"kept in {kept.parent.name}/{kept.name}")
