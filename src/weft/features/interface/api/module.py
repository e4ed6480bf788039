"""The API module of interfaces. Features that make interfaces add their messages to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.api import Module
from weft.core.api.interface_types import IfStatusFlags
from weft.core.model import Invalid
from weft.features.interface.model import Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("interface", "3.2.4", "Interfaces")


def flags_of(interface: Interface) -> IfStatusFlags:
    """An interface's states."""
    return IfStatusFlags(
        interface.admin_up * IfStatusFlags.IF_STATUS_API_FLAG_ADMIN_UP
        | interface.link_up * IfStatusFlags.IF_STATUS_API_FLAG_LINK_UP
    )


def device_of(engine: Engine, sw_if_index: int) -> Interface:
    """A device's interface. Raises Invalid for sub-interfaces."""
    interface = engine[Interfaces][sw_if_index]
    if interface.sup is not None:
        raise Invalid(f"{interface.name} is a sub-interface; name its device's, {interface.sup.name}")
    return interface
