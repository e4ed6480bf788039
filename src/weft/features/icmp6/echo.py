"""ip6-icmp-echo-request: the request becomes the reply (RFC 4443 4.1, 4.2)."""

from __future__ import annotations

from weft.core.buffer import LOCAL, OFFLOAD, Buffer, buffer_at
from weft.core.memory import move, swap16
from weft.core.node import Kind, Nexts, inline, node
from weft.core.runtime import Frame, NodeRuntime, put_frame
from weft.features.fib.model import IpMeta
from weft.features.icmp.echo import HOST_TTL
from weft.features.icmp.model import IcmpHeader
from weft.features.icmp6.errors import Icmp6Error
from weft.features.icmp6.model import register_type6
from weft.features.icmp6.types import ECHO_REPLY, ECHO_REQUEST, PROTOCOL_ICMP6
from weft.features.ip4.model import update
from weft.features.ip6.checksum import layer4_sum
from weft.features.ip6.format import trace_ip6
from weft.features.ip6.header import MINIMUM, Ip6Address, Ip6Header, assign, is_multicast
from weft.features.ip6.local import layer4_start
from weft.features.ip6.lookup import route_of
from weft.features.ip6.own import source_address


class EchoNext(Nexts):
    LOAD_BALANCE = "ip6-load-balance"
    DROP = "ip6-drop"


@node("ip6-icmp-echo-request", kind=Kind.FRAME, next=EchoNext, trace=trace_ip6)
def ip6_icmp_echo_request(rt: NodeRuntime, frame: Frame) -> int:
    """Turn requests to us around. (A node of frames, so that the trace shows the request.)"""
    rt.count(Icmp6Error.ECHO_REPLIES_SENT, frame.n)
    for i in range(frame.n):
        rt.send(frame.vector[i], turn_around(rt, buffer_at(frame.vector[i])))
    put_frame(rt.worker, frame)
    return 0


@inline
def turn_around(rt: NodeRuntime, pkt: Buffer) -> int:
    """The payload stays as it is, and so does an error in its checksum. Extension headers are left behind. A request to
    a group is answered from our own address.
    """
    start = layer4_start(pkt)
    if start > MINIMUM:
        move(pkt.data + start - MINIMUM, pkt.data, MINIMUM)
        pkt.advance(start - MINIMUM)
    ip = Ip6Header(pkt.data)
    ip.payload_length = pkt.total_length - MINIMUM
    ip.next_header = PROTOCOL_ICMP6
    ip.hop_limit = HOST_TTL
    pkt.flags = pkt.flags & ~OFFLOAD | LOCAL
    icmp = IcmpHeader(ip.address + MINIMUM)
    icmp.type = ECHO_REPLY
    if is_multicast(ip.destination):
        own = source_address(pkt.rx_sw_if_index, ip.source)
        if own == 0:
            return EchoNext.DROP
        assign(ip.destination, ip.source)
        assign(ip.source, Ip6Address(own))
        icmp.checksum = 0
        icmp.checksum = swap16(layer4_sum(pkt, ip, MINIMUM, PROTOCOL_ICMP6) ^ 0xFFFF)
    else:
        swap(ip.source, ip.destination)
        icmp.checksum = update(icmp.checksum, ECHO_REQUEST << 8, ECHO_REPLY << 8)
    IpMeta(pkt.opaque).adj_index = route_of(pkt, ip.destination)
    return EchoNext.LOAD_BALANCE


@inline
def swap(one: Ip6Address, other: Ip6Address) -> None:
    """Exchange two addresses."""
    high, low = one.high, one.low
    assign(one, other)
    other.high = high
    other.low = low


register_type6(ECHO_REQUEST, "ip6-icmp-echo-request")
