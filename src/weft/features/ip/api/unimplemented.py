"""What VPP has of IP and we have not, declared so that clients can tell."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from weft.core.api import Counted, Fixed, u8, u16, u32
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.core.api.ip_types import Address, AddressFamily, Prefix
from weft.features.fib.api_types import FibPath
from weft.features.ip.api.module import api

if TYPE_CHECKING:
    from weft.core.engine import Engine

Ports = Annotated[list[u16], Fixed(32)]

# --- punting elsewhere


@api.structure("punt_redirect")
class PuntRedirect(Struct):
    """Where punted packets go."""

    rx_sw_if_index: InterfaceIndex
    tx_sw_if_index: InterfaceIndex
    nh: Address


@api.unimplemented("ip_punt_redirect", 0x6580F635, deprecated=None)
def ip_punt_redirect(engine: Engine, punt: PuntRedirect, is_add: bool = True) -> None:
    """Send punted packets to a next hop."""


@api.details("ip_punt_redirect_details", 0x2CEF63E7)
class IpPuntRedirectDetails(Struct):
    """Where punted packets go."""

    punt: PuntRedirect


@api.unimplemented("ip_punt_redirect_dump", 0x2D033DE4, details=IpPuntRedirectDetails, deprecated=None)
def ip_punt_redirect_dump(engine: Engine, sw_if_index: InterfaceIndex, is_ipv6: bool) -> None:
    """Where punted packets go."""


@api.structure("punt_redirect_v2")
class PuntRedirectV2(Struct):
    """By which paths punted packets go."""

    rx_sw_if_index: InterfaceIndex = NO_INTERFACE
    af: AddressFamily = AddressFamily.ADDRESS_IP4
    n_paths: u32 = 0
    paths: Annotated[list[FibPath], Counted("n_paths")] = []


@api.unimplemented("add_del_ip_punt_redirect_v2", 0x9E804227)
def add_del_ip_punt_redirect_v2(engine: Engine, *, is_add: bool = True, punt: PuntRedirectV2) -> None:
    """Send punted packets by other paths."""


@api.details("ip_punt_redirect_v2_details", 0x7BA42E1D)
class IpPuntRedirectV2Details(Struct):
    """By which paths punted packets go."""

    punt: PuntRedirectV2


@api.unimplemented("ip_punt_redirect_v2_dump", 0xD817A484, details=IpPuntRedirectV2Details)
def ip_punt_redirect_v2_dump(engine: Engine, sw_if_index: InterfaceIndex, af: AddressFamily) -> None:
    """By which paths punted packets go."""


# --- answering for containers


@api.unimplemented("ip_container_proxy_add_del", 0x7DF1DFF1)
def ip_container_proxy_add_del(engine: Engine, pfx: Prefix, sw_if_index: InterfaceIndex, is_add: bool = True) -> None:
    """Answer for a container's addresses."""


@api.details("ip_container_proxy_details", 0xA8085523)
class IpContainerProxyDetails(Struct):
    """Addresses that are answered for."""

    sw_if_index: InterfaceIndex
    prefix: Prefix


@api.unimplemented("ip_container_proxy_dump", 0x51077D14, details=IpContainerProxyDetails)
def ip_container_proxy_dump(engine: Engine) -> None:
    """Addresses that are answered for."""


# --- checking sources and ports


@api.unimplemented("ip_source_and_port_range_check_add_del", 0x92A067E3)
def ip_source_and_port_range_check_add_del(
    engine: Engine,
    *,
    is_add: bool = True,
    prefix: Prefix,
    number_of_ranges: u8,
    low_ports: Ports,
    high_ports: Ports,
    vrf_id: u32,
) -> None:
    """Let a prefix use certain ports only."""


@api.unimplemented("ip_source_and_port_range_check_interface_add_del", 0xE1BA8987)
def ip_source_and_port_range_check_interface_add_del(
    engine: Engine,
    *,
    is_add: bool = True,
    sw_if_index: InterfaceIndex,
    tcp_in_vrf_id: u32,
    tcp_out_vrf_id: u32,
    udp_in_vrf_id: u32,
    udp_out_vrf_id: u32,
) -> None:
    """Check an interface's packets against such prefixes."""


# --- measuring in the packets themselves (IOAM)


@api.unimplemented("ioam_enable", 0x51CCD868)
def ioam_enable(
    engine: Engine, id: u16, seqno: bool, analyse: bool, pot_enable: bool, trace_enable: bool, node_id: u32
) -> None:
    """Write into packets how they went."""


@api.unimplemented("ioam_disable", 0x6B16A45E)
def ioam_disable(engine: Engine, id: u16) -> None:
    """Do so no longer."""


# --- reassembly


@api.enum("ip_reass_type")
class IpReassType(enum.IntEnum):
    """Whether fragments are put together, or only told what the first of them said."""

    IP_REASS_TYPE_FULL = 0
    IP_REASS_TYPE_SHALLOW_VIRTUAL = 1


@api.unimplemented("ip_reassembly_set", 0x16467D25)
def ip_reassembly_set(
    engine: Engine,
    timeout_ms: u32,
    max_reassemblies: u32,
    max_reassembly_length: u32,
    expire_walk_interval_ms: u32,
    is_ip6: bool,
    type: IpReassType,
) -> None:
    """Limit reassembly."""


@api.reply("ip_reassembly_get_reply", 0xD5EB8D34)
class IpReassemblyGetReply(Struct):
    """The limits."""

    timeout_ms: u32 = 0
    max_reassemblies: u32 = 0
    max_reassembly_length: u32 = 0
    expire_walk_interval_ms: u32 = 0
    is_ip6: bool = False


@api.unimplemented("ip_reassembly_get", 0xEA13FF63, reply=IpReassemblyGetReply)
def ip_reassembly_get(engine: Engine, is_ip6: bool, type: IpReassType) -> None:
    """The limits of reassembly."""


@api.unimplemented("ip_reassembly_enable_disable", 0xEB77968D)
def ip_reassembly_enable_disable(
    engine: Engine, sw_if_index: InterfaceIndex, enable_ip4: bool, enable_ip6: bool, type: IpReassType
) -> None:
    """Put fragments together that come in by an interface."""


@api.unimplemented("ip_local_reass_enable_disable", 0x34E2CCC4)
def ip_local_reass_enable_disable(engine: Engine, enable_ip4: bool, enable_ip6: bool) -> None:
    """Put fragments together that are for this machine."""


@api.reply("ip_local_reass_get_reply", 0x3E93A702)
class IpLocalReassGetReply(Struct):
    """Whether they are."""

    ip4_is_enabled: bool = False
    ip6_is_enabled: bool = False


@api.unimplemented("ip_local_reass_get", 0x51077D14, reply=IpLocalReassGetReply)
def ip_local_reass_get(engine: Engine) -> None:
    """Whether fragments for this machine are put together."""


# --- the MTU of paths


@api.structure("ip_path_mtu")
class IpPathMtu(Struct):
    """The largest packet that reaches a next hop."""

    client_index: u32
    context: u32
    table_id: u32
    nh: Address
    path_mtu: u16


@api.unimplemented("ip_path_mtu_update", 0x10BBE5CB)
def ip_path_mtu_update(engine: Engine, pmtu: IpPathMtu) -> None:
    """Set a path's MTU."""


@api.reply("ip_path_mtu_get_reply", 0x53B48F5D)
class IpPathMtuGetReply(Struct):
    """The end."""

    cursor: u32 = 0xFFFFFFFF


@api.details("ip_path_mtu_details", 0xAC9539A7)
class IpPathMtuDetails(Struct):
    """A path's MTU."""

    pmtu: IpPathMtu


@api.unimplemented("ip_path_mtu_get", 0xF75BA505, details=IpPathMtuDetails, reply=IpPathMtuGetReply)
def ip_path_mtu_get(engine: Engine, cursor: u32) -> None:
    """The MTUs of paths."""


@api.unimplemented("ip_path_mtu_replace_begin", 0x51077D14)
def ip_path_mtu_replace_begin(engine: Engine) -> None:
    """Say all MTUs of paths anew from now on."""


@api.unimplemented("ip_path_mtu_replace_end", 0x51077D14)
def ip_path_mtu_replace_end(engine: Engine) -> None:
    """Forget those that have not been said."""
