"""Messages of loopback interfaces; VPP has them among those of interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.api import u32
from weft.core.api.ethernet_types import MacAddress
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.features.interface.api import api
from weft.features.interface.model import Interfaces
from weft.features.loopback.model import Loopbacks

if TYPE_CHECKING:
    from weft.core.engine import Engine


@api.reply("create_loopback_reply", 0x5383D31F)
class CreateLoopbackReply(Struct):
    """The interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("create_loopback", 0x42BB5D22, reply=CreateLoopbackReply)
def create_loopback(engine: Engine, mac_address: MacAddress) -> CreateLoopbackReply:
    """Make a loopback interface; without a MAC address it gets one that follows from its number."""
    return CreateLoopbackReply(engine[Loopbacks].create(mac_address or None).sw_if_index)


@api.reply("create_loopback_instance_reply", 0x5383D31F)
class CreateLoopbackInstanceReply(Struct):
    """The interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("create_loopback_instance", 0xD36A3EE2, reply=CreateLoopbackInstanceReply)
def create_loopback_instance(
    engine: Engine, mac_address: MacAddress, is_specified: bool, user_instance: u32
) -> CreateLoopbackInstanceReply:
    """Make a loopback interface, with a number of one's choice."""
    instance = user_instance if is_specified else None
    return CreateLoopbackInstanceReply(engine[Loopbacks].create(mac_address or None, instance).sw_if_index)


@api.request("delete_loopback", 0xF9E6675E)
def delete_loopback(engine: Engine, sw_if_index: InterfaceIndex) -> None:
    """Delete a loopback interface."""
    engine[Loopbacks].delete(engine[Interfaces][sw_if_index])
