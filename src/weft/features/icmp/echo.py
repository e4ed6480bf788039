"""ip4-icmp-echo-request: the request becomes the reply (RFC 792, RFC 1122 3.2.2.6)."""

from __future__ import annotations

from weft.core.buffer import LOCAL, OFFLOAD, Buffer, buffer_at
from weft.core.memory import shift_right, wrap
from weft.core.node import Kind, Nexts, inline, node
from weft.core.runtime import Frame, NodeRuntime, Worker, append_many, put_frame
from weft.features.fib.model import BY_INTERFACE, IpMeta
from weft.features.icmp.errors import IcmpError
from weft.features.icmp.model import ECHO_REPLY, ECHO_REQUEST, IcmpHeader, register_type
from weft.features.ip4.format import trace_ip4
from weft.features.ip4.model import Ip4Header, header_checksum, interfaces4, lookup, update

HOST_TTL = 64


class EchoNext(Nexts):
    LOAD_BALANCE = "ip4-load-balance"


@node("ip4-icmp-echo-request", kind=Kind.FRAME, next=EchoNext, trace=trace_ip4)
def ip4_icmp_echo_request(rt: NodeRuntime, frame: Frame) -> int:
    """Turn requests to us around. (A node of frames, so that the trace shows the request.)"""
    for i in range(frame.n):
        turn_around(rt.worker, buffer_at(frame.vector[i]))
    rt.count(IcmpError.ECHO_REPLIES_SENT, frame.n)
    append_many(rt, frame.vector.address, frame.n, EchoNext.LOAD_BALANCE)
    put_frame(rt.worker, frame)
    return 0


@inline
def turn_around(worker: Worker, pkt: Buffer) -> None:
    """The payload stays as it is, and so does an error in its checksum."""
    ip = Ip4Header(pkt.data)
    icmp = IcmpHeader(ip.address + ip.header_length)
    icmp.type = ECHO_REPLY
    icmp.checksum = update(icmp.checksum, ECHO_REQUEST << 8, ECHO_REPLY << 8)
    asker = ip.source
    ip.source = ip.destination
    ip.destination = asker
    ip.ttl = HOST_TTL
    ip.identification = shift_right(random(worker), 48)
    ip.checksum = 0
    ip.checksum = header_checksum(ip)
    pkt.flags = pkt.flags & ~OFFLOAD | LOCAL
    meta = IpMeta(pkt.opaque)
    fib_index = meta.fib_index
    if fib_index == BY_INTERFACE:
        fib_index = interfaces4[pkt.rx_sw_if_index].fib_index
    meta.adj_index = lookup(fib_index, asker)


@inline
def random(worker: Worker) -> int:
    """The worker's next random word; its upper bits are the good ones (Knuth's linear congruence)."""
    worker.random = wrap(worker.random * 6364136223846793005 + 1442695040888963407)
    return worker.random


register_type(ECHO_REQUEST, "ip4-icmp-echo-request")
