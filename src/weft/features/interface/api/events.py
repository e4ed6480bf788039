"""Interfaces up and down, and telling clients of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.api import Client, Subscribers, u32
from weft.core.api.interface_types import IfStatusFlags, InterfaceIndex
from weft.core.model import model
from weft.features.interface.api.module import api, flags_of
from weft.features.interface.model import Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine


@api.event("sw_interface_event", 0x2D3D95A7)
class SwInterfaceEvent(Struct):
    """An interface went up, down or away."""

    pid: u32
    sw_if_index: InterfaceIndex
    flags: IfStatusFlags
    deleted: bool


@api.request("sw_interface_set_flags", 0xF5AEC1B8)
def sw_interface_set_flags(engine: Engine, sw_if_index: InterfaceIndex, flags: IfStatusFlags) -> None:
    """Set an interface administratively up or down; a sub-interface goes up only under a device that is up."""
    interfaces = engine[Interfaces]
    interfaces.set_admin(interfaces[sw_if_index], bool(flags & IfStatusFlags.IF_STATUS_API_FLAG_ADMIN_UP))


@model
class InterfaceEvents(Subscribers):
    """Tells those who want it what becomes of interfaces."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        for event in ("admin", "link"):
            engine[Interfaces].watch(event, self._changed)
        engine[Interfaces].watch("removed", lambda interface: self._changed(interface, deleted=True))

    def _changed(self, interface: Interface, deleted: bool = False) -> None:
        flags = flags_of(interface)
        self.send(lambda _, pid: SwInterfaceEvent(pid, interface.sw_if_index, flags, deleted))


@api.request("want_interface_events", 0x476F5A08, events=(SwInterfaceEvent,))
def want_interface_events(engine: Engine, client: Client, enable_disable: u32, pid: u32) -> None:
    """Be told when interfaces go up, down or away."""
    engine[InterfaceEvents].set(client, pid, bool(enable_disable))
