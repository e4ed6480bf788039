"""ip4-vxlan-bypass and ip6-vxlan-bypass: datagrams of tunnels go to them without a look into the routing table."""

from __future__ import annotations

from weft.core.buffer import L3_HDR_VALID, Buffer
from weft.core.graph import feature, next_feature
from weft.core.node import Nexts, Per, inline, node
from weft.core.runtime import NodeRuntime
from weft.features.fib.model import IpMeta
from weft.features.ip.trim import trim
from weft.features.ip4 import arcs as arcs4
from weft.features.ip4.header import FRAGMENT_OFFSET, MINIMUM, MORE_FRAGMENTS
from weft.features.ip4.local import GOOD, UDP
from weft.features.ip4.local import check_udp as check_udp4
from weft.features.ip6 import arcs as arcs6
from weft.features.ip6.local import check_udp as check_udp6
from weft.features.vxlan.find import KNOWN, NONE, find4, find6
from weft.features.vxlan.header import OUTER4, OUTER6, VXLAN, Outer4, Outer6
from weft.features.vxlan.trace import trace_bypass


class Bypass4Next(Nexts):
    DROP = "error-drop"
    VXLAN = "vxlan4-input"


class Bypass6Next(Nexts):
    DROP = "error-drop"
    VXLAN = "vxlan6-input"


@node("ip4-vxlan-bypass", next=Bypass4Next, trace=trace_bypass, per=Per.RX)
def ip4_vxlan_bypass(rt: NodeRuntime, pkt: Buffer) -> int:
    """Headers without options come here only. What belongs to no tunnel goes on as if nothing were."""
    outer = Outer4(pkt.data)
    ip = outer.ip
    whole = ip.fragment & (FRAGMENT_OFFSET | MORE_FRAGMENTS) == 0
    if (pkt.current_length < OUTER4) | (ip.protocol != UDP) | (whole == 0):
        return next_feature(pkt)
    found = find4(rt.worker, pkt, ip, outer.udp.destination, outer.vxlan.vni_reserved)
    if found == NONE:
        return next_feature(pkt)
    if ip.total_length < pkt.total_length:
        trim(rt, pkt, ip.total_length)
    error = check_udp4(pkt, ip, MINIMUM)
    if error != GOOD:
        return pkt.fail(error, Bypass4Next.DROP)
    enter(pkt, OUTER4 - VXLAN, found)
    return Bypass4Next.VXLAN


@node("ip6-vxlan-bypass", next=Bypass6Next, trace=trace_bypass, per=Per.RX)
def ip6_vxlan_bypass(rt: NodeRuntime, pkt: Buffer) -> int:
    """The same over IPv6, for packets without extension headers."""
    outer = Outer6(pkt.data)
    ip = outer.ip
    if (pkt.current_length < OUTER6) | (ip.next_header != UDP):
        return next_feature(pkt)
    found = find6(rt.worker, pkt, ip, outer.udp.destination, outer.vxlan.vni_reserved)
    if found == NONE:
        return next_feature(pkt)
    if ip.total_length < pkt.total_length:
        trim(rt, pkt, ip.total_length)
    pkt.l4_hdr_offset = pkt.current_data + outer.udp.address - outer.address
    IpMeta(pkt.opaque).protocol = UDP
    error = check_udp6(pkt, ip)
    if error != GOOD:
        return pkt.fail(error, Bypass6Next.DROP)
    enter(pkt, OUTER6 - VXLAN, found)
    return Bypass6Next.VXLAN


@inline
def enter(pkt: Buffer, headers: int, found: int) -> None:
    """To the VXLAN header, remembering where IP's is, and whose tunnel it is."""
    meta = IpMeta(pkt.opaque)
    meta.adj_index = found
    meta.flags = KNOWN
    pkt.l3_hdr_offset = pkt.current_data
    pkt.flags = pkt.flags | L3_HDR_VALID
    pkt.advance(headers)


feature("ip4-unicast", "ip4-vxlan-bypass", before=(arcs4.NOT_ENABLED,))
feature("ip6-unicast", "ip6-vxlan-bypass", before=(arcs6.NOT_ENABLED,))
