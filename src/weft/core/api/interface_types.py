"""The API's types of interfaces."""

from __future__ import annotations

import enum
from typing import Annotated

from .annotations import u8, u32
from .module import Module

api = Module("interface_types", "1.0.0")

NO_INTERFACE = 0xFFFFFFFF

#: An interface's number; ``NO_INTERFACE`` for none, or for all.
InterfaceIndex = Annotated[int, api.alias("interface_index", u32)]


@api.enum("if_status_flags")
class IfStatusFlags(enum.IntFlag):
    """An interface's states."""

    IF_STATUS_API_FLAG_ADMIN_UP = 1
    IF_STATUS_API_FLAG_LINK_UP = 2


@api.enum("mtu_proto")
class MtuProto(enum.IntEnum):
    """Whose MTU."""

    MTU_PROTO_API_L3 = 0
    MTU_PROTO_API_IP4 = 1
    MTU_PROTO_API_IP6 = 2
    MTU_PROTO_API_MPLS = 3


@api.enum("link_duplex")
class LinkDuplex(enum.IntEnum):
    """Whether both ends may send at once."""

    LINK_DUPLEX_API_UNKNOWN = 0
    LINK_DUPLEX_API_HALF = 1
    LINK_DUPLEX_API_FULL = 2


@api.enum("sub_if_flags")
class SubIfFlags(enum.IntFlag):
    """Which packets are a sub-interface's."""

    SUB_IF_API_FLAG_NO_TAGS = 1
    SUB_IF_API_FLAG_ONE_TAG = 2
    SUB_IF_API_FLAG_TWO_TAGS = 4
    SUB_IF_API_FLAG_DOT1AD = 8
    SUB_IF_API_FLAG_EXACT_MATCH = 16
    SUB_IF_API_FLAG_DEFAULT = 32
    SUB_IF_API_FLAG_OUTER_VLAN_ID_ANY = 64
    SUB_IF_API_FLAG_INNER_VLAN_ID_ANY = 128
    SUB_IF_API_FLAG_MASK_VNET = 254
    SUB_IF_API_FLAG_DOT1AH = 256


@api.enum("rx_mode")
class RxMode(enum.IntEnum):
    """How a worker learns of packets in a receive queue."""

    RX_MODE_API_UNKNOWN = 0
    RX_MODE_API_POLLING = 1
    RX_MODE_API_INTERRUPT = 2
    RX_MODE_API_ADAPTIVE = 3
    RX_MODE_API_DEFAULT = 4


@api.enum("if_type")
class IfType(enum.IntEnum):
    """What an interface belongs to."""

    IF_API_TYPE_HARDWARE = 0
    IF_API_TYPE_SUB = 1
    IF_API_TYPE_P2P = 2
    IF_API_TYPE_PIPE = 3


@api.enum("direction", u8)
class Direction(enum.IntEnum):
    """Whose packets: received or sent ones."""

    RX = 0
    TX = 1
