"""ICMP as packet code sees it: the header, which node takes which type, and how a node asks for an error message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core import arena
from weft.core.buffer import Buffer
from weft.core.model import Invalid, model
from weft.core.node import inline
from weft.core.runtime import DIRECT
from weft.core.view import View, be16, be32, i64, u8, u16, u32

if TYPE_CHECKING:
    from weft.core.engine import Engine

PROTOCOL_ICMP = 1

# Types (RFC 792; https://www.iana.org/assignments/icmp-parameters)
ECHO_REPLY = 0
DESTINATION_UNREACHABLE = 3
SOURCE_QUENCH = 4
REDIRECT = 5
ECHO_REQUEST = 8
TIME_EXCEEDED = 11
PARAMETER_PROBLEM = 12

# Codes of DESTINATION_UNREACHABLE
NET_UNREACHABLE = 0
HOST_UNREACHABLE = 1
PROTOCOL_UNREACHABLE = 2
PORT_UNREACHABLE = 3
FRAGMENTATION_NEEDED = 4
ADMINISTRATIVELY_PROHIBITED = 13
# Codes of TIME_EXCEEDED
TTL_EXCEEDED = 0
REASSEMBLY_TIME_EXCEEDED = 1
# Codes of PARAMETER_PROBLEM
POINTER = 0

#: Type -> its name, as traces show it.
TYPE_NAMES = {
    0: "echo_reply",
    3: "destination_unreachable",
    4: "source_quench",
    5: "redirect",
    6: "alternate_host_address",
    8: "echo_request",
    9: "router_advertisement",
    10: "router_solicitation",
    11: "time_exceeded",
    12: "parameter_problem",
    13: "timestamp_request",
    14: "timestamp_reply",
    15: "information_request",
    16: "information_reply",
    17: "address_mask_request",
    18: "address_mask_reply",
    30: "traceroute",
    31: "datagram_conversion_error",
    32: "mobile_host_redirect",
    33: "ip6_where_are_you",
    34: "ip6_i_am_here",
    35: "mobile_registration_request",
    36: "mobile_registration_reply",
    37: "domain_name_request",
    38: "domain_name_reply",
    39: "skip",
    40: "photuris",
}

#: (type, code) -> the code's name.
CODE_NAMES = {
    (3, 0): "destination_unreachable_net",
    (3, 1): "destination_unreachable_host",
    (3, 2): "protocol_unreachable",
    (3, 3): "port_unreachable",
    (3, 4): "fragmentation_needed_and_dont_fragment_set",
    (3, 5): "source_route_failed",
    (3, 6): "destination_network_unknown",
    (3, 7): "destination_host_unknown",
    (3, 8): "source_host_isolated",
    (3, 9): "network_administratively_prohibited",
    (3, 10): "host_administratively_prohibited",
    (3, 11): "network_unreachable_for_type_of_service",
    (3, 12): "host_unreachable_for_type_of_service",
    (3, 13): "communication_administratively_prohibited",
    (3, 14): "host_precedence_violation",
    (3, 15): "precedence_cutoff_in_effect",
    (5, 0): "network_redirect",
    (5, 1): "host_redirect",
    (5, 2): "type_of_service_and_network_redirect",
    (5, 3): "type_of_service_and_host_redirect",
    (9, 0): "normal_router_advertisement",
    (9, 16): "does_not_route_common_traffic",
    (11, 0): "ttl_exceeded_in_transit",
    (11, 1): "fragment_reassembly_time_exceeded",
    (12, 0): "pointer_indicates_error",
    (12, 1): "missing_required_option",
    (12, 2): "bad_length",
}


class IcmpHeader(View):
    """What every ICMP message begins with. ``rest`` means something by type: an echo's id and sequence, the pointer of
    a parameter problem (its first byte), the MTU of "fragmentation needed" (its last two, RFC 1191).
    """

    type: u8
    code: u8
    checksum: be16
    rest: be32


class IcmpEcho(View):
    """An echo request or reply."""

    type: u8
    code: u8
    checksum: be16
    id: be16
    sequence: be16


class IcmpMeta(View):
    """In ``pkt.opaque2``, from whoever wants an ICMP error to be sent about a packet to ``ip4-icmp-error``."""

    type: u8
    code: u8
    pad: u16
    data: u32  # becomes IcmpHeader.rest


@inline
def icmp_error(pkt: Buffer, type: int, code: int, data: int) -> None:
    """Say which ICMP error is wanted about this packet, which must then go to ``ip4-icmp-error`` with its IP header
    as its first byte; ``pkt.error`` says why the packet itself is dropped there. ``data`` is the word after the
    checksum: the MTU for FRAGMENTATION_NEEDED, the octet's number << 24 for PARAMETER_PROBLEM, else 0.
    """
    meta = IcmpMeta(pkt.opaque2)
    meta.type = type
    meta.code = code
    meta.data = data


ICMP_HEADER = IcmpHeader.size


class Limit(View):
    """How many ICMP errors each worker may send."""

    clocks: i64  # for one more
    burst: i64


limit = arena.root("icmp-error-limit", Limit)

#: By type: the node that takes messages to this machine (DIRECT | node); 0: nobody does.
type_nodes = arena.table("icmp4-type-nodes", u32, 256)

_registered: dict[int, str] = {}


def register_type(type: int, node: str) -> None:
    """Let ``ip4-icmp-input`` hand messages of this type to a node; to be called when the feature is imported."""
    if _registered.setdefault(type, node) != node:
        raise ValueError(f"ICMP type {type} is taken by node {_registered[type]}, {node} cannot have it too")


ERRORS_PER_SECOND = 1000
ERRORS_AT_ONCE = 64


@model
class Icmp:
    """Which node takes which type, and how many errors may be sent."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.set_limit(ERRORS_PER_SECOND, ERRORS_AT_ONCE)
        for type, node in _registered.items():
            self.register(type, node)

    def register(self, type: int, node: str) -> None:
        """Let messages of a type go to a node from now on."""
        if not 0 <= type <= 255:
            raise Invalid(f"an ICMP type is 0 to 255, not {type}")
        type_nodes[type] = DIRECT | self._engine.graph[node].index

    def set_limit(self, per_second: float, at_once: int) -> None:
        """Let each worker send so many ICMP errors a second, and so many at a time after a silence."""
        limit.clocks = int(self._engine.clocks_per_second / per_second)
        limit.burst = at_once
