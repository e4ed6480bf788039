"""ip4-udp-lookup: datagrams to this machine, by port (RFC 768, RFC 1122 4.1)."""

from __future__ import annotations

from weft.core.buffer import L4_HDR_VALID, Buffer
from weft.core.node import Nexts, node
from weft.core.runtime import NodeRuntime
from weft.core.trace import Entry
from weft.features.gso.model import UDP_HEADER, UdpHeader
from weft.features.icmp.model import DESTINATION_UNREACHABLE, PORT_UNREACHABLE, icmp_error
from weft.features.ip4.errors import UdpError
from weft.features.ip4.header import Ip4Header
from weft.features.ip4.protocols import register_protocol, udp_nodes

UDP = 17
register_protocol(UDP, "ip4-udp-lookup")


class UdpNext(Nexts):
    ICMP_ERROR = "ip4-icmp-error"


def _trace_udp(entry: Entry) -> str:
    header = (entry.bytes(0, 1)[0] & 15) * 4
    start = header if entry.next == "ip4-icmp-error" else -UDP_HEADER
    data = entry.bytes(start, UDP_HEADER)
    lines = [f"UDP: src-port {int.from_bytes(data[:2], 'big')} dst-port {int.from_bytes(data[2:4], 'big')}"]
    if entry.next == "ip4-icmp-error":
        lines[0] += " (no listener)"
    return "\n".join(lines)


@node("ip4-udp-lookup", next=UdpNext, trace=_trace_udp)
def ip4_udp_lookup(rt: NodeRuntime, pkt: Buffer) -> int:
    """Hand a datagram, whose header is all there, to the node that has its port."""
    ip = Ip4Header(pkt.data)
    header = ip.header_length
    taker = udp_nodes[UdpHeader(ip.address + header).destination]
    if taker == 0:
        icmp_error(pkt, DESTINATION_UNREACHABLE, PORT_UNREACHABLE, 0)
        return pkt.fail(UdpError.NO_LISTENER, UdpNext.ICMP_ERROR)
    pkt.l4_hdr_offset = pkt.current_data + header
    pkt.flags = pkt.flags | L4_HDR_VALID
    pkt.advance(header + UDP_HEADER)
    return taker
