"""ip4-icmp-echo-reply: replies to our pings go to the main thread."""

from __future__ import annotations

from weft.core.buffer import L3_HDR_VALID, Buffer
from weft.core.node import Errors, Nexts, Severity, node
from weft.core.punt import punt
from weft.core.runtime import NodeRuntime
from weft.core.trace import Entry
from weft.features.icmp.model import ECHO_REPLY, IcmpEcho, register_type
from weft.features.ip4.model import Ip4Header
from weft.features.ping.model import REPLY, waiting


class ReplyError(Errors, of="ip4-icmp-echo-reply"):
    DELIVERED = "echo replies to pings", Severity.INFO
    UNKNOWN_ID = "echo replies to nobody's request"


class ReplyNext(Nexts):
    PUNT = "punt"
    DROP = "error-drop"


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


register_type(ECHO_REPLY, "ip4-icmp-echo-reply")
