"""ip4-icmp-echo-reply: replies to our pings go to the main thread. ping4-output: its requests go into a table."""

from __future__ import annotations

from weft.core.buffer import L3_HDR_VALID, NO_INTERFACE, Buffer
from weft.core.node import Errors, Nexts, Severity, node
from weft.core.punt import punt
from weft.core.runtime import NodeRuntime
from weft.core.trace import Entry, unseen
from weft.features.fib.model import IpMeta
from weft.features.icmp.model import ECHO_REPLY, IcmpEcho, register_type
from weft.features.icmp6.model import register_type6
from weft.features.icmp6.types import ECHO_REPLY as ECHO_REPLY6
from weft.features.ip4.model import Ip4Header
from weft.features.ip6.format import trace_ip6
from weft.features.ip6.header import MINIMUM
from weft.features.ip6.local import layer4_start
from weft.features.ping.model import REPLY, waiting


class ReplyError(Errors, of="ip4-icmp-echo-reply"):
    DELIVERED = "echo replies to pings", Severity.INFO
    UNKNOWN_ID = "echo replies to nobody's request"


class ReplyNext(Nexts):
    PUNT = "punt"
    DROP = "ip4-drop"


def _trace_reply(entry: Entry) -> str:
    header = (entry.bytes(0, 1)[0] & 15) * 4
    echo = entry.bytes(header + 4, 4)
    id, sequence = int.from_bytes(echo[:2], "big"), int.from_bytes(echo[2:], "big")
    return f"ICMP4 echo id {id} seq {sequence}{'' if entry.next == 'punt' else ' (unknown)'}"


@node("ip4-icmp-echo-reply", next=ReplyNext, trace=_trace_reply)
def ip4_icmp_echo_reply(rt: NodeRuntime, pkt: Buffer) -> int:
    """Whether somebody waits for it. (``ip4-icmp-input`` has seen to its length.)"""
    ip = Ip4Header(pkt.data)
    if waiting[IcmpEcho(ip.address + ip.header_length).id] == 0:
        return pkt.fail(ReplyError.UNKNOWN_ID, ReplyNext.DROP)
    pkt.l3_hdr_offset = pkt.current_data
    pkt.flags = pkt.flags | L3_HDR_VALID
    rt.count(ReplyError.DELIVERED, 1)
    return punt(pkt, REPLY, ReplyNext.PUNT)


class OutputNext(Nexts):
    LOOKUP = "ip4-lookup"


@node("ping4-output", next=OutputNext, trace=unseen)
def ping4_output(rt: NodeRuntime, pkt: Buffer) -> int:
    """A request from the main thread, which has put the table's number into ``tx_sw_if_index``, as VPP does."""
    meta = IpMeta(pkt.opaque)
    meta.fib_index = pkt.tx_sw_if_index
    meta.flow_hash = 0
    pkt.tx_sw_if_index = NO_INTERFACE
    return OutputNext.LOOKUP


class Reply6Error(Errors, of="ip6-icmp-echo-reply"):
    DELIVERED = "echo replies to pings", Severity.INFO
    UNKNOWN_ID = "echo replies to nobody's request"


class Reply6Next(Nexts):
    PUNT = "punt"
    DROP = "ip6-drop"


@node("ip6-icmp-echo-reply", next=Reply6Next, trace=trace_ip6)
def ip6_icmp_echo_reply(rt: NodeRuntime, pkt: Buffer) -> int:
    """The same for IPv6; behind extension headers no reply is expected."""
    start = layer4_start(pkt)
    if start != MINIMUM or waiting[IcmpEcho(pkt.data + start).id] == 0:
        return pkt.fail(Reply6Error.UNKNOWN_ID, Reply6Next.DROP)
    rt.count(Reply6Error.DELIVERED, 1)
    return punt(pkt, REPLY, Reply6Next.PUNT)


class Output6Next(Nexts):
    LOOKUP = "ip6-lookup"


@node("ping6-output", next=Output6Next, trace=unseen)
def ping6_output(rt: NodeRuntime, pkt: Buffer) -> int:
    """The same as ``ping4-output``; the packet has its interface as if it had come by it, for the link's table."""
    meta = IpMeta(pkt.opaque)
    meta.fib_index = pkt.tx_sw_if_index
    meta.flow_hash = 0
    meta.flags = 0
    pkt.tx_sw_if_index = NO_INTERFACE
    return Output6Next.LOOKUP


register_type(ECHO_REPLY, "ip4-icmp-echo-reply")
register_type6(ECHO_REPLY6, "ip6-icmp-echo-reply")
