"""show punt reasons: what goes to the main thread, and how often it may."""

from __future__ import annotations

from weft.core.cli import command
from weft.core.engine import Engine
from weft.core.punt import REASONS
from weft.features.vlib.format import joined


@command(
    "show punt reasons",
    aliases=("show punt stats",),
    help="Show why packets go to the main thread, how many did, and how many were refused",
)
def show_punt_reasons(engine: Engine) -> str:
    lines = [f"{'Index':<6} {'Reason':<30} {'Rate/s':>10} {'Burst':>7} {'Punted':>12} {'Refused':>12}"]
    for declared, (name, punted, refused) in zip(REASONS, engine.punts.counts(), strict=True):
        lines.append(
            f"{declared.number:<6} {name:<30} {declared.rate:>10g} {declared.burst:>7} {punted:>12} {refused:>12}"
        )
    return joined(lines)
