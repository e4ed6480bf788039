"""l2-flood: a packet to all members of its bridge domain but the one that it came from."""

from __future__ import annotations

from weft.core.buffer import Buffer, buffer_at, clone
from weft.core.node import Nexts, inline, node, routine
from weft.core.runtime import NodeRuntime
from weft.features.ethernet.header import GROUP, EthernetHeader
from weft.features.interface.model import rx, sw_interfaces
from weft.features.l2.bvi import to_bvi
from weft.features.l2.errors import FloodError
from weft.features.l2.layout import Forwarded, L2Meta, Member, bridge_domains
from weft.features.l2.trace import trace_flood


class FloodNext(Nexts):
    OUTPUT = "l2-output"
    DROP = "error-drop"


@node("l2-flood", next=FloodNext, trace=trace_flood, counts=FloodError.L2FLOOD)
def l2_flood(rt: NodeRuntime, pkt: Buffer) -> int:
    """A copy to each member that is to have one, and the packet itself to the last."""
    Forwarded(pkt.opaque).rx_sw_if_index = pkt.rx_sw_if_index
    members = bridge_domains[L2Meta(pkt.opaque).context.bd_index].members
    if members.address == 0:
        return pkt.fail(FloodError.NO_MEMBERS, FloodNext.DROP)
    last = -1
    for position in range(members.count):
        if wants(rt, pkt, members.rows[position], last):
            if last >= 0:
                send_copy(rt, pkt, members.rows[last].sw_if_index)
            last = position
    if last < 0:
        return pkt.fail(FloodError.NO_MEMBERS, FloodNext.DROP)
    member = members.rows[last]
    if member.bvi:
        counters, destination = rx.of(rt.worker), EthernetHeader(pkt.data).destination
        bad_mac, bad_type = FloodError.BVI_BAD_MAC, FloodError.BVI_ETHERTYPE
        next = to_bvi(counters, pkt, destination, member.sw_if_index, bad_mac, bad_type)
        return next if next >= 0 else FloodNext.DROP
    pkt.tx_sw_if_index = member.sw_if_index
    return FloodNext.OUTPUT


@inline
def wants(rt: NodeRuntime, pkt: Buffer, member: Member, last: int) -> int:
    """Whether a member gets a packet: it did not come from there, nor from its split-horizon group. Unicast for
    somebody else needs no copy to find out that layer 3 does not take it.
    """
    if member.sw_if_index == pkt.rx_sw_if_index:
        return False
    if member.bvi and last >= 0:
        destination = EthernetHeader(pkt.data).destination
        if destination & GROUP == 0 and destination != sw_interfaces[member.sw_if_index].mac:
            rt.count(FloodError.BVI_BAD_MAC, 1)
            return False
    return member.shg == 0 or member.shg != L2Meta(pkt.opaque).context.shg


@routine
def send_copy(rt: NodeRuntime, pkt: Buffer, sw_if_index: int) -> int:
    """Send a copy out by a port."""
    index = clone(rt.worker.cache, pkt.index)
    if index == 0:
        rt.count(FloodError.REPLICATION_FAILED, 1)
        return 0
    buffer_at(index).tx_sw_if_index = sw_if_index
    rt.send(index, FloodNext.OUTPUT)
    return 1
