"""ip4-drop, ip4-punt and ip4-null: packets that end here, one way or another."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.graph import MAX_INTERFACES
from weft.core.node import Nexts, node
from weft.core.runtime import NodeRuntime
from weft.features.fib.dpo import NULL_PROHIBIT, NULL_UNREACHABLE
from weft.features.fib.model import IpMeta
from weft.features.icmp.model import DESTINATION_UNREACHABLE, HOST_UNREACHABLE, icmp_error
from weft.features.ip4 import arcs
from weft.features.ip4.format import trace_forwarded, trace_ip4

dropped, punted = arcs.dropped, arcs.punted
HOST_PROHIBITED = 10  #: RFC 1812 5.2.7.1


class DropNext(Nexts):
    DROP = "error-drop"


class PuntNext(Nexts):
    PUNT = "error-punt"


class NullNext(Nexts):
    DROP = "ip4-drop"
    ICMP_ERROR = "ip4-icmp-error"


@node("ip4-drop", next=DropNext, trace=trace_forwarded)
def ip4_drop(rt: NodeRuntime, pkt: Buffer) -> int:
    """Drop a packet, after the features of the arc ip4-drop."""
    sw_if_index = pkt.rx_sw_if_index
    if sw_if_index >= MAX_INTERFACES:
        return DropNext.DROP
    return dropped.start(pkt, sw_if_index, DropNext.DROP)


@node("ip4-punt", next=PuntNext, trace=trace_forwarded)
def ip4_punt(rt: NodeRuntime, pkt: Buffer) -> int:
    """Give a packet to whoever takes what nobody else does, after the features of the arc ip4-punt."""
    sw_if_index = pkt.rx_sw_if_index
    if sw_if_index >= MAX_INTERFACES:
        return PuntNext.PUNT
    return punted.start(pkt, sw_if_index, PuntNext.PUNT)


@node("ip4-null", next=NullNext, trace=trace_ip4)
def ip4_null(rt: NodeRuntime, pkt: Buffer) -> int:
    """A route that refuses: silently, or with word to the sender."""
    action = IpMeta(pkt.opaque).adj_index
    if action == NULL_UNREACHABLE:
        icmp_error(pkt, DESTINATION_UNREACHABLE, HOST_UNREACHABLE, 0)
        return NullNext.ICMP_ERROR
    if action == NULL_PROHIBIT:
        icmp_error(pkt, DESTINATION_UNREACHABLE, HOST_PROHIBITED, 0)
        return NullNext.ICMP_ERROR
    return NullNext.DROP
