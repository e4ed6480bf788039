"""``python -m bench.pictures``: the pictures of ``docs/performance.md``, from the last results, or those kept in git.

Plain SVG: bars beside VPP's, and clocks by node. Text keeps its browser's colour scheme in mind: it is drawn on white.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import click

from bench import figures, history
from bench.figures import Figures
from bench.table import GOAL

DOCS = Path(__file__).resolve().parents[1] / "docs" / "pictures"
WIDTH = 900
LEFT, RIGHT = 160, 70  #: room for names and for figures
BAR, GAP = 11, 9
INK, PALE, GRID = "#1c2733", "#5d6b78", "#dfe5ea"
OURS, THEIRS, MARK = "#1f77b4", "#c3ccd5", "#d1495b"
#: Nodes in the order in which packets meet them; others come before the output.
ORDER = (
    *("pg-input", "ethernet-input", "ip4-input", "ip6-input", "ip4-vxlan-bypass", "ip4-lookup", "ip6-lookup"),
    *("ip4-receive", "ip4-udp-lookup", "vxlan4-input", "l2-input", "l2-input-vtr", "l2-learn", "l2-fwd"),
    *("loopN-output", "loopN-tx", "l2-output", "vxlan4-encap", "vxlan6-encap", "ip4-rewrite", "ip6-rewrite"),
)
LAST = ("pgN-output", "pgN-tx")
COLOURS = (
    *("#8795a1", "#1f77b4", "#ff9f40", "#ffcf8f", "#7a3e9d", "#2a9d8f", "#9bd8cc", "#8c6d4f", "#c7b299", "#b03a48"),
    *("#3fb8c9", "#b5a642", "#8e6bbf", "#d1495b", "#e07bb5", "#f3c6e0", "#5b8def", "#6b8e23", "#a9c25d", "#e76f51"),
    *("#f4b6a4", "#1b9e4b", "#cdb9e6", "#444f5a", "#a0aab4"),
)


class Drawing:
    """An SVG that grows downwards."""

    def __init__(self, title: str, note: str) -> None:
        self._parts: list[str] = []
        self.at = 0
        self.text(16, 24, title, size=16, weight="bold")
        self.text(16, 43, note, colour=PALE)
        self.at = 60

    def text(self, x: float, y: float, words: str, **style: Any) -> None:
        anchor, size = style.get("anchor", "start"), style.get("size", 12)
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'font-weight="{style.get("weight", "normal")}" fill="{style.get("colour", INK)}">{escape(words)}</text>'
        )

    def bar(self, x: float, y: float, width: float, height: float, colour: str, about: str) -> None:
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" fill="{colour}">'
            f"<title>{escape(about)}</title></rect>"
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str = GRID, dash: str = "") -> None:
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashes}/>')

    def scale(self, most: float, top: float, bottom: float) -> float:
        """Lines of the grid with their figures, up to ``most``; pixels to a unit."""
        unit = (WIDTH - LEFT - RIGHT) / most
        step = next(step for step in (5, 10, 20, 25, 50, 100, 200, 500, 1000, 10**9) if most / step <= 9)
        for value in range(0, int(most) + 1, step):
            x = LEFT + value * unit
            self.line(x, top, x, bottom)
            self.text(x, bottom + 15, str(value), anchor="middle", colour=PALE)
        return unit

    def legend(self, entries: Sequence[tuple[str, str]]) -> None:
        x = 16.0
        for colour, words in entries:
            wide = 26 + 6.6 * len(words)
            if x + wide > WIDTH - 10:
                x, self.at = 16.0, self.at + 18
            self.bar(x, self.at, 12, 12, colour, words)
            self.text(x + 17, self.at + 10, words, colour=PALE)
            x += wide
        self.at += 26

    def svg(self) -> str:
        body = "\n".join(self._parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.at}" width="{WIDTH}" '
            f'height="{self.at}" font-family="system-ui, sans-serif">\n'
            f'<rect width="{WIDTH}" height="{self.at}" fill="#ffffff"/>\n{body}\n</svg>\n'
        )


def beside_vpp(results: Sequence[dict[str, Any]], vpp: Figures) -> str:
    """Cycles per packet, a pair of bars for each case, and a mark where the goal is."""
    rows = [each for each in results if each["case"] in vpp.cases]
    drawing = Drawing(f"Cycles per packet, all nodes, beside {vpp.of}", "64-byte frames, one worker; shorter is better")
    drawing.legend([(OURS, "Weft"), (THEIRS, vpp.of), (MARK, "the goal: half of VPP's")])
    pairs = [
        (each["clocks_total"] * each["cycles_per_clock"], vpp.cases[each["case"]].total * vpp.cycles_per_clock)
        for each in rows
    ]
    top, height = drawing.at, len(rows) * (2 * BAR + GAP)
    unit = drawing.scale(max(max(pair) for pair in pairs), top, top + height)
    for row, (ours, theirs) in zip(rows, pairs, strict=True):
        y = drawing.at
        drawing.text(LEFT - 8, y + BAR + 4, row["case"], anchor="end")
        drawing.bar(LEFT, y, ours * unit, BAR, OURS, f"{row['case']}: {ours:.0f} cycles")
        drawing.bar(LEFT, y + BAR, theirs * unit, BAR, THEIRS, f"{row['case']}: VPP {theirs:.0f} cycles")
        goal = LEFT + theirs * GOAL * unit
        drawing.line(goal, y - 1, goal, y + 2 * BAR + 1, MARK)
        drawing.text(LEFT + max(ours, theirs) * unit + 6, y + BAR + 4, f"{ours / theirs:.2f}")
        drawing.at += 2 * BAR + GAP
    drawing.at += 28
    return drawing.svg()


def by_node(title: str, unit: str, rows: Sequence[tuple[str, dict[str, float]]]) -> str:
    """A bar for each case, in which each node has its part, so many of a unit per packet."""
    drawing = Drawing(title, "64-byte frames, one worker; a node has the same colour in all rows")
    names = ordered({kind(name) for _, nodes in rows for name in nodes})
    colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}
    drawing.legend([(colours[name], name) for name in names])
    top, height = drawing.at, len(rows) * (2 * BAR + GAP)
    scale = drawing.scale(max(sum(nodes.values()) for _, nodes in rows), top, top + height)
    for case, nodes in rows:
        x = float(LEFT)
        drawing.text(LEFT - 8, drawing.at + BAR + 4, case, anchor="end")
        for name, value in sorted(nodes.items(), key=lambda item: names.index(kind(item[0]))):
            drawing.bar(x, drawing.at, value * scale, 2 * BAR, colours[kind(name)], f"{name}: {value:.1f} {unit}")
            x += value * scale
        drawing.text(x + 6, drawing.at + BAR + 4, f"{sum(nodes.values()):.0f}")
        drawing.at += 2 * BAR + GAP
    drawing.at += 28
    return drawing.svg()


def cycles_by_node(results: Sequence[dict[str, Any]]) -> str:
    rows = [
        (each["case"], {name: clocks * each["cycles_per_clock"] for name, clocks in each["nodes"].items()})
        for each in results
    ]
    return by_node("Cycles per packet by node", "cycles", rows)


def instructions_by_node(results: Sequence[dict[str, Any]]) -> str:
    rows = [
        (each["case"], {name: counted["instructions"] for name, counted in each["nodes"].items()}) for each in results
    ]
    return by_node("Instructions per packet by node", "instructions", rows)


def ordered(names: set[str]) -> list[str]:
    """As packets meet them."""
    known = [name for name in ORDER if name in names]
    return [*known, *sorted(names.difference(ORDER, LAST)), *(name for name in LAST if name in names)]


def kind(name: str) -> str:
    """The name without the interface's: pg1-tx and pg0-tx are alike."""
    for prefix, instead in (("pg", "pgN"), ("loop", "loopN")):
        first, dash, rest = name.partition("-")
        if dash and first.startswith(prefix) and first[len(prefix) :].isdigit():
            return f"{instead}-{rest}"
    return name


@click.command()
@click.option("--folder", default=str(DOCS), help="Where to draw.")
def main(folder: str) -> None:
    """Draw the pictures of docs/performance.md from the last results, or from those that are kept with the source."""
    target = Path(folder)
    target.mkdir(exist_ok=True)
    if (results := last("bench")) is not None:
        (target / "beside-vpp.svg").write_text(beside_vpp(results, figures.vpp()))
        if all(each["nodes"] for each in results):
            (target / "cycles-by-node.svg").write_text(cycles_by_node(results))
    if (results := last("instructions")) is not None:
        (target / "instructions-by-node.svg").write_text(instructions_by_node(results))


def last(kind: str) -> list[dict[str, Any]] | None:
    """What an instrument found the last time."""
    file = history.latest(kind)
    if file is None:
        return None
    click.echo(f"drawn from {file.parent.name}/{file.name}")
    found: list[dict[str, Any]] = history.load(file)["results"]  # type: ignore[assignment]
    return found


if __name__ == "__main__":
    main()
