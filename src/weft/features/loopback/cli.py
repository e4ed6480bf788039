"""Commands of loopback interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.features.interface.model import Interface
from weft.features.loopback.model import Loopbacks

if TYPE_CHECKING:
    from weft.core.engine import Engine


@command(
    "loopback create",
    "[mac <mac>] [instance <instance:u32>]",
    help="Create a loopback interface",
    aliases=("create loopback interface",),
)
def loopback_create(engine: Engine, mac: int | None = None, instance: int | None = None) -> str:
    return engine[Loopbacks].create(mac, instance).name


@command(
    "loopback delete", "[intfc] <interface>", help="Delete a loopback interface", aliases=("delete loopback interface",)
)
def loopback_delete(engine: Engine, interface: Interface, intfc: bool = False) -> None:
    engine[Loopbacks].delete(interface)
