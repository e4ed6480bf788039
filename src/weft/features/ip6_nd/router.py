"""icmp6-router-solicitation and -advertisement: rare, so they are for the main thread (RFC 4861 6)."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.node import Nexts, node
from weft.core.punt import punt
from weft.core.runtime import NodeRuntime
from weft.features.icmp6.errors import Icmp6Error
from weft.features.icmp6.model import register_type6
from weft.features.icmp6.types import MLD_QUERY, ROUTER_ADVERTISEMENT, ROUTER_SOLICITATION
from weft.features.ip6.format import trace_ip6
from weft.features.ip6.header import Ip6Header, is_link_local
from weft.features.ip6_nd.model import ADVERTISED, QUERIED, SOLICITED_ROUTER
from weft.features.ip6_nd.packet import HOP_LIMIT


class RouterNext(Nexts):
    PUNT = "punt"
    DROP = "ip6-drop"


@node("icmp6-router-solicitation", next=RouterNext, trace=trace_ip6)
def icmp6_router_solicitation(rt: NodeRuntime, pkt: Buffer) -> int:
    """A host asks for routers."""
    if Ip6Header(pkt.data).hop_limit != HOP_LIMIT:
        return pkt.fail(Icmp6Error.INVALID_HOP_LIMIT_FOR_TYPE, RouterNext.DROP)
    return punt(pkt, SOLICITED_ROUTER, RouterNext.PUNT)


@node("icmp6-router-advertisement", next=RouterNext, trace=trace_ip6)
def icmp6_router_advertisement(rt: NodeRuntime, pkt: Buffer) -> int:
    """Another router presents itself."""
    ip = Ip6Header(pkt.data)
    if ip.hop_limit != HOP_LIMIT:
        return pkt.fail(Icmp6Error.INVALID_HOP_LIMIT_FOR_TYPE, RouterNext.DROP)
    if is_link_local(ip.source) == 0:
        return pkt.fail(Icmp6Error.ROUTER_ADVERTISEMENT_SOURCE_NOT_LINK_LOCAL, RouterNext.DROP)
    rt.count(Icmp6Error.ROUTER_ADVERTISEMENTS_RX, 1)
    return punt(pkt, ADVERTISED, RouterNext.PUNT)


@node("icmp6-multicast-listener-query", next=RouterNext, trace=trace_ip6)
def icmp6_multicast_listener_query(rt: NodeRuntime, pkt: Buffer) -> int:
    """A router asks who is in which group (RFC 3810 6.2)."""
    if is_link_local(Ip6Header(pkt.data).source) == 0:
        return pkt.fail(Icmp6Error.REFUSED, RouterNext.DROP)
    return punt(pkt, QUERIED, RouterNext.PUNT)


register_type6(MLD_QUERY, "icmp6-multicast-listener-query")
register_type6(ROUTER_SOLICITATION, "icmp6-router-solicitation")
register_type6(ROUTER_ADVERTISEMENT, "icmp6-router-advertisement")
