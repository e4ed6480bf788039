"""set interface ...: states and addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.cli import command, describe_words
from weft.features.interface.model import Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine

describe_words("set interface", "Set an interface's parameters")


@command("set interface state", "<interface> <state:up|down|enable|disable>", help="Set an interface up or down")
def set_interface_state(engine: Engine, interface: Interface, state: str) -> str | None:
    """A sub-interface that is to go up takes its parent up with it, and says so; the model itself is strict."""
    up = state in ("up", "enable")
    parent = interface.sup
    said = None
    if up and parent is not None and not parent.admin_up:
        engine[Interfaces].set_admin(parent, True)
        said = f"{parent.name} was down and is up now, as {interface.name} needs it"
    engine[Interfaces].set_admin(interface, up)
    return said
