"""The API's types of paths, and what they mean as ours."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Struct, field

from weft.core.api import Fixed, Module, u8, u32
from weft.core.api.interface_types import NO_INTERFACE
from weft.core.api.ip_types import AddressUnion

types = Module("fib_types", "2.0.1")

NO_ADDRESS = bytes(16)
MOST_LABELS = 16


@types.enum("fib_path_nh_proto")
class FibPathNhProto(enum.IntEnum):
    """What a next hop is."""

    FIB_API_PATH_NH_PROTO_IP4 = 0
    FIB_API_PATH_NH_PROTO_IP6 = 1
    FIB_API_PATH_NH_PROTO_MPLS = 2
    FIB_API_PATH_NH_PROTO_ETHERNET = 3
    FIB_API_PATH_NH_PROTO_BIER = 4


@types.enum("fib_path_flags")
class FibPathFlags(enum.IntFlag):
    """How a path is resolved."""

    FIB_API_PATH_FLAG_NONE = 0
    FIB_API_PATH_FLAG_RESOLVE_VIA_ATTACHED = 1
    FIB_API_PATH_FLAG_RESOLVE_VIA_HOST = 2
    FIB_API_PATH_FLAG_POP_PW_CW = 4


@types.enum("fib_path_type")
class FibPathType(enum.IntEnum):
    """What becomes of packets on a path."""

    FIB_API_PATH_TYPE_NORMAL = 0
    FIB_API_PATH_TYPE_LOCAL = 1
    FIB_API_PATH_TYPE_DROP = 2
    FIB_API_PATH_TYPE_UDP_ENCAP = 3
    FIB_API_PATH_TYPE_BIER_IMP = 4
    FIB_API_PATH_TYPE_ICMP_UNREACH = 5
    FIB_API_PATH_TYPE_ICMP_PROHIBIT = 6
    FIB_API_PATH_TYPE_SOURCE_LOOKUP = 7
    FIB_API_PATH_TYPE_DVR = 8
    FIB_API_PATH_TYPE_INTERFACE_RX = 9
    FIB_API_PATH_TYPE_CLASSIFY = 10


@types.structure("fib_mpls_label")
class FibMplsLabel(Struct):
    """An MPLS label."""

    is_uniform: u8
    label: u32
    ttl: u8
    exp: u8


NO_LABELS = [FibMplsLabel(0, 0, 0, 0)] * MOST_LABELS


@types.structure("fib_path_nh")
class FibPathNh(Struct):
    """A next hop: an address, or another object by its number."""

    address: AddressUnion = NO_ADDRESS
    via_label: u32 = 0
    obj_id: u32 = 0
    classify_table_index: u32 = 0


@types.structure("fib_path")
class FibPath(Struct):
    """A path. ``sw_if_index`` is ~0 where it says nothing; then ``table_id`` says where the next hop is looked for."""

    sw_if_index: u32 = NO_INTERFACE
    table_id: u32 = 0
    rpf_id: u32 = 0
    weight: u8 = 1
    preference: u8 = 0
    type: FibPathType = FibPathType.FIB_API_PATH_TYPE_NORMAL
    flags: FibPathFlags = FibPathFlags.FIB_API_PATH_FLAG_NONE
    proto: FibPathNhProto = FibPathNhProto.FIB_API_PATH_NH_PROTO_IP4
    nh: FibPathNh = field(default_factory=FibPathNh)
    n_labels: u8 = 0
    label_stack: Annotated[list[FibMplsLabel], Fixed(MOST_LABELS)] = field(default_factory=lambda: NO_LABELS)
