"""What the nodes of VXLAN count, in VPP's words, and what it does not look at."""

from __future__ import annotations

from weft.core.node import Errors, Severity

DECAPSULATED = "good packets decapsulated", Severity.INFO
NO_SUCH_TUNNEL = "no such tunnel packets"
BAD_FLAGS = "packets with bad flags field in vxlan header"
TOO_SHORT = "packets that end in the vxlan header"
DOWN = "interface is down"
SEGMENTS = "packets of several datagrams"
ENCAPSULATED = "good packets encapsulated", Severity.INFO
HEADROOM = "no room for the new header"
TOO_LONG = "packets too long for a datagram"


class Input4Error(Errors, of="vxlan4-input"):
    DECAPSULATED = DECAPSULATED
    NO_SUCH_TUNNEL = NO_SUCH_TUNNEL
    BAD_FLAGS = BAD_FLAGS
    TOO_SHORT = TOO_SHORT
    DOWN = DOWN
    SEGMENTS = SEGMENTS


class Input6Error(Errors, of="vxlan6-input"):
    DECAPSULATED = DECAPSULATED
    NO_SUCH_TUNNEL = NO_SUCH_TUNNEL
    BAD_FLAGS = BAD_FLAGS
    TOO_SHORT = TOO_SHORT
    DOWN = DOWN
    SEGMENTS = SEGMENTS


class Encap4Error(Errors, of="vxlan4-encap"):
    ENCAPSULATED = ENCAPSULATED
    DOWN = DOWN
    HEADROOM = HEADROOM
    TOO_LONG = TOO_LONG


class Encap6Error(Errors, of="vxlan6-encap"):
    ENCAPSULATED = ENCAPSULATED
    DOWN = DOWN
    HEADROOM = HEADROOM
    TOO_LONG = TOO_LONG


#: How far behind the errors of IPv4's nodes those of IPv6's stand, which are declared in the same order.
INPUT4, INPUT6 = 0, Input6Error.DECAPSULATED - Input4Error.DECAPSULATED
ENCAP4, ENCAP6 = 0, Encap6Error.ENCAPSULATED - Encap4Error.ENCAPSULATED

assert [each + INPUT6 for each in Input4Error] == list(Input6Error)
assert [each + ENCAP6 for each in Encap4Error] == list(Encap6Error)
