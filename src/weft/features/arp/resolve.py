"""ip4-arp and ip4-glean: packets to a MAC address that is not known yet. They are dropped, and an ARP request is sent
instead; for each address once in a while only.
"""

from __future__ import annotations

from weft.core.buffer import L2_HDR_VALID, L3_HDR_VALID, LOCAL, TRACED, Buffer, allocate, buffer_at, reset
from weft.core.node import Nexts, node, routine
from weft.core.runtime import NodeRuntime
from weft.features.arp.errors import GleanError, ResolveError
from weft.features.arp.packet import LENGTH, REQUEST
from weft.features.arp.table import ArpInterface, arp_interfaces, source_address, write_arp
from weft.features.fib.model import IpMeta, adjacencies
from weft.features.interface.address import BROADCAST
from weft.features.interface.model import sw_interfaces
from weft.features.ip4.format import trace_forwarded
from weft.features.ip4.model import Ip4Header
from weft.features.neighbor.throttle import throttled


class ResolveNext(Nexts):
    DROP = "ip4-drop"


@node("ip4-arp", next=ResolveNext, trace=trace_forwarded)
def ip4_arp(rt: NodeRuntime, pkt: Buffer) -> int:
    """A packet for a next hop whose MAC address is not known."""
    adjacency = adjacencies[IpMeta(pkt.opaque).adj_index]
    outcome = ask(rt, pkt, adjacency.sw_if_index, adjacency.next_hop)
    return pkt.fail(ResolveError.THROTTLED + outcome, ResolveNext.DROP)


@node("ip4-glean", next=ResolveNext, trace=trace_forwarded)
def ip4_glean(rt: NodeRuntime, pkt: Buffer) -> int:
    """A packet for a host on a connected subnet of whom nothing is known."""
    adjacency = adjacencies[IpMeta(pkt.opaque).adj_index]
    outcome = ask(rt, pkt, adjacency.sw_if_index, Ip4Header(pkt.data).destination)
    return pkt.fail(GleanError.THROTTLED + outcome, ResolveNext.DROP)


# What comes of asking, counted from THROTTLED on.
THROTTLED = 0
NO_BUFFERS = ResolveError.NO_BUFFERS - ResolveError.THROTTLED
REQUEST_SENT = ResolveError.REQUEST_SENT - ResolveError.THROTTLED
NO_SOURCE_ADDRESS = ResolveError.NO_SOURCE_ADDRESS - ResolveError.THROTTLED
assert [each.name for each in ResolveError] == [each.name for each in GleanError]


@routine
def ask(rt: NodeRuntime, pkt: Buffer, sw_if_index: int, target: int) -> int:
    """Broadcast a request for ``target``. What came of it, counted from THROTTLED on."""
    sender = source_address(sw_if_index, target)
    if sender == 0:
        return NO_SOURCE_ADDRESS
    if throttled(rt.worker, sw_if_index, target):
        return THROTTLED
    index = allocate(rt.worker.cache)
    if index == 0:
        return NO_BUFFERS
    request = buffer_at(index)
    reset(request, LENGTH, sw_if_index)
    request.tx_sw_if_index = sw_if_index
    request.flags = LOCAL | L2_HDR_VALID | L3_HDR_VALID | pkt.flags & TRACED
    request.trace_id = pkt.trace_id
    write_arp(request, ArpInterface(arp_interfaces[sw_if_index]), BROADCAST, REQUEST, sender, 0, target)
    rt.send(index, sw_interfaces[sw_if_index].output_node)
    return REQUEST_SENT
