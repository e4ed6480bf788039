"""Paths of routes: between the messages' and ours."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from weft.core.api.interface_types import NO_INTERFACE
from weft.core.api.ip_types import octets_of
from weft.core.model import Invalid
from weft.features.fib.api_types import NO_ADDRESS, FibPath, FibPathFlags, FibPathNh, FibPathNhProto, FibPathType
from weft.features.fib.model import Path, PathKind, Resolve
from weft.features.interface.model import Interfaces
from weft.features.ip.tables import TO_TABLES

if TYPE_CHECKING:
    from weft.core.engine import Engine
    from weft.features.ip.model import Ip

#: The types that need nothing else, and what they are here.
SIMPLE = {
    FibPathType.FIB_API_PATH_TYPE_DROP: PathKind.DROP,
    FibPathType.FIB_API_PATH_TYPE_ICMP_UNREACH: PathKind.UNREACHABLE,
    FibPathType.FIB_API_PATH_TYPE_ICMP_PROHIBIT: PathKind.PROHIBIT,
}
TYPES = {kind: type for type, kind in SIMPLE.items()} | {
    PathKind.RECEIVE: FibPathType.FIB_API_PATH_TYPE_LOCAL,
    PathKind.PUNT: FibPathType.FIB_API_PATH_TYPE_LOCAL,
}
TO_RESOLVE = FibPathFlags.FIB_API_PATH_FLAG_RESOLVE_VIA_HOST | FibPathFlags.FIB_API_PATH_FLAG_RESOLVE_VIA_ATTACHED
RESOLVE = {
    int(FibPathFlags.FIB_API_PATH_FLAG_RESOLVE_VIA_HOST): Resolve.HOST,
    int(FibPathFlags.FIB_API_PATH_FLAG_RESOLVE_VIA_ATTACHED): Resolve.ATTACHED,
}
NEXT_HOPS: dict[FibPathNhProto, type[IPv4Address] | type[IPv6Address]] = {
    FibPathNhProto.FIB_API_PATH_NH_PROTO_IP4: IPv4Address,
    FibPathNhProto.FIB_API_PATH_NH_PROTO_IP6: IPv6Address,
}
FLAGS = {resolve: FibPathFlags(flag) for flag, resolve in RESOLVE.items()}


def paths_of(engine: Engine, ip: Ip, wire: Iterable[FibPath]) -> list[Path]:
    """What a message's paths mean. Raises Invalid."""
    return [_path_of(engine, ip, each) for each in wire]


def _path_of(engine: Engine, ip: Ip, wire: FibPath) -> Path:
    weight, preference, index = wire.weight or 1, wire.preference, wire.sw_if_index
    if wire.n_labels:
        raise Invalid("paths with MPLS labels are not implemented", "UNIMPLEMENTED")
    if wire.type in SIMPLE:
        return Path(SIMPLE[wire.type], weight=weight, preference=preference)
    if index != NO_INTERFACE and index not in engine[Interfaces].by_index:
        raise Invalid(f"unknown interface `{index}'", "NO_MATCHING_INTERFACE")
    if wire.type == FibPathType.FIB_API_PATH_TYPE_LOCAL:
        return Path(PathKind.RECEIVE, ip.family.address(0), index, weight, preference)
    if wire.type != FibPathType.FIB_API_PATH_TYPE_NORMAL:
        raise Invalid(f"paths of type {wire.type.name} are not implemented", "UNIMPLEMENTED")
    address = NEXT_HOPS.get(wire.proto)
    if address is None:
        raise Invalid(f"a next hop of {ip.family.title} is no {wire.proto.name}", "FIB_PATH_UNSUPPORTED_NH_PROTO")
    octets = wire.nh.address[: address(0).max_prefixlen // 8]
    if any(octets):
        resolve = RESOLVE.get(int(wire.flags & TO_RESOLVE), Resolve.ANY)
        path = Path(PathKind.NEXT_HOP, address(octets), index, weight, preference, resolve=resolve)
        return ip.tables.resolve(ip.tables[wire.table_id if index == NO_INTERFACE else 0], path)
    if index != NO_INTERFACE:
        return Path(PathKind.ATTACHED, None, index, weight, preference)
    return Path(PathKind.LOOKUP, None, index, weight, preference, fib_index=ip.tables[wire.table_id].fib_index)


def described(ip: Ip, path: Path) -> FibPath:
    """A path as messages have it."""
    proto = FibPathNhProto((path.address or ip.family.address(0)).version == 6)
    return FibPath(
        path.sw_if_index,
        ip.tables.by_index[path.fib_index].table_id if path.kind in TO_TABLES else 0,
        0,
        path.weight,
        path.preference,
        TYPES.get(path.kind, FibPathType.FIB_API_PATH_TYPE_NORMAL),
        FLAGS.get(path.resolve, FibPathFlags.FIB_API_PATH_FLAG_NONE),
        proto=proto,
        nh=FibPathNh(NO_ADDRESS if path.address is None else octets_of(path.address)),
    )
