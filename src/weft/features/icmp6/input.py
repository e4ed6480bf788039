"""ip6-icmp-input: ICMPv6 messages to this machine, to the node that takes their type (RFC 4443 2.4)."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.node import Nexts, node
from weft.core.runtime import NodeRuntime
from weft.features.icmp.model import ICMP_HEADER, IcmpHeader
from weft.features.icmp6.errors import Icmp6Error
from weft.features.icmp6.format import format_icmp6
from weft.features.icmp6.model import type_nodes6
from weft.features.icmp6.types import PROTOCOL_ICMP6
from weft.features.ip6.format import payloads, trace_ip6
from weft.features.ip6.local import layer4_start
from weft.features.ip6.model import register_protocol6


class InputNext(Nexts):
    DROP = "ip6-drop"
    PUNT = "ip6-punt"


@node("ip6-icmp-input", next=InputNext, trace=trace_ip6)
def ip6_icmp_input(rt: NodeRuntime, pkt: Buffer) -> int:
    """Take a message that is complete as far as its header."""
    start = layer4_start(pkt)
    if pkt.current_length < start + ICMP_HEADER:
        return pkt.fail(Icmp6Error.LENGTH_TOO_SMALL_FOR_TYPE, InputNext.DROP)
    taker = type_nodes6[IcmpHeader(pkt.data + start).type]
    if taker == 0:
        return pkt.fail(Icmp6Error.UNKNOWN_TYPE, InputNext.PUNT)
    return taker


register_protocol6(PROTOCOL_ICMP6, "ip6-icmp-input")
payloads[PROTOCOL_ICMP6] = format_icmp6
