"""Messages of taps."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv6Interface
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from weft.core.api import Module, Text, u8, u16, u32
from weft.core.api.ethernet_types import MacAddress
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.core.api.ip_types import Ip4Address, Ip4AddressWithPrefix, Ip6Address, Ip6AddressWithPrefix
from weft.features.interface.address import parse_mac, show_mac
from weft.features.interface.model import Interfaces
from weft.features.tap.device import Options, Tap, Taps, check_ring
from weft.features.tap.linux import HostSide

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("tapv2", "4.0.0", "Taps: interfaces between the engine and Linux")

ANY = 0xFFFFFFFF
RING = 256  #: entries, as VPP's; ours have none


@api.enum("tap_flags", late=("TAP_API_FLAG_PACKED", "TAP_API_FLAG_IN_ORDER", "TAP_API_FLAG_CONSISTENT_QP"))
class TapFlags(enum.IntFlag):
    """How a tap is to be. We have no virtqueues, so the last four change nothing."""

    TAP_API_FLAG_GSO = 1
    TAP_API_FLAG_CSUM_OFFLOAD = 2
    TAP_API_FLAG_PERSIST = 4
    TAP_API_FLAG_ATTACH = 8
    TAP_API_FLAG_TUN = 16
    TAP_API_FLAG_GRO_COALESCE = 32
    TAP_API_FLAG_PACKED = 64
    TAP_API_FLAG_IN_ORDER = 128
    TAP_API_FLAG_CONSISTENT_QP = 256


@api.reply("tap_create_v3_reply", 0x5383D31F)
class TapCreateV3Reply(Struct):
    """The interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("tap_create_v3", 0x3F3FD1DF, reply=TapCreateV3Reply)
def tap_create_v3(
    engine: Engine,
    *,
    id: u32 = ANY,
    use_random_mac: bool = True,
    mac_address: MacAddress,
    num_rx_queues: u16 = 1,
    num_tx_queues: u16 = 1,
    tx_ring_sz: u16 = RING,
    rx_ring_sz: u16 = RING,
    host_mtu_set: bool,
    host_mtu_size: u32,
    host_mac_addr_set: bool,
    host_mac_addr: MacAddress,
    host_ip4_prefix_set: bool,
    host_ip4_prefix: Ip4AddressWithPrefix,
    host_ip6_prefix_set: bool,
    host_ip6_prefix: Ip6AddressWithPrefix,
    host_ip4_gw_set: bool,
    host_ip4_gw: Ip4Address,
    host_ip6_gw_set: bool,
    host_ip6_gw: Ip6Address,
    tap_flags: TapFlags,
    host_namespace_set: bool,
    host_namespace: Annotated[str, Text(64)],
    host_if_name_set: bool,
    host_if_name: Annotated[str, Text(64)],
    host_bridge_set: bool,
    host_bridge: Annotated[str, Text(64)],
    tag: str,
) -> TapCreateV3Reply:
    """Make a tap. Every worker sends by itself: the number of transmit queues changes nothing."""
    check_ring(tx_ring_sz or RING)
    check_ring(rx_ring_sz or RING)
    Interfaces.check_tag(tag)
    taps = engine[Taps]
    number = taps.free_number() if id == ANY else id
    kind = "tun" if tap_flags & TapFlags.TAP_API_FLAG_TUN else "tap"
    host = HostSide(
        name=host_if_name if host_if_name_set else f"{kind}{number}",
        mac=show_mac(host_mac_addr) if host_mac_addr_set else None,
        mtu=host_mtu_size if host_mtu_set else None,
        bridge=host_bridge if host_bridge_set else None,
        ip4=host_ip4_prefix if host_ip4_prefix_set else None,
        ip6=host_ip6_prefix if host_ip6_prefix_set else None,
        ip4_gateway=host_ip4_gw if host_ip4_gw_set else None,
        ip6_gateway=host_ip6_gw if host_ip6_gw_set else None,
        queue_length=rx_ring_sz or RING,
    )
    options = Options(
        queues=num_rx_queues,
        layer3=bool(tap_flags & TapFlags.TAP_API_FLAG_TUN),
        mac=None if use_random_mac else mac_address,
        gso=bool(tap_flags & TapFlags.TAP_API_FLAG_GSO),
        checksum_offload=bool(tap_flags & TapFlags.TAP_API_FLAG_CSUM_OFFLOAD),
        persist=bool(tap_flags & TapFlags.TAP_API_FLAG_PERSIST),
        attach=bool(tap_flags & TapFlags.TAP_API_FLAG_ATTACH),
    )
    interface = taps.create(number, host, host_namespace if host_namespace_set else None, options)
    engine[Interfaces].set_tag(interface, tag)
    return TapCreateV3Reply(interface.sw_if_index)


@api.reply("tap_create_v2_reply", 0x5383D31F)
class TapCreateV2Reply(Struct):
    """The interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("tap_create_v2", 0x2D0D6570, reply=TapCreateV2Reply, deprecated=None)
def tap_create_v2(
    engine: Engine,
    *,
    id: u32 = ANY,
    use_random_mac: bool = True,
    mac_address: MacAddress,
    num_rx_queues: u8 = 1,
    tx_ring_sz: u16 = RING,
    rx_ring_sz: u16 = RING,
    host_mtu_set: bool,
    host_mtu_size: u32,
    host_mac_addr_set: bool,
    host_mac_addr: MacAddress,
    host_ip4_prefix_set: bool,
    host_ip4_prefix: Ip4AddressWithPrefix,
    host_ip6_prefix_set: bool,
    host_ip6_prefix: Ip6AddressWithPrefix,
    host_ip4_gw_set: bool,
    host_ip4_gw: Ip4Address,
    host_ip6_gw_set: bool,
    host_ip6_gw: Ip6Address,
    tap_flags: TapFlags,
    host_namespace_set: bool,
    host_namespace: Annotated[str, Text(64)],
    host_if_name_set: bool,
    host_if_name: Annotated[str, Text(64)],
    host_bridge_set: bool,
    host_bridge: Annotated[str, Text(64)],
    tag: str,
) -> TapCreateV2Reply:
    """Make a tap, as ``tap_create_v3`` with one transmit queue."""
    fields = {name: value for name, value in locals().items() if name != "engine"}
    return TapCreateV2Reply(tap_create_v3(engine, num_tx_queues=1, **fields).sw_if_index)


@api.request("tap_delete_v2", 0xF9E6675E)
def tap_delete_v2(engine: Engine, sw_if_index: InterfaceIndex) -> None:
    """Delete a tap."""
    engine[Taps].delete(sw_if_index)


@api.details("sw_interface_tap_v2_details", 0x1E2B2A47)
class SwInterfaceTapV2Details(Struct):
    """A tap. Its queues have no rings here; ``rx_ring_sz`` is the length of Linux's queue, as it was asked for."""

    sw_if_index: u32
    id: u32
    tx_ring_sz: u16
    rx_ring_sz: u16
    host_mtu_size: u32
    host_mac_addr: MacAddress
    host_ip4_prefix: Ip4AddressWithPrefix
    host_ip6_prefix: Ip6AddressWithPrefix
    tap_flags: TapFlags
    dev_name: Annotated[str, Text(64)]
    host_if_name: Annotated[str, Text(64)]
    host_namespace: Annotated[str, Text(64)]
    host_bridge: Annotated[str, Text(64)]


@api.dump("sw_interface_tap_v2_dump", 0xF9E6675E, details=SwInterfaceTapV2Details)
def sw_interface_tap_v2_dump(
    engine: Engine, sw_if_index: InterfaceIndex = NO_INTERFACE
) -> Iterator[SwInterfaceTapV2Details]:
    """One tap, or all."""
    for tap in list(engine[Taps].by_number.values()):
        if sw_if_index in (NO_INTERFACE, tap.interface.sw_if_index):
            yield _details(tap)


def _details(tap: Tap) -> SwInterfaceTapV2Details:
    host, options = tap.host, tap.options
    flags = {
        TapFlags.TAP_API_FLAG_GSO: options.gso,
        TapFlags.TAP_API_FLAG_CSUM_OFFLOAD: options.checksum_offload,
        TapFlags.TAP_API_FLAG_PERSIST: options.persist,
        TapFlags.TAP_API_FLAG_ATTACH: options.attach,
        TapFlags.TAP_API_FLAG_TUN: options.layer3,
    }
    return SwInterfaceTapV2Details(
        sw_if_index=tap.interface.sw_if_index,
        id=tap.number,
        tx_ring_sz=RING,
        rx_ring_sz=host.queue_length or RING,
        host_mtu_size=host.mtu or 0,
        host_mac_addr=parse_mac(host.mac) if host.mac else 0,
        host_ip4_prefix=host.ip4 or IPv4Interface("0.0.0.0/0"),
        host_ip6_prefix=host.ip6 or IPv6Interface("::/0"),
        tap_flags=TapFlags(sum(flag for flag, on in flags.items() if on)),
        dev_name=tap.interface.name,
        host_if_name=host.name,
        host_namespace=tap.namespace or "",
        host_bridge=host.bridge or "",
    )
