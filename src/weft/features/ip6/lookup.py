"""ip6-lookup, ip6-link-local and ip6-load-balance: from a destination to the way on."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.counters import count
from weft.core.graph import MAX_INTERFACES
from weft.core.node import Nexts, inline, node
from weft.core.runtime import NodeRuntime
from weft.features.fib.load_balance import apart, ask_for, choose, follow, route_balance, to_counters, via_counters
from weft.features.fib.model import BY_INTERFACE, IpMeta
from weft.features.ip.lookup import look_elsewhere, lookup_trace
from weft.features.ip.ply import MAX_FIBS
from weft.features.ip6.errors import Ip6Error, LookupError
from weft.features.ip6.flow_hash import flow_hash, flow_hashes
from weft.features.ip6.format import format_ip6
from weft.features.ip6.header import Ip6Address, Ip6Header, is_link_local
from weft.features.ip6.own import interfaces6
from weft.features.ip6.trie import lookup, lookup_on_link


class LookupNext(Nexts):
    DROP = "ip6-drop"


trace_lookup = lookup_trace(format_ip6)


@inline
def own_table(pkt: Buffer) -> int:
    """The table of the interface that a packet came in by; table 0 for those that came by none."""
    sw_if_index = pkt.rx_sw_if_index
    if sw_if_index >= MAX_INTERFACES:
        return 0
    return interfaces6[sw_if_index].fib_index


@inline
def table_of(pkt: Buffer) -> int:
    """The table in which a packet's addresses are looked up."""
    fib_index = IpMeta(pkt.opaque).fib_index
    return own_table(pkt) if fib_index == BY_INTERFACE else fib_index


@inline
def route_of(pkt: Buffer, address: Ip6Address) -> int:
    """The route of an address, as packets that came in like this one have it."""
    if is_link_local(address) and pkt.rx_sw_if_index < MAX_INTERFACES:
        return lookup_on_link(pkt.rx_sw_if_index, address)
    return lookup(table_of(pkt), address)


@inline
def go(pkt: Buffer, meta: IpMeta, route: int, fib_index: int) -> int:
    """The way that a route's packets go."""
    lb = route_balance(route)
    if lb.buckets == 0:
        return follow(lb.address, meta)
    meta.flow_hash = flow_hash(pkt, flow_hashes[fib_index])
    return follow(choose(lb, meta.flow_hash).address, meta)


@inline
def find(rt: NodeRuntime, pkt: Buffer) -> None:
    """The route of a packet's destination; and ask for what goes by it."""
    counters = to_counters.of(rt.worker)
    meta = IpMeta(pkt.opaque)
    fib_index = meta.fib_index
    if fib_index == BY_INTERFACE:
        fib_index = own_table(pkt)
        meta.fib_index = fib_index
    route = lookup(fib_index, Ip6Header(pkt.data).destination)
    meta.adj_index = route
    ask_for(counters, route)


@node("ip6-lookup", next=LookupNext, trace=trace_lookup, waits=find)
def ip6_lookup(rt: NodeRuntime, pkt: Buffer) -> int:
    """Find the route of a packet's destination, count the packet there, and go its way."""
    counters = to_counters.of(rt.worker)
    meta = IpMeta(pkt.opaque)
    count(counters, meta.adj_index, 1, pkt.total_length)
    return go(pkt, meta, meta.adj_index, meta.fib_index)


@node("ip6-link-local", next=LookupNext, trace=trace_lookup)
def ip6_link_local(rt: NodeRuntime, pkt: Buffer) -> int:
    """The same in the table of the interface's own link, for addresses that mean something there only."""
    sw_if_index = pkt.rx_sw_if_index
    if sw_if_index >= MAX_INTERFACES or interfaces6[sw_if_index].enabled == 0:
        return pkt.fail(Ip6Error.DST_LOOKUP_MISS, LookupNext.DROP)
    route = lookup_on_link(sw_if_index, Ip6Header(pkt.data).destination)
    to_counters.add(rt.worker, route, 1, pkt.total_length)
    return go(pkt, IpMeta(pkt.opaque), route, MAX_FIBS + sw_if_index)


@node("ip6-load-balance", next=LookupNext, trace=trace_lookup)
def ip6_load_balance(rt: NodeRuntime, pkt: Buffer) -> int:
    """The same for packets whose route is known: that of an address that another route goes by, or that this machine
    has looked up itself. ``adj_index`` is its number.
    """
    meta = IpMeta(pkt.opaque)
    route = meta.adj_index
    via_counters.add(rt.worker, route, 1, pkt.total_length)
    lb = route_balance(route)
    meta.flow_hash = 0
    if lb.buckets == 0:
        return follow(lb.address, meta)
    fib_index = meta.fib_index
    meta.flow_hash = flow_hash(pkt, flow_hashes[0 if fib_index == BY_INTERFACE else fib_index])
    return follow(choose(lb, apart(meta.flow_hash, route)).address, meta)


class AgainNext(Nexts):
    LOOKUP = "ip6-lookup"
    DROP = "ip6-drop"


@node("lookup-ip6-dst", next=AgainNext, trace=trace_lookup)
def lookup_ip6_dst(rt: NodeRuntime, pkt: Buffer) -> int:
    """The route says: look in another table."""
    if look_elsewhere(IpMeta(pkt.opaque)):
        return AgainNext.LOOKUP
    return pkt.fail(LookupError.LOOP, AgainNext.DROP)
