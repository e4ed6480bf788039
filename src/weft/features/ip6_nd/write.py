"""Writes solicitations and advertisements into packets, with everything in front of them."""

from __future__ import annotations

from weft.core.buffer import L2_HDR_VALID, L3_HDR_VALID, LOCAL, Buffer
from weft.core.memory import copy, swap16
from weft.core.node import inline, routine
from weft.core.view import View, mac
from weft.features.icmp6.types import PROTOCOL_ICMP6
from weft.features.ip6.checksum import layer4_sum
from weft.features.ip6.header import MINIMUM, Ip6Header
from weft.features.ip6.own import OwnBlock
from weft.features.ip6_nd.packet import HOP_LIMIT, LINK_OPTION, ND_HEADER, LinkOption, NdHeader

VERSION_WORD = 6 << 28
PAYLOAD = ND_HEADER + LINK_OPTION
LENGTH = MINIMUM + PAYLOAD  #: bytes of the packet


class Destination(View):
    """How a frame begins."""

    mac: mac


@inline
def message(pkt: Buffer) -> NdHeader:
    """Where the message in such a packet is."""
    return NdHeader(pkt.data + MINIMUM)


@routine
def finish(pkt: Buffer, block: OwnBlock, to: int, kind: int, flags: int, option: int) -> int:
    """Complete a packet, whose addresses and target are there: the message with the interface's MAC address as its
    option, and the interface's Ethernet header in front, to the MAC address ``to``.
    """
    ip = Ip6Header(pkt.data)
    ip.first = VERSION_WORD
    ip.payload_length = PAYLOAD
    ip.next_header = PROTOCOL_ICMP6
    ip.hop_limit = HOP_LIMIT
    nd = message(pkt)
    nd.type = kind
    nd.code = 0
    nd.flags = flags
    link = LinkOption(nd.address + ND_HEADER)
    link.type = option
    link.units = 1
    link.mac = block.mac
    nd.checksum = 0
    pkt.current_length = LENGTH
    nd.checksum = layer4_sum(pkt, ip, MINIMUM, PROTOCOL_ICMP6) ^ 0xFFFF
    pkt.l3_hdr_offset = pkt.current_data
    length = block.header_length
    pkt.advance(-length)
    copy(pkt.data, block.header, length)
    Destination(pkt.data).mac = to
    pkt.l2_hdr_offset = pkt.current_data
    pkt.l2_len = length
    pkt.flags = pkt.flags | LOCAL | L2_HDR_VALID | L3_HDR_VALID
    return 0


@inline
def group_mac(last: int) -> int:
    """The Ethernet address of the group whose last four bytes are this number, as frames have it."""
    swapped = swap16(last >> 16) | swap16(last & 0xFFFF) << 16
    return 0x3333 | swapped << 16
