"""What the IPv4 nodes count, in VPP's words; most of it is shown at ip4-input, wherever it happens."""

from __future__ import annotations

from weft.core.node import Errors, Severity


class Ip4Error(Errors, of="ip4-input", named=True):
    TOO_SHORT = "ip4 length < 20 bytes"
    BAD_LENGTH = "ip4 length > l2 length"
    BAD_CHECKSUM = "bad ip4 checksum"
    VERSION = "ip4 version != 4"
    OPTIONS = "ip4 options present", Severity.INFO
    FRAGMENT_OFFSET_ONE = "ip4 fragment offset == 1"
    TIME_EXPIRED = "ip4 ttl <= 1"
    HDR_TOO_SHORT = "ip4 IHL < 5"
    MTU_EXCEEDED = "ip4 MTU exceeded and DF set"
    DST_LOOKUP_MISS = "ip4 destination lookup miss"
    SRC_LOOKUP_MISS = "ip4 source lookup miss"
    DROP = "ip4 drop"
    UNKNOWN_PROTOCOL = "unknown ip protocol"
    TCP_CHECKSUM = "bad tcp checksum"
    UDP_CHECKSUM = "bad udp checksum"
    UDP_LENGTH = "inconsistent udp/ip lengths"
    SPOOFED_LOCAL_PACKETS = "ip4 spoofed local-address packet drops"
    RPF_FAILURE = "Multicast RPF check failed"
    HEADROOM = "no room for the new header"
    FRAGMENT = "fragments to this machine"


class FragmentError(Errors, of="ip4-frag", named=True):
    NONE = "packet fragmented", Severity.INFO
    SMALL_PACKET = "packet smaller than MTU"
    FRAGMENT_SENT = "number of sent fragments", Severity.INFO
    CANT_FRAGMENT_HEADER = "can't fragment header"
    DONT_FRAGMENT_SET = "can't fragment this packet"
    MALFORMED = "malformed packet"
    MEMORY = "could not allocate buffer"


class LookupError(Errors, of="lookup-ip4-dst"):
    LOOP = "tables that lead to one another"


class UdpError(Errors, of="ip4-udp-lookup"):
    NO_LISTENER = "no listener for dst port"
    LENGTH_ERROR = "UDP packets with length errors"
