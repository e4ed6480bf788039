"""Messages of host-interfaces."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from weft.core.api import Module, Text, u16, u32
from weft.core.api.ethernet_types import MacAddress
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.features.host_interface.device import HostInterfaces
from weft.features.interface.model import Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("af_packet", "2.0.0", "Host-interfaces: ports on Linux interfaces")


@api.enum("af_packet_mode")
class AfPacketMode(enum.IntEnum):
    """What the Linux interface carries."""

    AF_PACKET_API_MODE_ETHERNET = 1
    AF_PACKET_API_MODE_IP = 2


@api.enum("af_packet_flags", late=("AF_PACKET_API_FLAG_VERSION_2",))
class AfPacketFlags(enum.IntFlag):
    """How the port is to be. All rings are of version 2."""

    AF_PACKET_API_FLAG_QDISC_BYPASS = 1
    AF_PACKET_API_FLAG_CKSUM_GSO = 2
    AF_PACKET_API_FLAG_VERSION_2 = 8


@api.reply("af_packet_create_reply", 0x5383D31F)
class AfPacketCreateReply(Struct):
    """The interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("af_packet_create", 0xA190415F, reply=AfPacketCreateReply)
def af_packet_create(
    engine: Engine, hw_addr: MacAddress, use_random_hw_addr: bool, host_if_name: Annotated[str, Text(64)]
) -> AfPacketCreateReply:
    """Make a port on a Linux interface."""
    mac = None if use_random_hw_addr else hw_addr
    return AfPacketCreateReply(engine[HostInterfaces].create(host_if_name, mac=mac).sw_if_index)


@api.reply("af_packet_create_v2_reply", 0x5383D31F)
class AfPacketCreateV2Reply(Struct):
    """The interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("af_packet_create_v2", 0x4AFF0436, reply=AfPacketCreateV2Reply)
def af_packet_create_v2(
    engine: Engine,
    *,
    hw_addr: MacAddress,
    use_random_hw_addr: bool,
    host_if_name: Annotated[str, Text(64)],
    rx_frame_size: u32,
    tx_frame_size: u32,
    rx_frames_per_block: u32,
    tx_frames_per_block: u32,
    flags: u32,
    num_rx_queues: u16 = 1,
) -> AfPacketCreateV2Reply:
    """Make a port on a Linux interface. The sizes of rings and frames are our own."""
    mac = None if use_random_hw_addr else hw_addr
    made = _create(engine, AfPacketMode.AF_PACKET_API_MODE_ETHERNET, host_if_name, mac, num_rx_queues, flags)
    return AfPacketCreateV2Reply(made)


@api.reply("af_packet_create_v3_reply", 0x5383D31F)
class AfPacketCreateV3Reply(Struct):
    """The interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("af_packet_create_v3", 0xB3A809D4, reply=AfPacketCreateV3Reply)
def af_packet_create_v3(
    engine: Engine,
    *,
    mode: AfPacketMode,
    hw_addr: MacAddress,
    use_random_hw_addr: bool,
    host_if_name: Annotated[str, Text(64)],
    rx_frame_size: u32,
    tx_frame_size: u32,
    rx_frames_per_block: u32,
    tx_frames_per_block: u32,
    flags: AfPacketFlags,
    num_rx_queues: u16 = 1,
    num_tx_queues: u16 = 1,
) -> AfPacketCreateV3Reply:
    """Make a port on a Linux interface. The sizes of rings and frames are our own, and every worker sends by itself."""
    mac = None if use_random_hw_addr else hw_addr
    return AfPacketCreateV3Reply(_create(engine, mode, host_if_name, mac, num_rx_queues, flags))


def _create(engine: Engine, mode: AfPacketMode, name: str, mac: int | None, queues: int, flags: int) -> int:
    made = engine[HostInterfaces].create(
        name,
        mac=mac,
        queues=queues or 1,
        layer3=mode == AfPacketMode.AF_PACKET_API_MODE_IP,
        qdisc_bypass=bool(flags & AfPacketFlags.AF_PACKET_API_FLAG_QDISC_BYPASS),
        offloads=bool(flags & AfPacketFlags.AF_PACKET_API_FLAG_CKSUM_GSO),
    )
    return made.sw_if_index


@api.request("af_packet_delete", 0x863FA648)
def af_packet_delete(engine: Engine, host_if_name: Annotated[str, Text(64)]) -> None:
    """Delete the port on a Linux interface."""
    engine[HostInterfaces].delete(host_if_name)


@api.request("af_packet_set_l4_cksum_offload", 0x319CD5C8)
def af_packet_set_l4_cksum_offload(engine: Engine, sw_if_index: InterfaceIndex, set: bool) -> None:
    """Let Linux finish checksums and cut segments of what we send by a port, or do it ourselves."""
    engine[HostInterfaces].set_offloads(engine[Interfaces][sw_if_index], set)


@api.details("af_packet_details", 0x58C7C042)
class AfPacketDetails(Struct):
    """A port, and its Linux interface."""

    sw_if_index: InterfaceIndex
    host_if_name: Annotated[str, Text(64)]


@api.dump("af_packet_dump", 0x51077D14, details=AfPacketDetails)
def af_packet_dump(engine: Engine) -> Iterator[AfPacketDetails]:
    """All host-interfaces."""
    for host in list(engine[HostInterfaces].by_name.values()):
        yield AfPacketDetails(host.interface.sw_if_index, host.name)
