"""Messages of sub-interfaces; VPP has them among those of interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.api import u16, u32
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex, SubIfFlags
from weft.core.model import Invalid
from weft.features.ethernet.model import create_sub_interface, delete_sub_interface
from weft.features.interface.api import api
from weft.features.interface.model import Interface, Interfaces, SubInterface

if TYPE_CHECKING:
    from weft.core.engine import Engine

MAX_VLAN = 4095


@api.reply("create_subif_reply", 0x5383D31F)
class CreateSubifReply(Struct):
    """The sub-interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("create_subif", 0x790CA755, reply=CreateSubifReply)
def create_subif(
    engine: Engine,
    sw_if_index: InterfaceIndex,
    sub_id: u32,
    sub_if_flags: SubIfFlags,
    outer_vlan_id: u16,
    inner_vlan_id: u16,
) -> CreateSubifReply:
    """Make a sub-interface for frames with the tags that the flags and VLANs say."""
    parent = engine[Interfaces][sw_if_index]
    if sub_id in parent.subs:
        raise Invalid(f"sub-interface {parent.name}.{sub_id} already exists", "SUBIF_ALREADY_EXISTS")
    sub = _described(sub_id, sub_if_flags, outer_vlan_id, inner_vlan_id)
    return CreateSubifReply(_create(engine, parent, sub, "SUBIF_CREATE_FAILED").sw_if_index)


def _described(sub_id: int, flags: SubIfFlags, outer: int, inner: int) -> SubInterface:
    """Which frames the message means. Raises Invalid where it means none."""

    def has(name: str) -> bool:
        return bool(flags & SubIfFlags[f"SUB_IF_API_FLAG_{name}"])

    kinds = [name for name in ("NO_TAGS", "DEFAULT", "ONE_TAG", "TWO_TAGS") if has(name)]
    if len(kinds) != 1:
        what = ", ".join(kinds) or "none"
        raise Invalid(
            f"of the flags no tags, default, one and two tags there must be one, not {what}", "SUBIF_CREATE_FAILED"
        )
    tags = {"ONE_TAG": 1, "TWO_TAGS": 2}.get(kinds[0], 0)
    outer_any, inner_any = has("OUTER_VLAN_ID_ANY"), has("INNER_VLAN_ID_ANY")
    return SubInterface(
        sub_id,
        outer=outer if tags and not outer_any else None,
        inner=inner if tags == 2 and not inner_any else None,
        tags=tags,
        dot1ad=has("DOT1AD"),
        exact=has("EXACT_MATCH"),
        default=has("DEFAULT"),
        untagged=has("NO_TAGS"),
        outer_any=outer_any,
        inner_any=inner_any,
    )


def _create(engine: Engine, parent: Interface, sub: SubInterface, error: str) -> Interface:
    """Make it; whatever stands against it, VPP gives one error."""
    try:
        return create_sub_interface(engine, parent, sub)
    except Invalid as refused:
        raise Invalid(str(refused), error) from None


@api.reply("create_vlan_subif_reply", 0x5383D31F)
class CreateVlanSubifReply(Struct):
    """The sub-interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("create_vlan_subif", 0xAF34AC8B, reply=CreateVlanSubifReply)
def create_vlan_subif(engine: Engine, sw_if_index: InterfaceIndex, vlan_id: u32) -> CreateVlanSubifReply:
    """Make a sub-interface for frames with one 802.1Q tag; its number is the VLAN."""
    parent = engine[Interfaces][sw_if_index]
    if not 0 < vlan_id <= MAX_VLAN:
        raise Invalid(f"a VLAN is 1 to {MAX_VLAN}, not {vlan_id}", "INVALID_VLAN")
    if vlan_id in parent.subs:
        raise Invalid(f"sub-interface {parent.name}.{vlan_id} already exists", "VLAN_ALREADY_EXISTS")
    sub = SubInterface(vlan_id, outer=vlan_id)
    return CreateVlanSubifReply(_create(engine, parent, sub, "INVALID_REGISTRATION").sw_if_index)


@api.request("delete_subif", 0xF9E6675E)
def delete_subif(engine: Engine, sw_if_index: InterfaceIndex) -> None:
    """Delete a sub-interface."""
    delete_sub_interface(engine, engine[Interfaces][sw_if_index])
