"""igmp-input: queries of routers and switches, for the main thread."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.node import Errors, Nexts, node
from weft.core.punt import punt
from weft.core.runtime import NodeRuntime
from weft.features.igmp.model import QUERIED
from weft.features.igmp.packet import (
    IGMP,
    IGMP_HEADER,
    LEAVE_2,
    QUERY,
    REPORT_1,
    REPORT_2,
    REPORT_3,
    IgmpHeader,
)
from weft.features.ip4.format import payloads, trace_ip4
from weft.features.ip4.model import Ip4Header, register_protocol


class IgmpError(Errors, of="igmp-input"):
    UNKNOWN_TYPE = "unknown type"
    LENGTH = "packets that end in the igmp header"
    OTHERS = "reports of other hosts"


class InputNext(Nexts):
    PUNT = "punt"
    DROP = "ip4-drop"


@node("igmp-input", next=InputNext, trace=trace_ip4)
def igmp_input(rt: NodeRuntime, pkt: Buffer) -> int:
    """Others' reports are no news to a host."""
    ip = Ip4Header(pkt.data)
    header = ip.header_length
    if pkt.current_length < header + IGMP_HEADER or ip.total_length < header + IGMP_HEADER:
        return pkt.fail(IgmpError.LENGTH, InputNext.DROP)
    kind = IgmpHeader(ip.address + header).type
    if kind == QUERY:
        return punt(pkt, QUERIED, InputNext.PUNT)
    known = (kind == REPORT_1) | (kind == REPORT_2) | (kind == LEAVE_2) | (kind == REPORT_3)
    return pkt.fail(IgmpError.OTHERS if known else IgmpError.UNKNOWN_TYPE, InputNext.DROP)


def _format(data: bytes) -> list[str]:
    """The line about a message in a trace."""
    return [f"IGMP type 0x{data[0]:x}" if data else "IGMP header truncated"]


register_protocol(IGMP, "igmp-input")
payloads[IGMP] = _format
