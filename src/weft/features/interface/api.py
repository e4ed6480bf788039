"""Messages of interfaces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from weft.core.api import Client, Fixed, Module, Subscribers, Text, u8, u16, u32
from weft.core.api.ethernet_types import MacAddress
from weft.core.api.interface_types import NO_INTERFACE, IfStatusFlags, IfType, InterfaceIndex, LinkDuplex, SubIfFlags
from weft.core.model import model
from weft.features.interface.model import Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("interface", "3.2.4", "Interfaces")


@api.event("sw_interface_event", 0x2D3D95A7)
@dataclass
class SwInterfaceEvent:
    """An interface went up, down or away."""

    pid: u32
    sw_if_index: InterfaceIndex
    flags: IfStatusFlags
    deleted: bool


@api.request("sw_interface_set_flags", 0xF5AEC1B8)
def sw_interface_set_flags(engine: Engine, sw_if_index: InterfaceIndex, flags: IfStatusFlags) -> None:
    """Set an interface administratively up or down."""
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


@api.details("sw_interface_details", 0x6C221FC7)
@dataclass
class SwInterfaceDetails:
    """An interface. ``mtu``: of layer 3, IPv4, IPv6 and MPLS; ``link_speed`` in kbit/s."""

    sw_if_index: InterfaceIndex
    sup_sw_if_index: u32
    l2_address: MacAddress
    flags: IfStatusFlags
    type: IfType
    link_duplex: LinkDuplex
    link_speed: u32
    link_mtu: u16
    mtu: Annotated[list[u32], Fixed(4)]
    sub_id: u32
    sub_number_of_tags: u8
    sub_outer_vlan_id: u16
    sub_inner_vlan_id: u16
    sub_if_flags: SubIfFlags
    vtr_op: u32
    vtr_push_dot1q: u32
    vtr_tag1: u32
    vtr_tag2: u32
    outer_tag: u16
    b_dmac: MacAddress
    b_smac: MacAddress
    b_vlanid: u16
    i_sid: u32
    interface_name: Annotated[str, Text(64)]
    interface_dev_type: Annotated[str, Text(64)]
    tag: Annotated[str, Text(64)]


@api.dump("sw_interface_dump", 0xAA610C27, details=SwInterfaceDetails)
def sw_interface_dump(
    engine: Engine, *, sw_if_index: InterfaceIndex = NO_INTERFACE, name_filter_valid: bool, name_filter: str
) -> Iterator[SwInterfaceDetails]:
    """One interface, those whose name contains a text, or all."""
    interfaces = engine[Interfaces]
    chosen = list(interfaces) if sw_if_index == NO_INTERFACE else [interfaces[sw_if_index]]
    for interface in chosen:
        if not name_filter_valid or name_filter.lower() in interface.name.lower():
            yield details_of(interface)


def flags_of(interface: Interface) -> IfStatusFlags:
    """An interface's states."""
    return IfStatusFlags(
        interface.admin_up * IfStatusFlags.IF_STATUS_API_FLAG_ADMIN_UP
        | interface.link_up * IfStatusFlags.IF_STATUS_API_FLAG_LINK_UP
    )


def details_of(interface: Interface) -> SwInterfaceDetails:
    """What a dump says of an interface."""
    row, sub = interface.row, interface.sub
    return SwInterfaceDetails(
        sw_if_index=interface.sw_if_index,
        sup_sw_if_index=(interface.sup or interface).sw_if_index,
        l2_address=row.mac,
        flags=flags_of(interface),
        type=IfType.IF_API_TYPE_SUB if interface.sup else IfType.IF_API_TYPE_HARDWARE,
        link_duplex=LinkDuplex.LINK_DUPLEX_API_UNKNOWN,
        link_speed=interface.speed,
        link_mtu=row.mtu,
        mtu=[row.mtu, row.mtu_ip4, row.mtu_ip6, row.mtu_mpls],
        sub_id=sub.id if sub else 0,
        sub_number_of_tags=row.tags,
        sub_outer_vlan_id=row.outer_id,
        sub_inner_vlan_id=row.inner_id,
        sub_if_flags=SubIfFlags(0),
        vtr_op=0,
        vtr_push_dot1q=0,
        vtr_tag1=0,
        vtr_tag2=0,
        outer_tag=0,
        b_dmac=0,
        b_smac=0,
        b_vlanid=0,
        i_sid=0,
        interface_name=interface.name,
        interface_dev_type=interface.device.name,
        tag=interface.tag,
    )
