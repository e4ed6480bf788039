"""show cli: all commands."""

from __future__ import annotations

from weft.core.cli import command
from weft.core.engine import Engine
from weft.features.vlib.format import joined


@command("show cli", help="Show all commands")
def show_cli(engine: Engine) -> str:
    return joined(f"{each.name} {each.usage}" for each in engine.commands.table)
