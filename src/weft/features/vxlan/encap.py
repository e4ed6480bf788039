"""vxlan4-encap and vxlan6-encap: into a tunnel (RFC 7348 4.1, 5). Each knows the way to its other end."""

from __future__ import annotations

from weft.core.buffer import (
    HEADROOM,
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
from weft.core.memory import copy, opaque, shift_right, swap16
from weft.core.node import Nexts, Per, inline, node, routine
from weft.core.runtime import NodeRuntime
from weft.core.view import View, i64, u32
from weft.features.fib.load_balance import follow
from weft.features.fib.model import IpMeta
from weft.features.gso.checksum import fold_few
from weft.features.gso.model import GSO_NONE
from weft.features.icmp.echo import random
from weft.features.interface.model import ADMIN_UP, NO_ETHERNET, SwInterface, sw_interfaces, tx
from weft.features.ip6.checksum import layer4_sum
from weft.features.ip6.header import MINIMUM as IP6
from weft.features.ip6.header import UDP
from weft.features.l2.flow_hash import frame_hash, packet_hash
from weft.features.vxlan.errors import ENCAP4, ENCAP6, Encap4Error, Encap6Error
from weft.features.vxlan.header import IN_FRONT, OUTER4, OUTER6, Outer4, Outer6
from weft.features.vxlan.layout import FIB_SHIFT, WAY, Tunnel, tunnels
from weft.features.vxlan.trace import trace_encap

MOST = 0xFFFF  #: bytes of an IP packet
#: Datagrams up to this size are never fragmented, and need no identification (RFC 791 3.1, RFC 6864 4.1).
WHOLE = 576
#: Source ports (RFC 7348 5): the dynamic ones of RFC 6335.
FIRST_PORT, PORTS = 0xC000, 0x3FFF
INNER_FLAGS = L2_HDR_VALID | L3_HDR_VALID | L4_HDR_VALID | VLAN_1_DEEP | VLAN_2_DEEP


class EncapNext(Nexts):
    DROP = "error-drop"
    SEGMENT = "gso-segment"
    CHECKSUM = "checksum-finish"


class MetaWords(View):
    """IpMeta as it is cleared."""

    adj_index: u32
    fib_index: u32
    rest: i64  # flow_hash is its lower half


@node("vxlan4-encap", next=EncapNext, trace=trace_encap, counts=Encap4Error.ENCAPSULATED, per=Per.TX)
def vxlan4_encap(rt: NodeRuntime, pkt: Buffer) -> int:
    """Put the headers of a tunnel over IPv4 in front."""
    counters = tx.of(rt.worker)
    itf = SwInterface(opaque(sw_interfaces[pkt.tx_sw_if_index].address))
    octets = pkt.total_length
    if stays(pkt, itf, octets, OUTER4):
        return keep_out(rt, pkt, itf, OUTER4, ENCAP4)
    tunnel = Tunnel(opaque(tunnels[itf.device].address))
    length = octets + OUTER4
    hash = flow_of(pkt, itf)
    pkt.advance(-OUTER4)
    outer = Outer4(pkt.data)
    copy(outer.address, tunnel.template, OUTER4)
    identification = 0
    if length > WHOLE:
        identification = shift_right(random(rt.worker), 48)
        outer.ip.identification = identification
    outer.ip.total_length = length
    # The template's checksum is that of a header with neither (RFC 1624).
    checksum = Outer4(tunnel.template).ip.checksum ^ 0xFFFF
    outer.ip.checksum = fold_few(checksum + identification + length) ^ 0xFFFF
    outer.udp.source = FIRST_PORT | hash & PORTS
    outer.udp.length = length - (OUTER4 - IN_FRONT)
    return leave(counters, pkt, tunnel, hash, length)


@node("vxlan6-encap", next=EncapNext, trace=trace_encap, counts=Encap6Error.ENCAPSULATED, per=Per.TX)
def vxlan6_encap(rt: NodeRuntime, pkt: Buffer) -> int:
    """The same over IPv6, where UDP has a checksum (RFC 8200 8.1)."""
    counters = tx.of(rt.worker)
    itf = SwInterface(opaque(sw_interfaces[pkt.tx_sw_if_index].address))
    octets = pkt.total_length
    if stays(pkt, itf, octets, OUTER6):
        return keep_out(rt, pkt, itf, OUTER6, ENCAP6)
    tunnel = Tunnel(opaque(tunnels[itf.device].address))
    hash = flow_of(pkt, itf)
    pkt.advance(-OUTER6)
    outer = Outer6(pkt.data)
    copy(outer.address, tunnel.template, OUTER6)
    length = octets + OUTER6
    outer.ip.payload_length = length - IP6
    outer.udp.source = FIRST_PORT | hash & PORTS
    outer.udp.length = length - IP6
    checksum = layer4_sum(pkt, outer.ip, IP6, UDP) ^ 0xFFFF
    # 0 would mean that there is none; both are the same number.
    outer.udp.checksum = swap16(checksum) if checksum != 0 else 0xFFFF
    return leave(counters, pkt, tunnel, hash, length)


@inline
def stays(pkt: Buffer, itf: SwInterface, octets: int, headers: int) -> int:
    """Whether a packet cannot go into a tunnel as it is."""
    late = (itf.flags & ADMIN_UP == 0) | (pkt.flags & OFFLOAD != 0)
    return late | (pkt.current_data < headers - HEADROOM) | (octets > MOST - headers)


@routine
def keep_out(rt: NodeRuntime, pkt: Buffer, itf: SwInterface, headers: int, family: int) -> int:
    """Where it goes instead. What it still owes it is given before nobody can see it any more; then it comes again.
    ``family``: ENCAP4 or ENCAP6, whose node's errors are meant.
    """
    rt.count(Encap4Error.ENCAPSULATED + family, -1)
    if itf.flags & ADMIN_UP == 0:
        return pkt.fail(Encap4Error.DOWN + family, EncapNext.DROP)
    if pkt.flags & OFFLOAD:
        return EncapNext.SEGMENT if pkt.gso_type != GSO_NONE else EncapNext.CHECKSUM
    error = Encap4Error.HEADROOM if pkt.current_data < headers - HEADROOM else Encap4Error.TOO_LONG
    return pkt.fail(error + family, EncapNext.DROP)


@inline
def flow_of(pkt: Buffer, itf: SwInterface) -> int:
    """The hash by which a flow keeps its way, and whose lower part is the UDP source port."""
    if itf.flags & NO_ETHERNET:
        return packet_hash(pkt)
    return frame_hash(pkt)


@inline
def leave(counters: int, pkt: Buffer, tunnel: Tunnel, hash: int, length: int) -> int:
    """Count a packet with its new headers in ``counters``, the thread's ``tx``; from now on it is one that this machine
    has made, and goes the way to the tunnel's other end.
    """
    count(counters, pkt.tx_sw_if_index, 1, length)
    pkt.flags = pkt.flags & ~INNER_FLAGS | LOCAL
    words = MetaWords(pkt.opaque)
    words.fib_index = tunnel.ident >> FIB_SHIFT
    words.rest = hash
    return follow(tunnel.address + WAY, IpMeta(pkt.opaque))
