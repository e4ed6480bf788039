"""vxlan4-input and vxlan6-input: out of a tunnel (RFC 7348 4.1, 5)."""

from __future__ import annotations

from weft.core.buffer import (
    CHECKSUM_GOOD,
    L2_HDR_VALID,
    L3_HDR_VALID,
    L4_HDR_VALID,
    LOCAL,
    OFFLOAD,
    VLAN_1_DEEP,
    VLAN_2_DEEP,
    Buffer,
)
from weft.core.counters import count
from weft.core.memory import opaque
from weft.core.node import Nexts, inline, node, routine
from weft.core.runtime import NodeRuntime
from weft.features.ethernet.header import HEADER, SMALLEST_TAG, EthernetHeader
from weft.features.fib.model import IpMeta
from weft.features.gso.model import UDP_HEADER, UdpHeader, is_gso
from weft.features.interface.model import rx
from weft.features.ip4.header import Ip4Header
from weft.features.ip6.header import Ip6Header
from weft.features.vxlan.errors import INPUT4, INPUT6, Input4Error, Input6Error
from weft.features.vxlan.find import GROUP_SHIFT, KNOWN, NONE, find4, find6
from weft.features.vxlan.header import VNI_VALID, VXLAN, VxlanHeader
from weft.features.vxlan.layout import BY_VERSION, UP, Tunnel, tunnels
from weft.features.vxlan.trace import trace_input

GOOD = 0  #: no error: NoError.NONE
#: What the frame inside has nothing to do with.
OUTER_FLAGS = LOCAL | VLAN_1_DEEP | VLAN_2_DEEP | L2_HDR_VALID | L3_HDR_VALID | L4_HDR_VALID | CHECKSUM_GOOD
INDEX = (1 << GROUP_SHIFT) - 1


class InputNext(Nexts):
    """The first two are numbered as VPP's; they and what follows are what ``decap-next`` may be."""

    DROP = "error-drop"
    L2 = "l2-input"
    ETHERNET = "ethernet-input"
    IP4 = "ip4-input"
    IP6 = "ip6-input"


@node("vxlan4-input", next=InputNext, trace=trace_input, counts=Input4Error.DECAPSULATED)
def vxlan4_input(rt: NodeRuntime, pkt: Buffer) -> int:
    """Find the tunnel of a datagram over IPv4, if the bypass has not yet, and let the frame in it come in by that."""
    counters = rx.of(rt.worker)
    header = VxlanHeader(pkt.data)
    if is_bad(pkt, header):
        return bad(rt, pkt, INPUT4)
    found = IpMeta(pkt.opaque).adj_index
    if IpMeta(pkt.opaque).flags & KNOWN == 0:
        ip = Ip4Header(pkt.data + pkt.l3_hdr_offset - pkt.current_data)
        found = find4(rt.worker, pkt, ip, UdpHeader(header.address - UDP_HEADER).destination, header.vni_reserved)
    return come_out(rt, pkt, counters, found, INPUT4)


@node("vxlan6-input", next=InputNext, trace=trace_input, counts=Input6Error.DECAPSULATED)
def vxlan6_input(rt: NodeRuntime, pkt: Buffer) -> int:
    """The same over IPv6."""
    counters = rx.of(rt.worker)
    header = VxlanHeader(pkt.data)
    if is_bad(pkt, header):
        return bad(rt, pkt, INPUT6)
    found = IpMeta(pkt.opaque).adj_index
    if IpMeta(pkt.opaque).flags & KNOWN == 0:
        ip = Ip6Header(pkt.data + pkt.l3_hdr_offset - pkt.current_data)
        found = find6(rt.worker, pkt, ip, UdpHeader(header.address - UDP_HEADER).destination, header.vni_reserved)
    return come_out(rt, pkt, counters, found, INPUT6)


@inline
def is_bad(pkt: Buffer, header: VxlanHeader) -> int:
    """Whether a datagram is no VXLAN, as far as can be seen without its tunnel."""
    return (pkt.current_length < VXLAN) | (header.flags != VNI_VALID)


@routine
def bad(rt: NodeRuntime, pkt: Buffer, family: int) -> int:
    """What becomes of it. ``family``, here and below: INPUT4 or INPUT6, whose node's errors are meant."""
    return refuse(rt, pkt, Input4Error.TOO_SHORT if pkt.current_length < VXLAN else Input4Error.BAD_FLAGS, family)


@inline
def come_out(rt: NodeRuntime, pkt: Buffer, counters: int, found: int, family: int) -> int:
    """A datagram of the tunnel ``found``, which may be NONE."""
    if found == NONE:
        return refuse(rt, pkt, Input4Error.NO_SUCH_TUNNEL, family)
    tunnel = Tunnel(opaque(tunnels[found & INDEX].address))
    flags = pkt.flags
    if (tunnel.flags == UP) & (flags & OFFLOAD == 0):
        come_in(counters, pkt, flags, tunnel, found)
        return tunnel.decap_next
    return unusual(rt, pkt, found, family)


@routine
def refuse(rt: NodeRuntime, pkt: Buffer, error: int, family: int) -> int:
    """Drop a packet, which has been counted as a good one."""
    rt.count(Input4Error.DECAPSULATED + family, -1)
    return pkt.fail(error + family, InputNext.DROP)


@routine
def own_offload(pkt: Buffer) -> int:
    """See to what a packet still owes: nothing, if that was a checksum of what is taken off now. 0 if it is several
    datagrams at once.
    """
    if pkt.flags & OFFLOAD == 0 or pkt.csum_start - pkt.current_data >= VXLAN:
        return 1
    if is_gso(pkt):
        return 0
    pkt.flags = pkt.flags & ~OFFLOAD
    return 1


@routine
def unusual(rt: NodeRuntime, pkt: Buffer, found: int, family: int) -> int:
    """What is done with packets that owe something, and with those of a tunnel that is down or has no layer 2."""
    tunnel = tunnels[found & INDEX]
    if tunnel.flags & UP == 0:
        return refuse(rt, pkt, Input4Error.DOWN, family)
    if own_offload(pkt) == 0:
        return refuse(rt, pkt, Input4Error.SEGMENTS, family)
    come_in(rx.of(rt.worker), pkt, pkt.flags, tunnel, found)
    if tunnel.flags & BY_VERSION:
        return InputNext.IP6 if Ip6Header(pkt.data).version == 6 else InputNext.IP4
    return tunnel.decap_next


@inline
def come_in(counters: int, pkt: Buffer, flags: int, tunnel: Tunnel, found: int) -> None:
    """Take the headers off, and count the packet in ``counters``, the thread's ``rx``. What was sent to a group is
    counted at the group's tunnel, and learned behind the one to who has sent it.
    """
    start = pkt.current_data + VXLAN
    length = pkt.current_length - VXLAN
    pkt.current_data = start
    pkt.current_length = length
    sw_if_index = tunnel.sw_if_index
    counted = sw_if_index
    if found > INDEX:
        counted = tunnels[found >> GROUP_SHIFT].sw_if_index
    count(counters, counted, 1, pkt.total_length)
    pkt.rx_sw_if_index = sw_if_index
    # Checked is what carried the frame; what it carries itself is checked only if that is still owed.
    flags = flags & ~OUTER_FLAGS | (flags & OFFLOAD != 0) * CHECKSUM_GOOD
    if (length >= HEADER) & (EthernetHeader(pkt.data).ethertype < SMALLEST_TAG):
        pkt.l2_len = HEADER
        pkt.l2_hdr_offset = start
        flags |= L2_HDR_VALID
    pkt.flags = flags
