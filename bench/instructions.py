"""``python -m bench.instructions [CASE ...]``: what each node does to a packet, in instructions, loads and cache lines.

An engine in a child process is stepped through, instruction by instruction, for two rounds of 256 packets: the first
fills a simulated first-level cache, the second counts. Beside clocks (``make bench``) that gives instructions per
cycle, and what half of VPP's clocks would ask for. ``--listing NODE`` shows the machine code itself.
"""

from __future__ import annotations

import re
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bench import figures, history
from bench.cases import Case
from bench.decode import Instruction
from bench.figures import Figures
from bench.instrument import cases_argument, keep, results_option
from bench.listing import Listing
from bench.samples import generates
from bench.tally import LINE, Cache, Tally

WAYS = 12  #: of a first-level cache of 48 KiB (Sunny Cove and later); 8 of one of 32 KiB
PACKETS = 256
PAGE = 4096 // LINE  #: lines


def first_level() -> Cache:
    """This machine's first-level data cache."""
    size = history.caches().get("L1 data", "48K")
    kilobytes = int((re.match(r"(\d+)K", size) or ["", "48"])[1])
    return Cache(kilobytes << 10, WAYS if kilobytes % WAYS == 0 else 8)


def count(case: Case, listings: list[Listing] | None = None, *, fuse: bool = True) -> dict[str, Any]:
    """A case's figures per packet. ``listings`` see the second round."""
    from bench.stepped import stepped_engine

    tally = Tally(first_level())

    def see(node: str, instruction: Instruction, registers: Any) -> None:
        tally.see(node, instruction, registers)
        for listing in listings or ():
            listing.see(node, instruction, registers)

    with stepped_engine(case, fuse=fuse) as engine:
        engine.round(tally.see)
        before = tally.lines
        tally.begin()
        engine.round(see)
    nodes = tally.each(PACKETS)
    lines = tally.lines
    return {
        "case": case.name,
        "nodes": nodes,
        "total": summed(nodes),
        "forwarding": summed({name: each for name, each in nodes.items() if not generates(name)}),
        "lines": round(len(lines) / PACKETS, 3),
        "fresh": round(len(lines - before) / PACKETS, 3),
        "pages": len({line // PAGE for line in lines}),
    }


def summed(nodes: dict[str, dict[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for each in nodes.values():
        for name, value in each.items():
            sums[name] = round(sums.get(name, 0.0) + value, 3)
    return sums


def table(rows: list[dict[str, Any]], clocks: dict[str, dict[str, Any]], vpp: Figures) -> Table:
    """Work per packet, and how fast it is done and would have to be."""
    made = Table(
        title="Per packet, all nodes; IPC: instructions per cycle, as measured and as half of VPP's cycles would need",
        box=None,
        pad_edge=False,
        caption="L1: loads and stores that a first-level cache would miss, without its own prefetching · lines: cache "
        "lines touched · fresh: of these, not touched in the round before · pages: of 4 KiB in a round of 256",
        caption_justify="left",
    )
    made.add_column("case", no_wrap=True)
    headings = (
        "instr",
        "fwd",
        "loads",
        "stores",
        "branches",
        "L1",
        "lines",
        "fresh",
        "pages",
        "cycles",
        "IPC",
        "needed",
    )
    for heading in headings:
        made.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        total = row["total"]
        cells = [f"{total['instructions']:.0f}", f"{row['forwarding']['instructions']:.0f}"]
        cells += [f"{total[name]:.1f}" for name in ("loads", "stores", "branches", "misses")]
        cells += [f"{row['lines']:.1f}", f"{row['fresh']:.2f}", str(row["pages"])]
        cells += speeds(row["case"], total["instructions"], clocks.get(row["case"]), vpp)
        made.add_row(row["case"], *cells)
    return made


def speeds(case: str, instructions: float, clocks: dict[str, Any] | None, vpp: Figures) -> list[str]:
    """Our cycles, our instructions per cycle, and how many half of VPP's cycles would ask for."""
    cells = ["-", "-", "-"]
    if clocks is not None:
        cycles = clocks["clocks_total"] * clocks["cycles_per_clock"]
        cells[:2] = [f"{cycles:.0f}", f"{instructions / cycles:.1f}"]
    if case in vpp.cases:
        cells[2] = f"{instructions / (vpp.cases[case].total / 2 * vpp.cycles_per_clock):.1f}"
    return cells


def measured() -> dict[str, dict[str, Any]]:
    """Case -> what ``make bench`` has found here, or else the run that is kept with the source."""
    file = history.latest("bench")
    if file is None:
        return {}
    results: Any = history.load(file)["results"]
    return {each["case"]: each for each in results}


@click.command()
@cases_argument
@click.option("--nodes/--no-nodes", default=True, show_default=True, help="Show each node's figures.")
@click.option("--listing", "listed", multiple=True, metavar="NODE", help="Show a node's machine code as it was run.")
@click.option("--fuse/--no-fuse", default=True, show_default=True, help="Compile nodes together.")
@results_option
def main(cases: list[Case], nodes: bool, listed: tuple[str, ...], fuse: bool, results: str) -> None:
    """Count instructions in the cases named, or all."""
    console = Console()
    rows, clocks = [], measured()
    for case in cases:
        with console.status(f"{case.name}: {case.what}"):
            listings = [Listing(node) for node in listed]
            rows.append(count(case, listings, fuse=fuse))
        for listing in listings:
            console.print(f"{case.name}, {listing.node}: times per packet, address, instruction", soft_wrap=True)
            for line in listing.lines(PACKETS):
                console.print(line, soft_wrap=True, markup=False, highlight=False)
        if nodes:
            console.print(per_node(rows[-1], clocks.get(case.name)), soft_wrap=True)
    console.print(table(rows, clocks, figures.vpp()), soft_wrap=True)
    keep(console, "instructions", rows, results)


def per_node(row: dict[str, Any], clocks: dict[str, Any] | None) -> Table:
    made = Table(title=row["case"], box=None, pad_edge=False, title_justify="left")
    made.add_column("node", no_wrap=True)
    columns = ("instructions", "loads", "stores", "branches", "calls", "prefetches", "misses")
    for heading in (*columns, "cycles", "IPC"):
        made.add_column(heading, justify="right", no_wrap=True)
    for name, each in row["nodes"].items():
        spent = (clocks or {}).get("nodes", {}).get(name, 0) * (clocks or {}).get("cycles_per_clock", 0)
        speed = [f"{spent:.1f}", f"{each['instructions'] / spent:.1f}"] if spent else ["-", "-"]
        made.add_row(name, *(f"{each[column]:.1f}" for column in columns), *speed)
    return made


if __name__ == "__main__":
    main()
