"""ip4-receive and ip4-local: packets to this machine, checked and handed to who takes their protocol."""

from __future__ import annotations

from weft.core import arena
from weft.core.buffer import (
    CHECKSUM_GOOD,
    L3_HDR_VALID,
    LOCAL,
    OFFLOAD,
    Buffer,
)
from weft.core.graph import MAX_INTERFACES
from weft.core.node import Nexts, inline, node, routine
from weft.core.runtime import MAX_THREADS, NodeRuntime, Worker
from weft.core.view import Array, View, i64, times
from weft.features.fib.load_balance import DROPS, route_balance
from weft.features.fib.load_balance import LOCAL as OURS
from weft.features.gso.model import UDP_HEADER, UdpHeader
from weft.features.ip.trim import trim
from weft.features.ip4 import arcs
from weft.features.ip4.checksum import is_layer4_good
from weft.features.ip4.errors import Ip4Error
from weft.features.ip4.format import trace_forwarded
from weft.features.ip4.header import FRAGMENT_OFFSET, MORE_FRAGMENTS, Ip4Header
from weft.features.ip4.lookup import table_of
from weft.features.ip4.mtrie import lookup
from weft.features.ip4.protocols import protocol_nodes

local = arcs.local
IGMP, TCP, UDP = 2, 6, 17
BROADCAST = 0xFFFFFFFF
GOOD = 0  #: no error: NoError.NONE


class LastSource(View):
    """Whom a worker has looked up last. Packets of a vector often come from one host, the other end of a tunnel say."""

    round: i64  # the worker's ``now``: for as long as that it holds
    who: i64  # fib_index << 32 | source
    flags: i64  # of the way there: LoadBalance.flags
    pad: Array[i64] = times(5)


last_sources = arena.table("ip4-last-sources", LastSource, MAX_THREADS)


class LocalNext(Nexts):
    DROP = "ip4-drop"
    PUNT = "ip4-punt"


@node("ip4-receive", next=LocalNext, trace=trace_forwarded)
def ip4_receive(rt: NodeRuntime, pkt: Buffer) -> int:
    """A packet to one of this machine's addresses."""
    return deliver(rt, pkt)


@node("ip4-local", next=LocalNext, trace=trace_forwarded)
def ip4_local(rt: NodeRuntime, pkt: Buffer) -> int:
    """The same for packets that nobody has looked up."""
    return deliver(rt, pkt)


@inline
def deliver(rt: NodeRuntime, pkt: Buffer) -> int:
    """Check a packet to this machine, and go to who takes its protocol."""
    ip = Ip4Header(pkt.data)
    pkt.l3_hdr_offset = pkt.current_data
    pkt.flags = pkt.flags | L3_HDR_VALID
    if ip.fragment & (FRAGMENT_OFFSET | MORE_FRAGMENTS):
        return pkt.fail(Ip4Error.FRAGMENT, LocalNext.DROP)
    if ip.total_length < pkt.total_length:
        trim(rt, pkt, ip.total_length)
    error = check_layer4(pkt, ip)
    if error == GOOD:
        error = check_source(rt.worker, pkt, ip)
    if error != GOOD:
        return pkt.fail(error, LocalNext.DROP)
    sw_if_index = pkt.rx_sw_if_index
    way = taker(pkt, ip)
    return way if sw_if_index >= MAX_INTERFACES else local.start(pkt, sw_if_index, way)


@inline
def taker(pkt: Buffer, ip: Ip4Header) -> int:
    """Where packets of a protocol go."""
    found = protocol_nodes[ip.protocol]
    if found == 0:
        return pkt.fail(Ip4Error.UNKNOWN_PROTOCOL, LocalNext.PUNT)
    return found


@node("ip4-local-end-of-arc", next=LocalNext, trace=trace_forwarded)
def ip4_local_end_of_arc(rt: NodeRuntime, pkt: Buffer) -> int:
    """A packet that has passed all features of the arc ip4-local."""
    return taker(pkt, Ip4Header(pkt.data))


@inline
def check_layer4(pkt: Buffer, ip: Ip4Header) -> int:
    """The error of a packet whose layer 4 is not as it should be (RFC 1122 4.1.3.4, 4.2.2.7)."""
    if ip.protocol == UDP:
        return check_udp(pkt, ip, ip.header_length)
    if ip.protocol == TCP and pkt.flags & (CHECKSUM_GOOD | OFFLOAD) == 0 and is_layer4_good(pkt, ip) == 0:
        return Ip4Error.TCP_CHECKSUM
    return GOOD


@inline
def check_udp(pkt: Buffer, ip: Ip4Header, header: int) -> int:
    """A datagram may be shorter than the packet; its checksum may be missing (RFC 768). ``header``: bytes of IP's."""
    room = ip.total_length - header
    if room < UDP_HEADER or pkt.current_length < header + UDP_HEADER:
        return Ip4Error.UDP_LENGTH
    udp = UdpHeader(ip.address + header)
    length = udp.length
    if length < UDP_HEADER or length > room:
        return Ip4Error.UDP_LENGTH
    if udp.checksum == 0 or pkt.flags & (CHECKSUM_GOOD | OFFLOAD):
        return GOOD
    return GOOD if is_layer4_good(pkt, ip) else Ip4Error.UDP_CHECKSUM


@inline
def check_source(worker: Worker, pkt: Buffer, ip: Ip4Header) -> int:
    """Nobody else may use our addresses; whom we cannot answer we do not hear, as VPP; but for
    broadcasts, and for IGMP: a switch without an address asks from 0.0.0.0 (RFC 4541 2.1.1).
    """
    who = table_of(pkt) << 32 | ip.source
    last = last_sources[worker.index]
    if (last.who == who) & (last.round == worker.now):
        flags = last.flags
    else:
        flags = look_up(last, worker.now, who)
    if flags & OURS and pkt.flags & LOCAL == 0:
        return Ip4Error.SPOOFED_LOCAL_PACKETS
    if flags & DROPS and ip.destination != BROADCAST and ip.protocol != IGMP:
        return Ip4Error.SRC_LOOKUP_MISS
    return GOOD


@routine
def look_up(last: LastSource, now: int, who: int) -> int:
    """The flags of the way to somebody, who is the last one then."""
    flags = route_balance(lookup(who >> 32, who & 0xFFFFFFFF)).flags
    last.round, last.who, last.flags = now, who, flags
    return flags
