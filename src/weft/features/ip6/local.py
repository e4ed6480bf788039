"""ip6-receive and ip6-local: packets to this machine, checked and handed to who takes their protocol."""

from __future__ import annotations

from weft.core import arena
from weft.core.buffer import CHECKSUM_GOOD, L3_HDR_VALID, LOCAL, OFFLOAD, Buffer
from weft.core.graph import MAX_INTERFACES
from weft.core.node import Nexts, inline, node, routine
from weft.core.runtime import MAX_THREADS, NodeRuntime, Worker
from weft.core.trace import Entry
from weft.core.view import Array, View, i64, times
from weft.features.fib.load_balance import DROPS, route_balance
from weft.features.fib.load_balance import LOCAL as OURS
from weft.features.fib.model import IpMeta
from weft.features.gso.model import UDP_HEADER, UdpHeader
from weft.features.icmp.model import icmp_error
from weft.features.icmp6.types import DESTINATION_UNREACHABLE, PORT_UNREACHABLE
from weft.features.ip.trim import trim
from weft.features.ip6 import arcs
from weft.features.ip6.checksum import is_layer4_good
from weft.features.ip6.errors import Ip6Error, UdpError
from weft.features.ip6.extension import GOOD, find_layer4
from weft.features.ip6.format import trace_forwarded6
from weft.features.ip6.header import ICMP6, TCP, UDP, Ip6Address, Ip6Header, is_link_local
from weft.features.ip6.lookup import table_of
from weft.features.ip6.protocols import protocol_nodes6, register_protocol6, udp_nodes6, without_checksum
from weft.features.ip6.trie import lookup

local = arcs.local


class LastSource(View):
    """Whom a worker has looked up last. Packets of a vector often come from one host, the other end of a tunnel say."""

    round: i64  # the worker's ``now``: for as long as that it holds
    fib_index: i64
    high: i64
    low: i64
    flags: i64  # of the way there: LoadBalance.flags
    pad: Array[i64] = times(3)


last_sources = arena.table("ip6-last-sources", LastSource, MAX_THREADS)


class LocalNext(Nexts):
    DROP = "ip6-drop"
    PUNT = "ip6-punt"
    ICMP_ERROR = "ip6-icmp-error"


@node("ip6-receive", next=LocalNext, trace=trace_forwarded6)
def ip6_receive(rt: NodeRuntime, pkt: Buffer) -> int:
    """A packet to one of this machine's addresses."""
    return deliver(rt, pkt)


@node("ip6-local", next=LocalNext, trace=trace_forwarded6)
def ip6_local(rt: NodeRuntime, pkt: Buffer) -> int:
    """The same for packets that nobody has looked up."""
    return deliver(rt, pkt)


@routine
def deliver(rt: NodeRuntime, pkt: Buffer) -> int:
    """Check a packet to this machine, and go to who takes its protocol."""
    ip = Ip6Header(pkt.data)
    pkt.l3_hdr_offset = pkt.current_data
    pkt.flags = pkt.flags | L3_HDR_VALID
    if ip.total_length < pkt.total_length:
        trim(rt, pkt, ip.total_length)
    error = find_layer4(pkt, ip)
    if error < 0:
        return pkt.fail(-error, LocalNext.ICMP_ERROR)
    if error == GOOD:
        error = check_layer4(pkt, ip)
    if error == GOOD:
        error = check_source(rt.worker, pkt, ip)
    if error != GOOD:
        return pkt.fail(error, LocalNext.DROP)
    sw_if_index = pkt.rx_sw_if_index
    way = taker(pkt)
    return way if sw_if_index >= MAX_INTERFACES else local.start(pkt, sw_if_index, way)


@inline
def taker(pkt: Buffer) -> int:
    """Where packets of a protocol go."""
    found = protocol_nodes6[IpMeta(pkt.opaque).protocol]
    if found == 0:
        return pkt.fail(Ip6Error.UNKNOWN_PROTOCOL, LocalNext.PUNT)
    return found


@node("ip6-local-end-of-arc", next=LocalNext, trace=trace_forwarded6)
def ip6_local_end_of_arc(rt: NodeRuntime, pkt: Buffer) -> int:
    """A packet that has passed all features of the arc ip6-local."""
    return taker(pkt)


@inline
def layer4_start(pkt: Buffer) -> int:
    """Bytes from the packet's first to its layer 4."""
    return pkt.l4_hdr_offset - pkt.current_data


@inline
def check_layer4(pkt: Buffer, ip: Ip6Header) -> int:
    """The error of a packet whose layer 4 is not as it should be (RFC 8200 8.1)."""
    protocol = IpMeta(pkt.opaque).protocol
    if protocol == UDP:
        return check_udp(pkt, ip)
    if protocol != TCP and protocol != ICMP6:
        return GOOD
    if pkt.flags & (CHECKSUM_GOOD | OFFLOAD) or is_layer4_good(pkt, ip, layer4_start(pkt), protocol):
        return GOOD
    return Ip6Error.TCP_CHECKSUM if protocol == TCP else Ip6Error.ICMP_CHECKSUM


@inline
def check_udp(pkt: Buffer, ip: Ip6Header) -> int:
    """A datagram is as long as it says; only a tunnel's may have no checksum (RFC 6936)."""
    start = layer4_start(pkt)
    room = ip.total_length - start
    if room < UDP_HEADER or pkt.current_length < start + UDP_HEADER:
        return Ip6Error.UDP_LENGTH
    udp = UdpHeader(ip.address + start)
    if udp.length < UDP_HEADER or udp.length > room:
        return Ip6Error.UDP_LENGTH
    if pkt.flags & (CHECKSUM_GOOD | OFFLOAD):
        return GOOD
    if udp.checksum == 0:
        return GOOD if without_checksum[udp.destination] else Ip6Error.UDP_CHECKSUM
    return GOOD if is_layer4_good(pkt, ip, start, UDP) else Ip6Error.UDP_CHECKSUM


@inline
def check_source(worker: Worker, pkt: Buffer, ip: Ip6Header) -> int:
    """Nobody else may use our addresses; whom we cannot answer we do not hear, as VPP. ICMPv6 sees for itself: neighbor
    discovery has packets from nobody, and hears of addresses that two have.
    """
    if IpMeta(pkt.opaque).protocol == ICMP6 or is_link_local(ip.source):
        return GOOD
    table, source = table_of(pkt), ip.source
    last = last_sources[worker.index]
    same = (last.high == source.high) & (last.low == source.low) & (last.fib_index == table)
    if same & (last.round == worker.now):
        flags = last.flags
    else:
        flags = look_up(last, worker.now, table, source)
    if flags & OURS and pkt.flags & LOCAL == 0:
        return Ip6Error.SPOOFED_LOCAL_PACKETS
    return Ip6Error.SRC_LOOKUP_MISS if flags & DROPS else GOOD


@routine
def look_up(last: LastSource, now: int, fib_index: int, source: Ip6Address) -> int:
    """The flags of the way to somebody, who is the last one then."""
    flags = route_balance(lookup(fib_index, source)).flags
    last.round, last.fib_index, last.flags = now, fib_index, flags
    last.high, last.low = source.high, source.low
    return flags


register_protocol6(UDP, "ip6-udp-lookup")


class UdpNext(Nexts):
    ICMP_ERROR = "ip6-icmp-error"


def _trace_udp(entry: Entry) -> str:
    behind = UDP_HEADER if entry.next != "ip6-icmp-error" else 0
    start = entry.buffer.l4_hdr_offset - entry.buffer.current_data if not behind else -behind
    data = entry.bytes(start, UDP_HEADER)
    lines = [f"UDP: src-port {int.from_bytes(data[:2], 'big')} dst-port {int.from_bytes(data[2:4], 'big')}"]
    if not behind:
        lines[0] += " (no listener)"
    return "\n".join(lines)


@node("ip6-udp-lookup", next=UdpNext, trace=_trace_udp)
def ip6_udp_lookup(rt: NodeRuntime, pkt: Buffer) -> int:
    """Hand a datagram, whose header is all there, to the node that has its port."""
    start = layer4_start(pkt)
    found = udp_nodes6[UdpHeader(pkt.data + start).destination]
    if found == 0:
        icmp_error(pkt, DESTINATION_UNREACHABLE, PORT_UNREACHABLE, 0)
        return pkt.fail(UdpError.NO_LISTENER, UdpNext.ICMP_ERROR)
    pkt.advance(start + UDP_HEADER)
    return found
