"""What the nodes of ICMP count, in VPP's words."""

from __future__ import annotations

from weft.core.node import Errors, Severity


class IcmpError(Errors, of="ip4-icmp-input", named=True):
    UNKNOWN_TYPE = "unknown type"
    LENGTH_TOO_SMALL_FOR_TYPE = "payload length too small for type"
    ECHO_REPLIES_SENT = "echo replies sent", Severity.INFO


class IcmpSent(Errors, of="ip4-icmp-error", named=True):
    DEST_UNREACH_SENT = "destination unreachable response sent", Severity.INFO
    TTL_EXPIRE_SENT = "hop limit exceeded response sent", Severity.INFO
    PARAM_PROBLEM_SENT = "parameter problem response sent", Severity.INFO
    DROP = "error message dropped"
