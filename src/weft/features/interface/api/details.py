"""What clients learn of interfaces: sw_interface_dump and what answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, TypeAlias

from msgspec import Struct

from weft.core.api import Fixed, Text, u8, u16, u32
from weft.core.api.ethernet_types import MacAddress
from weft.core.api.interface_types import NO_INTERFACE, IfStatusFlags, IfType, InterfaceIndex, LinkDuplex, SubIfFlags
from weft.features.interface.api.module import api, flags_of
from weft.features.interface.model import Interface, Interfaces, SubInterface

if TYPE_CHECKING:
    from weft.core.engine import Engine


NO_FLAGS = SubIfFlags(0)


@api.details("sw_interface_details", 0x6C221FC7)
class SwInterfaceDetails(Struct):
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
    sub_id: u32 = 0
    sub_number_of_tags: u8 = 0
    sub_outer_vlan_id: u16 = 0
    sub_inner_vlan_id: u16 = 0
    sub_if_flags: SubIfFlags = NO_FLAGS
    vtr_op: u32 = 0
    vtr_push_dot1q: u32 = 0
    vtr_tag1: u32 = 0
    vtr_tag2: u32 = 0
    outer_tag: u16 = 0
    b_dmac: MacAddress = 0
    b_smac: MacAddress = 0
    b_vlanid: u16 = 0
    i_sid: u32 = 0
    interface_name: Annotated[str, Text(64)] = ""
    interface_dev_type: Annotated[str, Text(64)] = ""
    tag: Annotated[str, Text(64)] = ""


#: Fills in what a feature knows of an interface.
Filler: TypeAlias = "Callable[[Engine, Interface, SwInterfaceDetails], None]"
_fillers: list[Filler] = []


def fill_details(filler: Filler) -> Filler:
    """Let a feature fill in what its own is of an interface's details (a tag rewrite is layer 2's)."""
    _fillers.append(filler)
    return filler


@api.dump("sw_interface_dump", 0xAA610C27, details=SwInterfaceDetails)
def sw_interface_dump(
    engine: Engine, *, sw_if_index: InterfaceIndex = NO_INTERFACE, name_filter_valid: bool, name_filter: str
) -> Iterator[SwInterfaceDetails]:
    """Those interfaces whose name contains a text, else the one of a number; all, if that is 0 or ~0."""
    interfaces = engine[Interfaces]
    if name_filter_valid or sw_if_index in (0, NO_INTERFACE):
        text = name_filter.lower() if name_filter_valid else ""
        chosen = [interface for interface in interfaces if text in interface.name.lower()]
    else:
        chosen = [interfaces[sw_if_index]]
    for interface in chosen:
        yield details_of(engine, interface)


def details_of(engine: Engine, interface: Interface) -> SwInterfaceDetails:
    """What a dump says of an interface."""
    row, sub = interface.row, interface.sub
    mtu = row.mtu
    details = SwInterfaceDetails(
        sw_if_index=interface.sw_if_index,
        sup_sw_if_index=row.sup_sw_if_index,
        l2_address=row.mac,
        flags=flags_of(interface),
        type=IfType.IF_API_TYPE_SUB if sub else IfType.IF_API_TYPE_HARDWARE,
        link_duplex=LinkDuplex.LINK_DUPLEX_API_UNKNOWN,
        link_speed=(interface.sup or interface).speed,
        link_mtu=(interface.sup or interface).link_mtu,
        mtu=[mtu, row.mtu_ip4, row.mtu_ip6, row.mtu_mpls],
        sub_id=sub.id if sub else 0,
        sub_number_of_tags=row.tags,
        sub_outer_vlan_id=row.outer_id,
        sub_inner_vlan_id=row.inner_id,
        sub_if_flags=flags_of_sub(sub) if sub else NO_FLAGS,
        interface_name=interface.name,
        interface_dev_type=interface.device.name,
        tag=interface.tag,
    )
    for fill in _fillers:
        fill(engine, interface, details)
    return details


def flags_of_sub(sub: SubInterface) -> SubIfFlags:
    """Which frames are a sub-interface's."""
    wanted = {
        SubIfFlags.SUB_IF_API_FLAG_NO_TAGS: sub.untagged,
        SubIfFlags.SUB_IF_API_FLAG_ONE_TAG: sub.tags == 1,
        SubIfFlags.SUB_IF_API_FLAG_TWO_TAGS: sub.tags == 2,
        SubIfFlags.SUB_IF_API_FLAG_DOT1AD: sub.dot1ad,
        SubIfFlags.SUB_IF_API_FLAG_EXACT_MATCH: sub.exact,
        SubIfFlags.SUB_IF_API_FLAG_DEFAULT: sub.default,
        SubIfFlags.SUB_IF_API_FLAG_OUTER_VLAN_ID_ANY: sub.outer_any,
        SubIfFlags.SUB_IF_API_FLAG_INNER_VLAN_ID_ANY: sub.inner_any,
    }
    return SubIfFlags(sum(flag for flag, on in wanted.items() if on))
