"""show statistics segment: what readers of the segment find there."""

from __future__ import annotations

from weft.core.cli import command
from weft.core.engine import Engine
from weft.core.stats.segment import Kind, header
from weft.features.stats.model import StatsSegment
from weft.features.vlib.format import joined
from weft.features.vlib.memory import amount

SCALARS = (Kind.SCALAR, Kind.GAUGE)
#: VPP's words.
LABELS = {
    Kind.SCALAR: "ScalarPtr",
    Kind.SIMPLE: "CMainPtr",
    Kind.COMBINED: "CMainPtr",
    Kind.NAMES: "NameVector",
    Kind.SYMLINK: "Symlink",
    Kind.GAUGE: "Gauge",
}


@command("show statistics segment", "[verbose]", help="Show the directory of the statistics segment")
def show_statistics_segment(engine: Engine, verbose: bool = False) -> str:
    lines = [f"{'Name':<74} {'Type':>10} {'Value':>10}"]
    entries = list(engine[StatsSegment].segment)
    for entry in sorted(entries, key=lambda entry: entry.path):
        value = entry.value if entry.kind in SCALARS else 0
        lines.append(f"{entry.path:<74} {LABELS[entry.kind]:<10} {value:>10}")
    if verbose:
        zone = engine.arena.counters
        lines.append(
            f"base {zone.address:#x}, size {amount(zone.size)}, resident {amount(zone.resident())}, "
            f"version {header.version}, epoch {header.epoch}, {len(entries)} entries"
        )
    return joined(lines)
