"""Neighbor solicitations for addresses that the bridge domain knows are answered in their place (RFC 4861 7.2.4)."""

from __future__ import annotations

from weft.core.buffer import NEXT_PRESENT, OFFLOAD, Buffer
from weft.core.memory import swap16
from weft.core.node import routine
from weft.features.ethernet.header import GROUP, EthernetHeader
from weft.features.gso.checksum import add_bytes, fold
from weft.features.icmp6.types import NEIGHBOR_ADVERTISEMENT, NEIGHBOR_SOLICITATION, PROTOCOL_ICMP6
from weft.features.ip6.checksum import ADDRESSES
from weft.features.ip6.header import MINIMUM, Ip6Header, assign, is_multicast
from weft.features.ip6_nd.packet import (
    HOP_LIMIT,
    LINK_OPTION,
    ND_HEADER,
    OVERRIDE,
    SOLICITED,
    TARGET_LINK,
    LinkOption,
    NdHeader,
)
from weft.features.neighbor.table import BRIDGED6, entries, find

ANSWER = ND_HEADER + LINK_OPTION
HEADERS = MINIMUM + ND_HEADER


@routine
def answer_solicitation(pkt: Buffer, address: int, bd_index: int) -> int:
    """Make the frame, whose IPv6 header is at ``address``, an answer if it is a solicitation for an address that the
    bridge domain knows: whether it was.
    """
    room = pkt.current_length - pkt.l2_len
    ip = Ip6Header(address)
    if room < HEADERS or pkt.flags & (NEXT_PRESENT | OFFLOAD) or ip.total_length > room:
        return 0
    nd = NdHeader(address + MINIMUM)
    right = (ip.version == 6) & (ip.next_header == PROTOCOL_ICMP6) & (ip.hop_limit == HOP_LIMIT)
    asks = (nd.type == NEIGHBOR_SOLICITATION) & (nd.code == 0) & (ip.payload_length >= ND_HEADER)
    somebody = (ip.source.high != 0) & (is_multicast(ip.source) == 0)
    frame = EthernetHeader(pkt.data)
    if right & asks & somebody == 0 or frame.source & GROUP or checksum(ip) != 0xFFFF:
        return 0
    index = find(BRIDGED6, bd_index, nd.target.high, nd.target.low)
    if index == 0:
        return 0
    mac = entries[index].mac
    assign(ip.destination, ip.source)
    assign(ip.source, nd.target)
    ip.payload_length = ANSWER
    nd.type = NEIGHBOR_ADVERTISEMENT
    nd.flags = SOLICITED | OVERRIDE
    option = LinkOption(nd.address + ND_HEADER)
    option.type = TARGET_LINK
    option.units = 1
    option.mac = mac
    nd.checksum = 0
    nd.checksum = checksum(ip) ^ 0xFFFF
    pkt.current_length = pkt.l2_len + MINIMUM + ANSWER
    frame.destination = frame.source
    frame.source = mac
    return 1


@routine
def checksum(ip: Ip6Header) -> int:
    """The folded sum over a packet in one buffer that carries ICMPv6 at once, and its pseudo-header."""
    length = ip.payload_length
    total = add_bytes(ip.source.address, ADDRESSES) + add_bytes(ip.address + MINIMUM, length)
    return fold(total + swap16(length) + swap16(PROTOCOL_ICMP6))
