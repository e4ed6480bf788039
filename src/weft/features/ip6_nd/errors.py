"""What the nodes of neighbor discovery count, in VPP's words."""

from __future__ import annotations

from weft.core.node import Errors, Severity


class DiscoverError(Errors, of="ip6-discover-neighbor", named=True):
    THROTTLED = "throttled", Severity.INFO
    DROP = "address overflow drops"
    REQUEST_SENT = "neighbor solicitations sent", Severity.INFO
    NO_SOURCE_ADDRESS = "no source address for ND solicitation"
    NO_BUFFERS = "no buffers"


class GleanError(Errors, of="ip6-glean", named=True):
    THROTTLED = "throttled", Severity.INFO
    DROP = "address overflow drops"
    REQUEST_SENT = "neighbor solicitations sent", Severity.INFO
    NO_SOURCE_ADDRESS = "no source address for ND solicitation"
    NO_BUFFERS = "no buffers"
