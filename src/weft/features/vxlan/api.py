"""Messages of VXLAN."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from weft.core.api import Module, u16, u32
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.core.api.ip_types import Address
from weft.features.interface.model import Interfaces
from weft.features.vxlan.model import Record, Tunnels
from weft.features.vxlan.offload import offload

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("vxlan", "2.1.0", "VXLAN tunnels")

NONE = 0xFFFFFFFF  #: an instance, or a way out: as it comes

# --- making and deleting


@api.reply("vxlan_add_del_tunnel_reply", 0x5383D31F)
class VxlanAddDelTunnelReply(Struct):
    """The tunnel's interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.reply("vxlan_add_del_tunnel_v2_reply", 0x5383D31F)
class VxlanAddDelTunnelV2Reply(Struct):
    """The tunnel's interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.reply("vxlan_add_del_tunnel_v3_reply", 0x5383D31F)
class VxlanAddDelTunnelV3Reply(Struct):
    """The tunnel's interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("vxlan_add_del_tunnel", 0x0C09DC80, reply=VxlanAddDelTunnelReply, deprecated=None)
def vxlan_add_del_tunnel(
    engine: Engine,
    *,
    is_add: bool = True,
    instance: u32,
    src_address: Address,
    dst_address: Address,
    mcast_sw_if_index: InterfaceIndex,
    encap_vrf_id: u32,
    decap_next_index: u32,
    vni: u32,
) -> VxlanAddDelTunnelReply:
    """Make or delete a tunnel between IANA's ports; ``mcast_sw_if_index`` counts if it leads to a group."""
    return VxlanAddDelTunnelReply(
        _add_del(
            engine,
            is_add,
            instance,
            src_address,
            dst_address,
            mcast_sw_if_index,
            encap_vrf_id,
            decap_next_index,
            vni,
        )
    )


@api.request("vxlan_add_del_tunnel_v2", 0x4F223F40, reply=VxlanAddDelTunnelV2Reply, deprecated=None)
def vxlan_add_del_tunnel_v2(
    engine: Engine,
    *,
    is_add: bool = True,
    instance: u32 = NONE,
    src_address: Address,
    dst_address: Address,
    src_port: u16,
    dst_port: u16,
    mcast_sw_if_index: InterfaceIndex,
    encap_vrf_id: u32,
    decap_next_index: u32,
    vni: u32,
) -> VxlanAddDelTunnelV2Reply:
    """The same with ports; 0: IANA's. ``src_port`` is the one that is listened at."""
    return VxlanAddDelTunnelV2Reply(
        _add_del(
            engine,
            is_add,
            instance,
            src_address,
            dst_address,
            mcast_sw_if_index,
            encap_vrf_id,
            decap_next_index,
            vni,
            src_port,
            dst_port,
        )
    )


@api.request("vxlan_add_del_tunnel_v3", 0x0072B037, reply=VxlanAddDelTunnelV3Reply)
def vxlan_add_del_tunnel_v3(
    engine: Engine,
    *,
    is_add: bool = True,
    instance: u32 = NONE,
    src_address: Address,
    dst_address: Address,
    src_port: u16,
    dst_port: u16,
    mcast_sw_if_index: InterfaceIndex,
    encap_vrf_id: u32,
    decap_next_index: u32,
    vni: u32,
    is_l3: bool = False,
) -> VxlanAddDelTunnelV3Reply:
    """The same; ``is_l3``: the tunnel carries IP packets, not frames."""
    return VxlanAddDelTunnelV3Reply(
        _add_del(
            engine,
            is_add,
            instance,
            src_address,
            dst_address,
            mcast_sw_if_index,
            encap_vrf_id,
            decap_next_index,
            vni,
            src_port,
            dst_port,
            is_l3,
        )
    )


def _add_del(
    engine: Engine,
    is_add: bool,
    instance: int,
    src: Address,
    dst: Address,
    mcast_sw_if_index: int,
    table_id: int,
    decap_next_index: int,
    vni: int,
    src_port: int = 0,
    dst_port: int = 0,
    l3: bool = False,
) -> int:
    """The sw_if_index of what was made or deleted. Raises Invalid."""
    tunnels = engine[Tunnels]
    if not is_add:
        return tunnels.delete(src, dst, vni, table_id=table_id, src_port=src_port).sw_if_index
    return tunnels.create(
        src,
        dst,
        vni,
        table_id=table_id,
        src_port=src_port,
        dst_port=dst_port,
        instance=None if instance == NONE else instance,
        decap_next=None if decap_next_index == NONE else decap_next_index,
        l3=l3,
        group_interface=engine[Interfaces][mcast_sw_if_index] if dst.is_multicast else None,
    ).sw_if_index


# --- listing


@api.details("vxlan_tunnel_details", 0xC3916CB1)
class VxlanTunnelDetails(Struct):
    """A tunnel."""

    sw_if_index: InterfaceIndex
    instance: u32
    src_address: Address
    dst_address: Address
    mcast_sw_if_index: InterfaceIndex
    encap_vrf_id: u32
    decap_next_index: u32
    vni: u32


@api.details("vxlan_tunnel_v2_details", 0xD3BDD4D9)
class VxlanTunnelV2Details(Struct):
    """A tunnel, with its ports."""

    sw_if_index: InterfaceIndex
    instance: u32
    src_address: Address
    dst_address: Address
    src_port: u16
    dst_port: u16
    mcast_sw_if_index: InterfaceIndex
    encap_vrf_id: u32
    decap_next_index: u32
    vni: u32


@api.dump("vxlan_tunnel_dump", 0xF9E6675E, details=VxlanTunnelDetails, deprecated=None)
def vxlan_tunnel_dump(engine: Engine, sw_if_index: InterfaceIndex) -> Iterator[VxlanTunnelDetails]:
    """The tunnel that is this interface; ~0: all."""
    for record in _wanted(engine, sw_if_index):
        yield VxlanTunnelDetails(**_described(record))


@api.dump("vxlan_tunnel_v2_dump", 0xF9E6675E, details=VxlanTunnelV2Details)
def vxlan_tunnel_v2_dump(engine: Engine, sw_if_index: InterfaceIndex) -> Iterator[VxlanTunnelV2Details]:
    """The same, with ports."""
    for record in _wanted(engine, sw_if_index):
        yield VxlanTunnelV2Details(src_port=record.ends.port, dst_port=record.dst_port, **_described(record))


def _wanted(engine: Engine, sw_if_index: int) -> list[Record]:
    return [each for each in engine[Tunnels] if sw_if_index in (NO_INTERFACE, each.interface.sw_if_index)]


def _described(record: Record) -> dict[str, Any]:
    """What both messages say."""
    group = record.group_interface
    return {
        "sw_if_index": record.interface.sw_if_index,
        "instance": record.instance,
        "src_address": record.ends.local,
        "dst_address": record.ends.remote,
        "mcast_sw_if_index": group.sw_if_index if group else NO_INTERFACE,
        "encap_vrf_id": record.table.table_id,
        "decap_next_index": record.row.decap_next,
        "vni": record.ends.vni,
    }


# --- on interfaces


@api.request("sw_interface_set_vxlan_bypass", 0x65247409)
def sw_interface_set_vxlan_bypass(
    engine: Engine, *, sw_if_index: InterfaceIndex, is_ipv6: bool, enable: bool = True
) -> None:
    """Let VXLAN's datagrams that come in by an interface go to their tunnels at once, or as all others."""
    engine[Tunnels].set_bypass(engine[Interfaces][sw_if_index], 6 if is_ipv6 else 4, enable)


@api.request("vxlan_offload_rx", 0x9CC95087)
def vxlan_offload_rx(
    engine: Engine, *, hw_if_index: InterfaceIndex, sw_if_index: InterfaceIndex, enable: bool = True
) -> None:
    """Let a device sort out a tunnel's packets. None of ours can."""
    interfaces = engine[Interfaces]
    offload(engine, interfaces[hw_if_index], interfaces[sw_if_index], enable)
