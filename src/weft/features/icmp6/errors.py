"""What the nodes of ICMPv6 count, in VPP's words."""

from __future__ import annotations

from weft.core.node import Errors, Severity


class Icmp6Error(Errors, of="ip6-icmp-input", named=True):
    UNKNOWN_TYPE = "unknown type"
    INVALID_CODE_FOR_TYPE = "invalid code for type"
    INVALID_HOP_LIMIT_FOR_TYPE = "hop_limit != 255"
    LENGTH_TOO_SMALL_FOR_TYPE = "payload length too small for type"
    OPTION_WITH_ZERO_LENGTH = "option has zero length"
    ECHO_REPLIES_SENT = "echo replies sent", Severity.INFO
    NEIGHBOR_SOLICITATION_SOURCE_NOT_ON_LINK = "neighbor solicitations from source not on link"
    NEIGHBOR_SOLICITATION_SOURCE_UNKNOWN = "neighbor solicitations for unknown targets"
    NEIGHBOR_ADVERTISEMENTS_TX = "neighbor advertisements sent", Severity.INFO
    NEIGHBOR_ADVERTISEMENTS_RX = "neighbor advertisements received", Severity.INFO
    ROUTER_SOLICITATION_SOURCE_NOT_ON_LINK = "router solicitations from source not on link"
    ROUTER_SOLICITATION_RADV_NOT_CONFIG = "neighbor discovery not configured"
    ROUTER_ADVERTISEMENT_SOURCE_NOT_LINK_LOCAL = "router advertisement source not link local"
    ROUTER_ADVERTISEMENTS_TX = "router advertisements sent", Severity.INFO
    ROUTER_ADVERTISEMENTS_RX = "router advertisements received", Severity.INFO
    REFUSED = "neighbor discovery contradicts itself"


class Icmp6Sent(Errors, of="ip6-icmp-error", named=True):
    DEST_UNREACH_SENT = "destination unreachable response sent", Severity.INFO
    PACKET_TOO_BIG_SENT = "packet too big response sent", Severity.INFO
    TTL_EXPIRE_SENT = "hop limit exceeded response sent", Severity.INFO
    PARAM_PROBLEM_SENT = "parameter problem response sent", Severity.INFO
    DROP = "error message dropped"
