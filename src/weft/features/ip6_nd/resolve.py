"""ip6-discover-neighbor and ip6-glean: packets to a MAC address that is not known yet. They are dropped, and a neighbor
solicitation is sent instead; for each address once in a while only (RFC 4861 7.2.2).
"""

from __future__ import annotations

from weft.core import arena
from weft.core.buffer import TRACED, Buffer, allocate, buffer_at, reset
from weft.core.node import Nexts, node, routine
from weft.core.runtime import MAX_THREADS, NodeRuntime
from weft.features.fib.model import IpMeta, adjacencies
from weft.features.icmp6.types import NEIGHBOR_SOLICITATION
from weft.features.interface.model import sw_interfaces
from weft.features.ip6.flow_hash import mixed
from weft.features.ip6.format import trace_forwarded6
from weft.features.ip6.header import Ip6Address, Ip6Header, assign
from weft.features.ip6.input import ON_LINK, SOLICITED_NODE
from weft.features.ip6.own import block_of, source_address
from weft.features.ip6_nd.errors import DiscoverError, GleanError
from weft.features.ip6_nd.packet import SOURCE_LINK
from weft.features.ip6_nd.write import LENGTH, finish, group_mac, message
from weft.features.neighbor.throttle import throttled

#: Whom each thread is just asking for.
targets = arena.table("nd-targets", Ip6Address, MAX_THREADS)


class ResolveNext(Nexts):
    DROP = "ip6-drop"


# What comes of asking, counted from THROTTLED on.
THROTTLED = 0
REQUEST_SENT = DiscoverError.REQUEST_SENT - DiscoverError.THROTTLED
NO_SOURCE_ADDRESS = DiscoverError.NO_SOURCE_ADDRESS - DiscoverError.THROTTLED
NO_BUFFERS = DiscoverError.NO_BUFFERS - DiscoverError.THROTTLED
assert [each.name for each in DiscoverError] == [each.name for each in GleanError]


@node("ip6-discover-neighbor", next=ResolveNext, trace=trace_forwarded6)
def ip6_discover_neighbor(rt: NodeRuntime, pkt: Buffer) -> int:
    """A packet for a next hop whose MAC address is not known."""
    adjacency = adjacencies[IpMeta(pkt.opaque).adj_index]
    outcome = ask(rt, pkt, adjacency.sw_if_index, adjacency.next_hop_high, adjacency.next_hop)
    return pkt.fail(DiscoverError.THROTTLED + outcome, ResolveNext.DROP)


@node("ip6-glean", next=ResolveNext, trace=trace_forwarded6)
def ip6_glean(rt: NodeRuntime, pkt: Buffer) -> int:
    """A packet for a host on a connected subnet of whom nothing is known."""
    adjacency = adjacencies[IpMeta(pkt.opaque).adj_index]
    destination = Ip6Header(pkt.data).destination
    outcome = ask(rt, pkt, adjacency.sw_if_index, destination.high, destination.low)
    return pkt.fail(GleanError.THROTTLED + outcome, ResolveNext.DROP)


@routine
def ask(rt: NodeRuntime, pkt: Buffer, sw_if_index: int, high: int, low: int) -> int:
    """Solicit a neighbor. What came of it, counted from THROTTLED on."""
    target = targets[rt.worker.index]
    target.high = high
    target.low = low
    source = source_address(sw_if_index, target)
    if source == 0:
        return NO_SOURCE_ADDRESS
    if throttled(rt.worker, sw_if_index, mixed(target)):
        return THROTTLED
    index = allocate(rt.worker.cache)
    if index == 0:
        return NO_BUFFERS
    request = buffer_at(index)
    reset(request, LENGTH, sw_if_index)
    request.tx_sw_if_index = sw_if_index
    request.flags = pkt.flags & TRACED
    request.trace_id = pkt.trace_id
    ip = Ip6Header(request.data)
    assign(ip.source, Ip6Address(source))
    ip.destination.high = ON_LINK
    ip.destination.low = SOLICITED_NODE << 24 | target.low & LAST_BYTES
    assign(message(request).target, target)
    to = group_mac(ip.destination.low & LAST_WORD)
    finish(request, block_of(sw_if_index), to, NEIGHBOR_SOLICITATION, 0, SOURCE_LINK)
    rt.send(index, sw_interfaces[sw_if_index].output_node)
    return REQUEST_SENT


LAST_BYTES, LAST_WORD = 0xFFFFFF, 0xFFFFFFFF
