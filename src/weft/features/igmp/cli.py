"""Commands of IGMP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.features.igmp.model import Igmp
from weft.features.interface.model import Interfaces
from weft.features.vlib.format import joined

if TYPE_CHECKING:
    from weft.core.engine import Engine


@command("show igmp config", help="Show the IPv4 groups that interfaces report to routers and switches")
def show_igmp_config(engine: Engine) -> str:
    lines = []
    for interface in engine[Interfaces]:
        groups = engine[Igmp].groups(interface)
        if groups:
            lines += [f"interface: {interface.name} mode: host", *(f"  {group}" for group in groups)]
    return joined(lines)
