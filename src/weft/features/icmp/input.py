"""ip4-icmp-input: ICMP messages to this machine, to the node that takes their type."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.node import Nexts, node
from weft.core.runtime import NodeRuntime
from weft.features.icmp.errors import IcmpError
from weft.features.icmp.format import format_icmp
from weft.features.icmp.model import ICMP_HEADER, PROTOCOL_ICMP, IcmpHeader, type_nodes
from weft.features.ip4.format import payloads, trace_ip4
from weft.features.ip4.model import Ip4Header, register_protocol


class InputNext(Nexts):
    DROP = "ip4-drop"
    PUNT = "ip4-punt"


@node("ip4-icmp-input", next=InputNext, trace=trace_ip4)
def ip4_icmp_input(rt: NodeRuntime, pkt: Buffer) -> int:
    """Take a message that is complete as far as its header."""
    ip = Ip4Header(pkt.data)
    header = ip.header_length
    if pkt.current_length < header + ICMP_HEADER or ip.total_length < header + ICMP_HEADER:
        return pkt.fail(IcmpError.LENGTH_TOO_SMALL_FOR_TYPE, InputNext.DROP)
    taker = type_nodes[IcmpHeader(ip.address + header).type]
    if taker == 0:
        return pkt.fail(IcmpError.UNKNOWN_TYPE, InputNext.PUNT)
    return taker


register_protocol(PROTOCOL_ICMP, "ip4-icmp-input")
payloads[PROTOCOL_ICMP] = format_icmp
