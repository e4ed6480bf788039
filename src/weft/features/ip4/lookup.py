"""ip4-lookup and ip4-load-balance: from a destination to the way on."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.counters import count
from weft.core.graph import MAX_INTERFACES
from weft.core.node import Nexts, inline, node
from weft.core.runtime import NodeRuntime
from weft.features.fib.load_balance import apart, ask_for, choose, follow, route_balance, to_counters, via_counters
from weft.features.fib.model import BY_INTERFACE, IpMeta
from weft.features.ip.lookup import look_elsewhere, lookup_trace
from weft.features.ip4.errors import LookupError
from weft.features.ip4.flow_hash import flow_hash, flow_hashes
from weft.features.ip4.format import format_ip4
from weft.features.ip4.header import Ip4Header
from weft.features.ip4.interfaces import interfaces4
from weft.features.ip4.mtrie import lookup


class LookupNext(Nexts):
    DROP = "ip4-drop"


trace_lookup = lookup_trace(format_ip4)


@inline
def own_table(pkt: Buffer) -> int:
    """The table of the interface that a packet came in by; table 0 for those that came by none."""
    sw_if_index = pkt.rx_sw_if_index
    if sw_if_index >= MAX_INTERFACES:
        return 0
    return interfaces4[sw_if_index].fib_index


@inline
def table_of(pkt: Buffer) -> int:
    """The table in which a packet's addresses are looked up."""
    fib_index = IpMeta(pkt.opaque).fib_index
    return own_table(pkt) if fib_index == BY_INTERFACE else fib_index


@inline
def find(rt: NodeRuntime, pkt: Buffer) -> None:
    """The route of a packet's destination; and ask for what goes by it."""
    counters = to_counters.of(rt.worker)
    meta = IpMeta(pkt.opaque)
    fib_index = meta.fib_index
    if fib_index == BY_INTERFACE:
        fib_index = own_table(pkt)
        meta.fib_index = fib_index
    route = lookup(fib_index, Ip4Header(pkt.data).destination)
    meta.adj_index = route
    ask_for(counters, route)


@node("ip4-lookup", next=LookupNext, trace=trace_lookup, waits=find)
def ip4_lookup(rt: NodeRuntime, pkt: Buffer) -> int:
    """Find the route of a packet's destination, count the packet there, and go its way."""
    counters = to_counters.of(rt.worker)
    meta = IpMeta(pkt.opaque)
    route = meta.adj_index
    count(counters, route, 1, pkt.total_length)
    lb = route_balance(route)
    if lb.buckets == 0:
        return follow(lb.address, meta)
    meta.flow_hash = flow_hash(pkt, flow_hashes[meta.fib_index])
    return follow(choose(lb, meta.flow_hash).address, meta)


@node("ip4-load-balance", next=LookupNext, trace=trace_lookup)
def ip4_load_balance(rt: NodeRuntime, pkt: Buffer) -> int:
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
    LOOKUP = "ip4-lookup"
    DROP = "ip4-drop"


@node("lookup-ip4-dst", next=AgainNext, trace=trace_lookup)
def lookup_ip4_dst(rt: NodeRuntime, pkt: Buffer) -> int:
    """The route says: look in another table."""
    if look_elsewhere(IpMeta(pkt.opaque)):
        return AgainNext.LOOKUP
    return pkt.fail(LookupError.LOOP, AgainNext.DROP)
