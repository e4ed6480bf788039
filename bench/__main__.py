"""``python -m bench [CASE ...]``: clocks per packet, node by node; also to ``bench/results/latest.json``."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench.cases import CASES
from bench.measure import Result, measure, shared

RESULTS = Path(__file__).with_name("results")

#: VPP 26.06 on the same kind of machine, one worker, where it was measured: clocks per packet of all nodes, and of the
#: forwarding nodes.
VPP = {
    "l2-xconnect": (44.6, 16.6),
    "l2-bridge-256": (76.9, 48.2),
    "l2-bridge-10k": (122, 89),
    "l2-bridge-100k": (134, 101),
    "vlan-bridge": (117, 88),
    "irb-vlan": (204, 173),
    "irb": (156, 126),
    "ip4-1": (71, 42),
    "ip4-10k": (81, 50),
    "ip4-100k": (95, 64),
    "vxlan-encap": (112, 84),
    "vxlan-decap": (158, 125),
    "vxlan-decap-bypass": (131, 99),
}
#: Its core's cycles per clock of the time-stamp counter when that was measured.
VPP_CYCLES_PER_CLOCK = 1.52


@click.command()
@click.argument("names", nargs=-1, metavar="[CASE]...")
@click.option("--runs", default=50, show_default=True, help="How often each case is measured; medians are shown.")
@click.option("--seconds", default=0.02, show_default=True, help="How long each run is.")
def main(names: tuple[str, ...], runs: int, seconds: float) -> None:
    """Measure the cases named, or all, with the packet generator and 64-byte frames on one worker."""
    unknown = set(names) - {case.name for case in CASES}
    if unknown:
        raise click.UsageError(f"no case {', '.join(sorted(unknown))}; there are {', '.join(c.name for c in CASES)}")
    console = Console()
    results = []
    for case in CASES:
        if not names or case.name in names:
            with console.status(f"{case.name}: {case.what}"):
                results.append(measure(case, runs=runs, seconds=seconds))
            show_nodes(console, results[-1])
    for number, result in enumerate(results):
        if shared(result):  # which was not known before the core was seen alone for the first time
            case = next(case for case in CASES if case.name == result.case)
            results[number] = measure(case, runs=runs, seconds=seconds)
    console.print(summary(results))
    RESULTS.mkdir(exist_ok=True)
    latest = RESULTS / "latest.json"
    latest.write_text(json.dumps([result.record() for result in results], indent=1) + "\n")
    console.print(f"written to {latest}")


def show_nodes(console: Console, result: Result) -> None:
    nodes = "  ".join(f"{name} {clocks:.1f}" for name, clocks in result.nodes.items())
    console.print(
        f"[bold]{result.case}[/bold]  {result.mpps:.1f} Mpps  {result.clocks_total:.1f} clocks of "
        f"{result.cycles_per_clock:.2f} cycles, core alone {result.alone:.0%} of the time: {nodes}"
    )


def summary(results: list[Result]) -> Table:
    """Our clocks beside VPP's, and as ratios: of clocks, and of the cores' cycles."""
    table = Table(
        title="Clocks per packet of all nodes, and of those that forward; their ratio to VPP's, and that of cycles",
        box=None,
        pad_edge=False,
        caption="* says nothing: others used the worker's core nearly all the time"
        if any(map(shared, results))
        else None,
    )
    table.add_column("case", no_wrap=True)
    for heading in ("Mpps", "all", "VPP", "ratio", "cycles", "fwd", "VPP", "ratio", "cycles"):
        table.add_column(heading, justify="right", no_wrap=True)
    for result in results:
        row = [result.case + "*" * shared(result), f"{result.mpps:.1f}"]
        theirs_or_none = VPP.get(result.case, (None, None))
        for ours, theirs in zip((result.clocks_total, result.clocks_forwarding), theirs_or_none, strict=True):
            if theirs is None:
                row += [f"{ours:.1f}", "-", "-", "-"]
                continue
            ratio = ours / theirs
            cycles = ratio * result.cycles_per_clock / VPP_CYCLES_PER_CLOCK
            row += [f"{ours:.1f}", f"{theirs:.1f}", f"{ratio:.2f}", f"{cycles:.2f}"]
        table.add_row(*row)
    return table


if __name__ == "__main__":
    main()
