"""VLAN tag rewrite: tags taken off and put on by moving the addresses in front of them, and nothing else."""

from __future__ import annotations

from weft.core.buffer import HEADROOM, VLAN_1_DEEP, VLAN_2_DEEP, Buffer
from weft.core.node import inline
from weft.core.view import Bytes, View, i64, times, u32
from weft.features.ethernet.header import HEADER, TAG
from weft.features.l2.layout import Rewrite


class Front(View):
    """The two addresses of a frame as the words that they are moved in."""

    low: i64
    high: u32


class TwoTags(View):
    """The eight bytes in front of where a frame's ethertype (or first remaining tag) stands."""

    addresses: Bytes = times(4)
    tags: i64


@inline
def rewrite_tags(pkt: Buffer, rewrite: Rewrite) -> int:
    """Do a rewrite: 1, or 0 if the frame has fewer tags than are to be taken off, or no room for those to be put on."""
    pop, push = rewrite.pop, rewrite.push
    start = pkt.current_data + pop - push
    if pkt.l2_len < HEADER + pop or start < -HEADROOM:
        return 0
    front = Front(pkt.data)
    low, high = front.low, front.high
    TwoTags(pkt.data + pop).tags = rewrite.tags
    front = Front(pkt.data + pop - push)
    front.low = low
    front.high = high
    pkt.current_data = start
    pkt.l2_hdr_offset = start
    pkt.current_length = pkt.current_length + push - pop
    length = pkt.l2_len + push - pop
    pkt.l2_len = length
    deep = min((length - HEADER) >> 2, 2)
    pkt.flags = pkt.flags & ~(VLAN_1_DEEP | VLAN_2_DEEP) | deep * VLAN_1_DEEP
    return 1


assert TAG == 1 << 2 and VLAN_2_DEEP == 2 * VLAN_1_DEEP
