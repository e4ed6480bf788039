"""The flow hash of a frame: the same for all packets of a flow, so that they keep their order on one of many ways."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.memory import mix, wrap
from weft.core.node import inline, routine
from weft.features.ethernet.header import HEADER, IP4, IP6, EthernetHeader, header_length
from weft.features.ip.flow_hash import DEFAULT
from weft.features.ip4 import flow_hash as ip4
from weft.features.ip4.header import MINIMUM, Ip4Header
from weft.features.ip6 import flow_hash as ip6
from weft.features.ip6.header import MINIMUM as MINIMUM6
from weft.features.ip6.header import Ip6Header
from weft.features.l2.layout import ETHERTYPE_SIZE, EthertypeBefore

WANTED = int(DEFAULT)
hash4, hash6 = ip4.hash_of, ip6.hash_of


@inline
def frame_hash(pkt: Buffer) -> int:
    """The hash of the frame that starts where the buffer does, by what it carries; as VPP, by its addresses if that is
    neither IPv4 nor IPv6.
    """
    frame = EthernetHeader(pkt.data)
    available = pkt.current_length - HEADER
    if (available >= MINIMUM) & (frame.ethertype == IP4):
        return hash4(Ip4Header(frame.payload), available, WANTED)
    return other_hash(pkt)


@routine
def other_hash(pkt: Buffer) -> int:
    """The same for frames with tags, and for all but IPv4."""
    frame = EthernetHeader(pkt.data)
    length = header_length(frame, pkt.current_length)
    if length == 0:
        return 0
    last = EthertypeBefore(pkt.data + length - ETHERTYPE_SIZE)
    available = pkt.current_length - length
    if last.ethertype == IP4 and available >= MINIMUM:
        return hash4(Ip4Header(last.payload), available, WANTED)
    if last.ethertype == IP6 and available >= MINIMUM6:
        return hash6(Ip6Header(last.payload), available, WANTED)
    return mix(wrap(mix(frame.destination ^ last.ethertype << 48) << 32 ^ frame.source))


@routine
def packet_hash(pkt: Buffer) -> int:
    """The hash of an IP packet, of either version."""
    available = pkt.current_length
    if available >= MINIMUM and Ip4Header(pkt.data).version_ihl >> 4 == 4:
        return hash4(Ip4Header(pkt.data), available, WANTED)
    if available >= MINIMUM6 and Ip6Header(pkt.data).version == 6:
        return hash6(Ip6Header(pkt.data), available, WANTED)
    return 0
