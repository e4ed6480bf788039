"""What of a packet chooses among the paths of a table's routes."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from weft.core.api import u32
from weft.core.api.ip_types import AddressFamily
from weft.core.model import Invalid
from weft.features.ip.api.module import api
from weft.features.ip.flow_hash import FlowHash, router
from weft.features.ip.model import ip_of

if TYPE_CHECKING:
    from weft.core.engine import Engine


@api.enum("ip_flow_hash_config")
class IpFlowHashConfig(enum.IntFlag):
    """Parts of a packet."""

    IP_API_FLOW_HASH_SRC_IP = 1
    IP_API_FLOW_HASH_DST_IP = 2
    IP_API_FLOW_HASH_SRC_PORT = 4
    IP_API_FLOW_HASH_DST_PORT = 8
    IP_API_FLOW_HASH_PROTO = 16
    IP_API_FLOW_HASH_REVERSE = 32
    IP_API_FLOW_HASH_SYMETRIC = 64
    IP_API_FLOW_HASH_FLOW_LABEL = 128


@api.enum("ip_flow_hash_config_v2")
class IpFlowHashConfigV2(enum.IntFlag):
    """Parts of a packet."""

    IP_API_V2_FLOW_HASH_SRC_IP = 1
    IP_API_V2_FLOW_HASH_DST_IP = 2
    IP_API_V2_FLOW_HASH_SRC_PORT = 4
    IP_API_V2_FLOW_HASH_DST_PORT = 8
    IP_API_V2_FLOW_HASH_PROTO = 16
    IP_API_V2_FLOW_HASH_REVERSE = 32
    IP_API_V2_FLOW_HASH_SYMETRIC = 64
    IP_API_V2_FLOW_HASH_FLOW_LABEL = 128
    IP_API_V2_FLOW_HASH_GTPV1_TEID = 256


def _set(engine: Engine, version: int, table_id: int, wanted: int) -> None:
    table = ip_of(engine, version).tables[table_id]
    unknown = wanted & ~sum(FlowHash)
    if unknown:
        raise Invalid(f"the flow hash has no parts {unknown:#x}", "UNIMPLEMENTED")
    table.set_flow_hash(FlowHash(wanted))


@api.request("set_ip_flow_hash", 0x084EE09E, deprecated=None)
def set_ip_flow_hash(
    engine: Engine,
    vrf_id: u32,
    is_ipv6: bool,
    src: bool,
    dst: bool,
    sport: bool,
    dport: bool,
    proto: bool,
    reverse: bool,
    symmetric: bool,
) -> None:
    """Choose the parts of a packet by which its path is chosen."""
    parts = (src, dst, sport, dport, proto, reverse, symmetric)
    _set(engine, 6 if is_ipv6 else 4, vrf_id, sum(on << bit for bit, on in enumerate(parts)))


@api.request("set_ip_flow_hash_v2", 0x6D132100)
def set_ip_flow_hash_v2(engine: Engine, table_id: u32, af: AddressFamily, flow_hash_config: IpFlowHashConfig) -> None:
    """The same."""
    _set(engine, 6 if af else 4, table_id, flow_hash_config)


@api.request("set_ip_flow_hash_v3", 0xB7876E07, status="in_progress")
def set_ip_flow_hash_v3(engine: Engine, table_id: u32, af: AddressFamily, flow_hash_config: IpFlowHashConfigV2) -> None:
    """The same. GTP's tunnel ids are no part of our flow hash."""
    _set(engine, 6 if af else 4, table_id, flow_hash_config)


@api.request("set_ip_flow_hash_router_id", 0x03E4F48E)
def set_ip_flow_hash_router_id(engine: Engine, router_id: u32) -> None:
    """Mix a number into all flow hashes, so that routers in a row choose differently; 0, as at the start: none."""
    router.id = router_id
