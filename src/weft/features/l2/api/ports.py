"""Messages of interfaces at layer 2."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.api import u8, u32
from weft.core.api.ethernet_types import MacAddress
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.core.model import Invalid
from weft.features.interface.api import SwInterfaceDetails, fill_details
from weft.features.interface.model import Interface, Interfaces
from weft.features.l2.api.domains import flags_of, options_of
from weft.features.l2.api.module import ALL, api
from weft.features.l2.domain import ITS_OWN, OPTIONS
from weft.features.l2.pipeline import INPUT, OUTPUT, OUTPUT_END, Pipeline
from weft.features.l2.port import Layer2, PortType
from weft.features.l2.tags import Operation, TagRewrite
from weft.features.loopback.model import BVI, Loopbacks

if TYPE_CHECKING:
    from weft.core.engine import Engine


@api.enum("l2_port_type")
class L2PortType(enum.IntEnum):
    """What a member is to its bridge domain."""

    L2_API_PORT_TYPE_NORMAL = 0
    L2_API_PORT_TYPE_BVI = 1
    L2_API_PORT_TYPE_UU_FWD = 2


PORT_TYPES = dict(zip(L2PortType, (PortType.NORMAL, PortType.BVI, PortType.UU_FWD), strict=True))


@api.request("sw_interface_set_l2_bridge", 0xD0678B13)
def sw_interface_set_l2_bridge(
    engine: Engine,
    *,
    rx_sw_if_index: InterfaceIndex,
    bd_id: u32,
    port_type: L2PortType,
    shg: u8,
    enable: bool = True,
) -> None:
    """Put an interface into a bridge domain, which is made if need be; or take it out."""
    interface = engine[Interfaces][rx_sw_if_index]
    if enable:
        engine[Layer2].bridge(interface, bd_id, PORT_TYPES[port_type], shg)
    else:
        engine[Layer2].layer_3(interface)


@api.request("sw_interface_set_l2_xconnect", 0x4FA28A85)
def sw_interface_set_l2_xconnect(
    engine: Engine, *, rx_sw_if_index: InterfaceIndex, tx_sw_if_index: InterfaceIndex, enable: bool = True
) -> None:
    """Send all that comes in by an interface out by another; or take it back to layer 3."""
    interfaces = engine[Interfaces]
    interface = interfaces[rx_sw_if_index]
    if not enable:
        engine[Layer2].layer_3(interface)
        return
    try:
        peer = interfaces[tx_sw_if_index]
    except Invalid as error:
        raise Invalid(str(error), "INVALID_SW_IF_INDEX_2") from None
    engine[Layer2].cross_connect(interface, peer)


@api.details("l2_xconnect_details", 0x472B6B67)
class L2XconnectDetails(Struct):
    """A cross-connect."""

    rx_sw_if_index: InterfaceIndex
    tx_sw_if_index: InterfaceIndex


@api.dump("l2_xconnect_dump", 0x51077D14, details=L2XconnectDetails)
def l2_xconnect_dump(engine: Engine) -> Iterator[L2XconnectDetails]:
    """All cross-connects."""
    for interface in list(engine[Interfaces]):
        peer = engine[Layer2][interface].peer
        if peer is not None:
            yield L2XconnectDetails(interface.sw_if_index, peer.sw_if_index)


# --- tag rewrite

#: VPP's numbers of the operations; 0 is none.
OPERATIONS = dict(enumerate(Operation, 1))
NUMBERS = {operation: number for number, operation in OPERATIONS.items()}


@api.request("l2_interface_vlan_tag_rewrite", 0x62CC0BBC)
def l2_interface_vlan_tag_rewrite(
    engine: Engine, sw_if_index: InterfaceIndex, vtr_op: u32, push_dot1q: u32, tag1: u32, tag2: u32
) -> None:
    """Take tags off an interface's packets and put tags on; the opposite when packets leave. ``vtr_op``: 0 none, push 1
    or 2 tags (1, 2), pop (3, 4), translate 1 to 1, 1 to 2, 2 to 1, 2 to 2 (5 to 8).
    """
    interface = engine[Interfaces][sw_if_index]
    if vtr_op == 0:
        engine[Layer2].set_rewrite(interface, None)
        return
    operation = OPERATIONS.get(vtr_op)
    if operation is None:
        raise Invalid(f"a tag rewrite's operation is 0 to {len(OPERATIONS)}, not {vtr_op}")
    rewrite = TagRewrite(operation, (tag1, tag2)[: operation.push], dot1ad=bool(operation.push) and not push_dot1q)
    engine[Layer2].set_rewrite(interface, rewrite)


@fill_details
def fill_rewrite(engine: Engine, interface: Interface, details: SwInterfaceDetails) -> None:
    """What an interface's tag rewrite adds to its details."""
    rewrite = engine[Layer2][interface].rewrite
    if rewrite is not None:
        tags = (*rewrite.vlans, 0, 0)
        details.vtr_op, details.vtr_push_dot1q = NUMBERS[rewrite.operation], int(not rewrite.dot1ad)
        details.vtr_tag1, details.vtr_tag2 = tags[:2]


# --- features


@api.enum("l2_intf_feat_flags")
class L2IntfFeatFlags(enum.IntFlag):
    """What may be done with an interface's packets."""

    L2_INTF_FEAT_NONE = 0
    L2_INTF_FEAT_LEARN = 1
    L2_INTF_FEAT_FWD = 2
    L2_INTF_FEAT_FLOOD = 4
    L2_INTF_FEAT_UU_FLOOD = 8
    L2_INTF_FEAT_ARP_TERM = 16
    L2_INTF_FEAT_ARP_UFWD = 32


@api.reply("l2_flags_reply", 0x29B2A2B3)
class L2FlagsReply(Struct):
    """What is done now, in the bits of layer 2's features."""

    resulting_feature_bitmap: u32 = 0


@api.request("l2_flags", 0xFC41CFE8, reply=L2FlagsReply)
def l2_flags(engine: Engine, sw_if_index: InterfaceIndex, is_set: bool, feature_bitmap: u32) -> L2FlagsReply:
    """Let some things be done with an interface's packets (the flags of ``l2_intf_feat_flags``), or not."""
    interface = engine[Interfaces][sw_if_index]
    _set(engine, interface, feature_bitmap, is_set)
    return L2FlagsReply(engine[Layer2][interface].row.features)


@api.reply("l2_interface_feat_flags_get_reply", 0xA4149215)
class L2InterfaceFeatFlagsGetReply(Struct):
    """What may be done with the interface's packets."""

    flags: L2IntfFeatFlags = L2IntfFeatFlags.L2_INTF_FEAT_NONE


@api.request("l2_interface_feat_flags_get", 0xF9E6675E, reply=L2InterfaceFeatFlagsGetReply)
def l2_interface_feat_flags_get(engine: Engine, sw_if_index: InterfaceIndex) -> L2InterfaceFeatFlagsGetReply:
    """What may be done with an interface's packets, if its bridge domain does it."""
    features = engine[Layer2][engine[Interfaces][sw_if_index]].features
    return L2InterfaceFeatFlagsGetReply(L2IntfFeatFlags(flags_of(features)))


@api.request("l2_interface_feat_flags_set", 0xC4E2865C)
def l2_interface_feat_flags_set(
    engine: Engine, sw_if_index: InterfaceIndex, is_set: bool, flags: L2IntfFeatFlags
) -> None:
    """Let some things be done with an interface's packets, or not."""
    _set(engine, engine[Interfaces][sw_if_index], flags, is_set)


def _set(engine: Engine, interface: Interface, flags: int, on: bool) -> None:
    for option in options_of(flags):
        engine[Layer2].set_feature(interface, OPTIONS[option], on)


@api.reply("l2_flags_get_reply", 0x35CB810F)
class L2FlagsGetReply(Struct):
    """The features that packets pass which come in by the interface, and which leave by it, as bitmaps."""

    input_feature_bitmap: u32 = 0
    output_feature_bitmap: u32 = 0


@api.request("l2_flags_get", 0xF9E6675E, reply=L2FlagsGetReply)
def l2_flags_get(engine: Engine, sw_if_index: InterfaceIndex) -> L2FlagsGetReply:
    """The features that an interface's packets pass."""
    row = engine[Layer2][engine[Interfaces][sw_if_index]].row
    return L2FlagsGetReply(row.features, row.output_features)


@api.request("l2_flags_set", 0xD4030647)
def l2_flags_set(
    engine: Engine, sw_if_index: InterfaceIndex, is_set: bool, input_feature_bitmap: u32, output_feature_bitmap: u32
) -> None:
    """Let an interface's packets pass features, given as bitmaps, or not."""
    interface = engine[Interfaces][sw_if_index]
    _check(INPUT, input_feature_bitmap)
    _check(OUTPUT, output_feature_bitmap)
    layer_2 = engine[Layer2]
    layer_2.set_feature(interface, input_feature_bitmap & ITS_OWN, is_set)
    layer_2.enable(interface, input_feature_bitmap & ~ITS_OWN & _others(INPUT), is_set)
    layer_2.enable(interface, output_feature_bitmap & _others(OUTPUT), is_set, output=True)


def _others(pipeline: Pipeline) -> int:
    """The bits of features that others have put into a pipeline."""
    own = OUTPUT_END if pipeline is OUTPUT else ITS_OWN
    return sum(stage.mask for stage in pipeline.stages if stage.node in _placed(pipeline)) & ~own


def _placed(pipeline: Pipeline) -> set[str]:
    return {place.node for place in pipeline.places}


def _check(pipeline: Pipeline, bitmap: int) -> None:
    own = ITS_OWN if pipeline is INPUT else 0
    wrong = bitmap & ~(own | _others(pipeline))
    if wrong:
        known = ", ".join(f"{stage.node} {stage.mask:#x}" for stage in pipeline.stages if stage.bit)
        raise Invalid(f"layer 2 has no {pipeline.name} features {wrong:#x} to be set; it has {known}")


# --- bridge domains' virtual interfaces


@api.reply("bvi_create_reply", 0x5383D31F)
class BviCreateReply(Struct):
    """The interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("bvi_create", 0xF5398559, reply=BviCreateReply)
def bvi_create(engine: Engine, *, mac: MacAddress, user_instance: u32 = ALL) -> BviCreateReply:
    """Make an interface bviN that can be a bridge domain's virtual interface, as a loopback interface can."""
    instance = None if user_instance == ALL else user_instance
    return BviCreateReply(engine[Loopbacks].create(mac or None, instance, BVI).sw_if_index)


@api.request("bvi_delete", 0xF9E6675E)
def bvi_delete(engine: Engine, sw_if_index: InterfaceIndex) -> None:
    """Delete an interface bviN."""
    engine[Loopbacks].delete(engine[Interfaces][sw_if_index], BVI)
