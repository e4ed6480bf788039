"""Messages of IPv6 alone; VPP has them among those of IP."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.api.interface_types import InterfaceIndex
from weft.core.api.ip_types import Ip6Address
from weft.core.model import Invalid
from weft.features.interface.model import Interfaces
from weft.features.ip.api import api
from weft.features.ip6.model import LINK_LOCAL, Ip6

if TYPE_CHECKING:
    from weft.core.engine import Engine

UNSPECIFIED = IPv6Address(0)


@api.request("sw_interface_ip6_enable_disable", 0xAE6CFCFB)
def sw_interface_ip6_enable_disable(engine: Engine, sw_if_index: InterfaceIndex, enable: bool) -> None:
    """Let an interface have a link-local address and take IPv6 packets even without another address, or only with
    one.
    """
    interface, ip6 = engine[Interfaces][sw_if_index], engine[Ip6]
    if not enable:
        ip6.disable_interface(interface)
    elif ip6.is_enabled(interface):
        raise Invalid(f"{interface.name} has IPv6 already", "VALUE_EXIST")
    else:
        ip6.enable_interface(interface)


@api.request("sw_interface_ip6_set_link_local_address", 0x1C10F15F)
def sw_interface_ip6_set_link_local_address(engine: Engine, sw_if_index: InterfaceIndex, ip: Ip6Address) -> None:
    """Set an interface's link-local address; it has IPv6 from then on."""
    interface, ip6 = engine[Interfaces][sw_if_index], engine[Ip6]
    if ip not in LINK_LOCAL:
        raise Invalid(f"{ip} is no link-local address: those are in {LINK_LOCAL}")
    if not ip6.is_enabled(interface):
        ip6.enable_interface(interface)
    ip6.set_link_local(interface, ip)


@api.reply("sw_interface_ip6_get_link_local_address_reply", 0xD16B7130)
class SwInterfaceIp6GetLinkLocalAddressReply(Struct):
    """The address."""

    ip: Ip6Address = UNSPECIFIED


@api.request("sw_interface_ip6_get_link_local_address", 0xF9E6675E, reply=SwInterfaceIp6GetLinkLocalAddressReply)
def sw_interface_ip6_get_link_local_address(
    engine: Engine, sw_if_index: InterfaceIndex
) -> SwInterfaceIp6GetLinkLocalAddressReply:
    """An interface's link-local address."""
    interface = engine[Interfaces][sw_if_index]
    found = engine[Ip6].link_local(interface)
    if found is None:
        raise Invalid(f"{interface.name} has no IPv6", "IP6_NOT_ENABLED")
    return SwInterfaceIp6GetLinkLocalAddressReply(found)
