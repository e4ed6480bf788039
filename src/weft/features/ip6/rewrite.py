"""ip6-rewrite: one hop less to live, a new header in front, and out (RFC 8200 3, RFC 4443 3.2, 3.3)."""

from __future__ import annotations

from weft.core.buffer import LOCAL, Buffer
from weft.core.memory import opaque
from weft.core.node import Nexts, node, routine
from weft.core.runtime import NodeRuntime
from weft.features.fib.model import Adjacency, IpMeta, adjacencies
from weft.features.gso.model import is_gso, segment_length
from weft.features.icmp.model import icmp_error
from weft.features.icmp6.types import (
    BEYOND_SCOPE,
    DESTINATION_UNREACHABLE,
    HOP_LIMIT_EXCEEDED,
    PACKET_TOO_BIG,
    TIME_EXCEEDED,
)
from weft.features.ip.rewrite import FINE, put_in_front, trace_rewrite
from weft.features.ip6 import arcs
from weft.features.ip6.errors import Ip6Error
from weft.features.ip6.header import Ip6Header, is_link_local

output = arcs.output


class RewriteNext(Nexts):
    ICMP_ERROR = "ip6-icmp-error"
    FRAGMENT = "ip6-frag"
    DROP = "ip6-drop"


@node("ip6-rewrite", next=RewriteNext, trace=trace_rewrite)
def ip6_rewrite(rt: NodeRuntime, pkt: Buffer) -> int:
    """Send a packet to its next hop."""
    meta = IpMeta(pkt.opaque)
    index = meta.adj_index
    adjacency = Adjacency(opaque(adjacencies[index].address))
    ip = Ip6Header(pkt.data)
    if ip.total_length > adjacency.mtu:
        way = too_long(pkt, ip, adjacency)
        if way != FINE:
            return way
    if pkt.flags & LOCAL == 0:
        hops = ip.hop_limit
        if hops <= 1:
            icmp_error(pkt, TIME_EXCEEDED, HOP_LIMIT_EXCEEDED, 0)
            return pkt.fail(Ip6Error.TIME_EXPIRED, RewriteNext.ICMP_ERROR)
        if is_link_local(ip.source):
            return stay(pkt)
        ip.hop_limit = hops - 1
    if put_in_front(rt, pkt, adjacency, index) == 0:
        return pkt.fail(Ip6Error.HEADROOM, RewriteNext.DROP)
    sw_if_index = adjacency.sw_if_index
    pkt.tx_sw_if_index = sw_if_index
    if output.starts[sw_if_index].chain == 0:
        return adjacency.next
    meta.rewrite_length = adjacency.rewrite_length
    return output.start(pkt, sw_if_index, adjacency.next)


@routine
def stay(pkt: Buffer) -> int:
    """A link-local source means nothing on another link (RFC 4291 2.5.6), and on its own nobody needs a router."""
    icmp_error(pkt, DESTINATION_UNREACHABLE, BEYOND_SCOPE, 0)
    return pkt.fail(Ip6Error.BEYOND_SCOPE, RewriteNext.ICMP_ERROR)


@routine
def too_long(pkt: Buffer, ip: Ip6Header, adjacency: Adjacency) -> int:
    """Where a packet goes that is longer than the MTU; FINE: on, since it dies anyway or will leave in pieces. Only who
    made a packet may fragment it (RFC 8200 5).
    """
    if is_gso(pkt) and segment_length(pkt) <= adjacency.mtu:
        return FINE
    if pkt.flags & LOCAL:
        return RewriteNext.FRAGMENT
    if ip.hop_limit <= 1:
        return FINE
    icmp_error(pkt, PACKET_TOO_BIG, 0, adjacency.mtu)
    return pkt.fail(Ip6Error.MTU_EXCEEDED, RewriteNext.ICMP_ERROR)
