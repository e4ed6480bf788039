"""``python -m bench [CASE ...]``: clocks per packet, node by node, beside VPP's; kept in ``bench/results``."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console

from bench import figures, history
from bench.cases import Case
from bench.instrument import cases_argument, keep
from bench.measure import Best, measure
from bench.samples import Result, Sample, conclude
from bench.table import summary


@click.command()
@cases_argument
@click.option(
    "--runs", default=3, show_default=True, help="How often all cases are gone through, each in a new engine."
)
@click.option("--samples", default=25, show_default=True, help="Of each run of a case, that nobody disturbed.")
@click.option("--seconds", default=0.02, show_default=True, help="How long each sample is.")
@click.option(
    "--patience", default=4.0, show_default=True, help="Seconds to wait for such samples, each run of a case."
)
@click.option("--hold", is_flag=True, help="Let nothing else run on the machine meanwhile (root).")
@click.option("--nodes/--no-nodes", default=True, show_default=True, help="Show each node's clocks.")
def main(cases: list[Case], runs: int, nodes: bool, **how: Any) -> None:
    """Measure the cases named, or all, with the packet generator and 64-byte frames on one worker."""
    console = Console()
    best = Best()
    taken: dict[str, list[list[Sample]]] = {case.name: [] for case in cases}
    for run in range(runs):
        for case in cases:
            with console.status(f"run {run + 1} of {runs}: {case.name}: {case.what}"):
                taken[case.name].append(measure(case, best, **how))
    results = [conclude(name, each, best.rate) for name, each in taken.items()]
    if nodes:
        for result in results:
            show_nodes(console, result)
    console.print(summary(results, figures.vpp(), history.before("bench")), soft_wrap=True)
    keep(console, "bench", [result.record() for result in results])


def show_nodes(console: Console, result: Result) -> None:
    nodes = "  ".join(f"{name} {clocks:.1f}" for name, clocks in result.nodes.items())
    console.print(
        f"[bold]{result.case}[/bold]  {result.mpps:.1f} Mpps  {result.clocks_total:.1f} clocks of "
        f"{result.cycles_per_clock:.2f} cycles, core alone {result.alone:.0%} of the time: {nodes}"
    )


if __name__ == "__main__":
    main()
