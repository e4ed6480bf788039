"""What clients set of interfaces: sizes, addresses, names, tags; what is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from weft.core.api import Fixed, Text, u8, u16, u32
from weft.core.api.ethernet_types import MacAddress
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.core.model import Invalid
from weft.features.interface.api.module import api, device_of
from weft.features.interface.model import Interfaces
from weft.features.interface.secondary import SecondaryMacs

if TYPE_CHECKING:
    from weft.core.engine import Engine


@api.request("sw_interface_set_promisc", 0xD40860D4)
def sw_interface_set_promisc(engine: Engine, sw_if_index: InterfaceIndex, promisc_on: bool) -> None:
    """Let an interface's device deliver frames for anybody, or for itself only."""
    interface = engine[Interfaces][sw_if_index]
    engine[Interfaces].set_promiscuous(interface.sup or interface, promisc_on)


# --- sizes


@api.request("hw_interface_set_mtu", 0xE6746899)
def hw_interface_set_mtu(engine: Engine, sw_if_index: InterfaceIndex, mtu: u16) -> None:
    """Set the largest packet that a device takes; no MTU of layer 3 stays above it."""
    engine[Interfaces].set_link_mtu(device_of(engine, sw_if_index), mtu)


@api.request("sw_interface_set_mtu", 0x5CBE85E5)
def sw_interface_set_mtu(engine: Engine, sw_if_index: InterfaceIndex, mtu: Annotated[list[u32], Fixed(4)]) -> None:
    """Set the MTUs of layer 3, IPv4, IPv6 and MPLS. 0: as that of layer 3, which is then the device's."""
    interfaces = engine[Interfaces]
    interfaces.set_mtus(interfaces[sw_if_index], dict(zip(("l3", "ip4", "ip6", "mpls"), mtu, strict=True)))


# --- MAC addresses


@api.request("sw_interface_set_mac_address", 0xC536E7EB)
def sw_interface_set_mac_address(engine: Engine, sw_if_index: InterfaceIndex, mac_address: MacAddress) -> None:
    """Set the MAC address of a device, and so of its sub-interfaces."""
    engine[Interfaces].set_mac(engine[Interfaces][sw_if_index], mac_address)


@api.reply("sw_interface_get_mac_address_reply", 0x40EF2C08)
class SwInterfaceGetMacAddressReply(Struct):
    """The MAC address; zero if there is no layer 2."""

    mac_address: MacAddress = 0


@api.request("sw_interface_get_mac_address", 0xF9E6675E, reply=SwInterfaceGetMacAddressReply)
def sw_interface_get_mac_address(engine: Engine, sw_if_index: InterfaceIndex) -> SwInterfaceGetMacAddressReply:
    """An interface's MAC address."""
    return SwInterfaceGetMacAddressReply(engine[Interfaces][sw_if_index].row.mac)


@api.request("sw_interface_add_del_mac_address", 0x638BB9F4)
def sw_interface_add_del_mac_address(engine: Engine, sw_if_index: u32, addr: MacAddress, is_add: u8) -> None:
    """Let a device take frames for another MAC address beside its own, or no longer."""
    macs, interface = engine[SecondaryMacs], engine[Interfaces][sw_if_index]
    (macs.add if is_add else macs.remove)(interface, addr)


# --- names and notes


@api.request("sw_interface_tag_add_del", 0x426F8BC1)
def sw_interface_tag_add_del(
    engine: Engine, is_add: bool, sw_if_index: InterfaceIndex, tag: Annotated[str, Text(64)]
) -> None:
    """Note something about an interface, or forget it."""
    interface = engine[Interfaces][sw_if_index]
    if is_add and not tag:
        raise Invalid("an empty tag; to forget a tag, set is_add to false")
    engine[Interfaces].set_tag(interface, tag if is_add else "")


@api.request("sw_interface_set_interface_name", 0x45A1D548)
def sw_interface_set_interface_name(
    engine: Engine, sw_if_index: InterfaceIndex, name: Annotated[str, Text(64)]
) -> None:
    """Give a device's interface another name; those of its sub-interfaces follow."""
    engine[Interfaces].rename(engine[Interfaces][sw_if_index], name)


@api.unimplemented("interface_name_renumber", 0x2B8858B8)
def interface_name_renumber(engine: Engine, sw_if_index: InterfaceIndex, new_show_dev_instance: u32) -> None:
    """Give a device's name another number, where its driver can; none of ours can."""


# --- what is counted


@api.request("sw_interface_clear_stats", 0xF9E6675E)
def sw_interface_clear_stats(engine: Engine, sw_if_index: InterfaceIndex) -> None:
    """Set the counters of an interface, or of all (~0), to zero."""
    interfaces = engine[Interfaces]
    for interface in list(interfaces) if sw_if_index == NO_INTERFACE else [interfaces[sw_if_index]]:
        interfaces.clear_counters(interface)


@api.request("collect_detailed_interface_stats", 0x5501ADEE)
def collect_detailed_interface_stats(engine: Engine, sw_if_index: InterfaceIndex, enable_disable: bool) -> None:
    """Count unicast, multicast and broadcast frames of an interface apart, or no longer."""
    interface = engine[Interfaces][sw_if_index]
    for arc, node in (("device-input", "stats-collect-rx"), ("interface-output", "stats-collect-tx")):
        engine.graph.enable(arc, node, interface.sw_if_index, enable_disable)
