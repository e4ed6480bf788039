"""ip4-rewrite: one hop less to live, a new header in front, and out (RFC 1812 5.2.1.2, 5.3.1)."""

from __future__ import annotations

from weft.core.buffer import LOCAL, Buffer
from weft.core.memory import opaque
from weft.core.node import Nexts, inline, node, routine
from weft.core.runtime import NodeRuntime
from weft.core.view import View, i64, u32
from weft.features.fib.model import Adjacency, IpMeta, adjacencies
from weft.features.gso.model import is_gso, segment_length
from weft.features.icmp.model import (
    DESTINATION_UNREACHABLE,
    FRAGMENTATION_NEEDED,
    TIME_EXCEEDED,
    TTL_EXCEEDED,
    icmp_error,
)
from weft.features.ip.rewrite import FINE, put_in_front, trace_rewrite
from weft.features.ip4 import arcs
from weft.features.ip4.errors import Ip4Error
from weft.features.ip4.header import DONT_FRAGMENT, Ip4Header

output = arcs.output


class RewriteNext(Nexts):
    ICMP_ERROR = "ip4-icmp-error"
    FRAGMENT = "ip4-frag"
    DROP = "ip4-drop"


@node("ip4-rewrite", next=RewriteNext, trace=trace_rewrite)
def ip4_rewrite(rt: NodeRuntime, pkt: Buffer) -> int:
    """Send a packet to its next hop."""
    meta = IpMeta(pkt.opaque)
    index = meta.adj_index
    adjacency = Adjacency(opaque(adjacencies[index].address))
    ip = Ip4Header(pkt.data)
    if ip.total_length > adjacency.mtu:
        way = too_long(pkt, ip, adjacency)
        if way != FINE:
            return way
    if pkt.flags & LOCAL == 0:
        hop = Hop(ip.address)
        if hop.word & TTL <= 1:
            return expired(pkt)
        hop.word = one_less(hop.word)
    if put_in_front(rt, pkt, adjacency, index) == 0:
        return pkt.fail(Ip4Error.HEADROOM, RewriteNext.DROP)
    sw_if_index = adjacency.sw_if_index
    pkt.tx_sw_if_index = sw_if_index
    if output.starts[sw_if_index].chain == 0:
        return adjacency.next
    meta.rewrite_length = adjacency.rewrite_length
    return output.start(pkt, sw_if_index, adjacency.next)


class Hop(View):
    """The word of an IPv4 header with TTL, protocol and checksum, in the machine's order."""

    before: i64
    word: u32


TTL = 0xFF


@inline
def one_less(word: int) -> int:
    """The header's word with one hop less to live. The header's sum has 0x100 less, so the checksum has that much more
    (RFC 1624), which is 1 in the machine's order, and once more 1 where it passes 0xffff.
    """
    word += 0x1_0000 - 1
    return word + ((word >= 0xFFFF_0000) << 16)


@routine
def expired(pkt: Buffer) -> int:
    """Where a packet goes that has no hop left. The message about it shows it as it would have been sent."""
    ip = Ip4Header(pkt.data)
    if ip.ttl == 1:
        hop = Hop(ip.address)
        hop.word = one_less(hop.word)
    icmp_error(pkt, TIME_EXCEEDED, TTL_EXCEEDED, 0)
    return pkt.fail(Ip4Error.TIME_EXPIRED, RewriteNext.ICMP_ERROR)


@inline
def expires(pkt: Buffer, ip: Ip4Header) -> int:
    return (pkt.flags & LOCAL == 0) & (ip.ttl <= 1)


@routine
def too_long(pkt: Buffer, ip: Ip4Header, adjacency: Adjacency) -> int:
    """Where a packet goes that is longer than the MTU; FINE: on, since it dies anyway or will leave in pieces."""
    if expires(pkt, ip) or (is_gso(pkt) and segment_length(pkt) <= adjacency.mtu):
        return FINE
    if ip.fragment & DONT_FRAGMENT:
        icmp_error(pkt, DESTINATION_UNREACHABLE, FRAGMENTATION_NEEDED, adjacency.mtu)
        return pkt.fail(Ip4Error.MTU_EXCEEDED, RewriteNext.ICMP_ERROR)
    return RewriteNext.FRAGMENT
