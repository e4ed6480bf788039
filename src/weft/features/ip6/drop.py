"""ip6-drop, ip6-punt and ip6-null: packets that end here, one way or another."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.graph import MAX_INTERFACES
from weft.core.node import Nexts, node
from weft.core.runtime import NodeRuntime
from weft.features.fib.dpo import NULL_PROHIBIT, NULL_UNREACHABLE
from weft.features.fib.model import IpMeta
from weft.features.icmp.model import icmp_error
from weft.features.icmp6.types import ADMINISTRATIVELY_PROHIBITED, DESTINATION_UNREACHABLE, NO_ROUTE
from weft.features.ip6 import arcs
from weft.features.ip6.format import trace_forwarded6, trace_ip6

dropped, punted = arcs.dropped, arcs.punted


class DropNext(Nexts):
    DROP = "error-drop"


class PuntNext(Nexts):
    PUNT = "error-punt"


class NullNext(Nexts):
    DROP = "ip6-drop"
    ICMP_ERROR = "ip6-icmp-error"


@node("ip6-drop", next=DropNext, trace=trace_forwarded6)
def ip6_drop(rt: NodeRuntime, pkt: Buffer) -> int:
    """Drop a packet, after the features of the arc ip6-drop."""
    sw_if_index = pkt.rx_sw_if_index
    if sw_if_index >= MAX_INTERFACES:
        return DropNext.DROP
    return dropped.start(pkt, sw_if_index, DropNext.DROP)


@node("ip6-punt", next=PuntNext, trace=trace_forwarded6)
def ip6_punt(rt: NodeRuntime, pkt: Buffer) -> int:
    """Give a packet to whoever takes what nobody else does, after the features of the arc ip6-punt."""
    sw_if_index = pkt.rx_sw_if_index
    if sw_if_index >= MAX_INTERFACES:
        return PuntNext.PUNT
    return punted.start(pkt, sw_if_index, PuntNext.PUNT)


@node("ip6-null", next=NullNext, trace=trace_ip6)
def ip6_null(rt: NodeRuntime, pkt: Buffer) -> int:
    """A route that refuses: silently, or with word to the sender."""
    action = IpMeta(pkt.opaque).adj_index
    if action == NULL_UNREACHABLE:
        icmp_error(pkt, DESTINATION_UNREACHABLE, NO_ROUTE, 0)
        return NullNext.ICMP_ERROR
    if action == NULL_PROHIBIT:
        icmp_error(pkt, DESTINATION_UNREACHABLE, ADMINISTRATIVELY_PROHIBITED, 0)
        return NullNext.ICMP_ERROR
    return NullNext.DROP
