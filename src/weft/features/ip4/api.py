"""A message of IPv4 alone; VPP has it among those of IP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.api.interface_types import InterfaceIndex
from weft.core.model import model
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip.api import api
from weft.features.ip4.model import Ip4

if TYPE_CHECKING:
    from weft.core.engine import Engine


@model
class Enabled:
    """On which interfaces a client has switched IPv4 on."""

    def __init__(self, engine: Engine) -> None:
        self._ip4 = engine[Ip4]
        self._by: set[int] = set()
        engine[Interfaces].watch("removed", lambda interface: self._by.discard(interface.sw_if_index))

    def set(self, interface: Interface, on: bool) -> None:
        """Switch it on or off; saying so again changes nothing."""
        if on == (interface.sw_if_index in self._by):
            return
        (self._ip4.enable if on else self._ip4.disable)(interface)
        (self._by.add if on else self._by.discard)(interface.sw_if_index)


@api.request("sw_interface_ip4_enable_disable", 0xAE6CFCFB)
def sw_interface_ip4_enable_disable(engine: Engine, sw_if_index: InterfaceIndex, enable: bool) -> None:
    """Let an interface take IPv4 packets even without an address, or only with one."""
    engine[Enabled].set(engine[Interfaces][sw_if_index], enable)
