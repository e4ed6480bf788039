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
    pop = rewrite.pop
    growth = rewrite.push - pop
    start = pkt.current_data - growth
    length = pkt.l2_len
    if length < HEADER + pop or start < -HEADROOM:
        return 0
    behind = pkt.data + pop
    front = Front(pkt.data)
    low, high = front.low, front.high
    TwoTags(behind).tags = rewrite.tags
    front = Front(pkt.data - growth)
    front.low = low
    front.high = high
    pkt.current_data = start
    pkt.l2_hdr_offset = start
    pkt.current_length = pkt.current_length + growth
    length += growth
    pkt.l2_len = length
    deep = min((length - HEADER) * (VLAN_1_DEEP // TAG), VLAN_2_DEEP)
    pkt.flags = pkt.flags & ~(VLAN_1_DEEP | VLAN_2_DEEP) | deep
    return 1


assert VLAN_1_DEEP % TAG == 0 and VLAN_2_DEEP == 2 * VLAN_1_DEEP
