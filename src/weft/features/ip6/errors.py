"""What the IPv6 nodes count, in VPP's words; most of it is shown at ip6-input, wherever it happens."""

from __future__ import annotations

from weft.core.node import Errors, Severity


class Ip6Error(Errors, of="ip6-input", named=True):
    TOO_SHORT = "ip6 length < 40 bytes"
    BAD_LENGTH = "ip6 length > l2 length"
    VERSION = "ip6 version != 6"
    TIME_EXPIRED = "ip6 ttl <= 1"
    MTU_EXCEEDED = "ip6 MTU exceeded"
    DST_LOOKUP_MISS = "ip6 destination lookup miss"
    SRC_LOOKUP_MISS = "ip6 source lookup miss"
    DROP = "ip6 drop"
    PUNT = "ip6 punt"
    UNKNOWN_PROTOCOL = "unknown ip protocol"
    TCP_CHECKSUM = "bad tcp checksum"
    UDP_CHECKSUM = "bad udp checksum"
    ICMP_CHECKSUM = "bad icmp checksum"
    UDP_LENGTH = "inconsistent udp/ip lengths"
    SPOOFED_LOCAL_PACKETS = "ip6 spoofed local-address packet drops"
    RPF_FAILURE = "Multicast RPF check failed"
    BAD_SOURCE = "ip6 source is no single host's address"
    BAD_DESTINATION = "ip6 destination is no address on a network"
    BEYOND_SCOPE = "ip6 link-local source beyond its link"
    BAD_EXTENSION = "ip6 extension headers malformed"
    UNKNOWN_OPTION = "ip6 option not known"
    ROUTING_HEADER = "ip6 routing header not known"
    HEADROOM = "no room for the new header"
    FRAGMENT = "fragments to this machine"


class FragmentError(Errors, of="ip6-frag", named=True):
    NONE = "packet fragmented", Severity.INFO
    FRAGMENT_SENT = "number of sent fragments", Severity.INFO
    CANT_FRAGMENT_HEADER = "can't fragment header"
    DONT_FRAGMENT_SET = "can't fragment this packet"
    MALFORMED = "malformed packet"
    MEMORY = "could not allocate buffer"


class LookupError(Errors, of="lookup-ip6-dst"):
    LOOP = "tables that lead to one another"


class UdpError(Errors, of="ip6-udp-lookup"):
    NO_LISTENER = "no listener for dst port"
