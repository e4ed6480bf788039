"""IPv6 packets as traces show them, in VPP's words."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address

from weft.core.trace import Entry
from weft.features.ethernet import format as ethernet
from weft.features.ethernet.model import IP4, IP6
from weft.features.fib.model import IpMeta
from weft.features.ip4.format import DSCP, ECN, format_protocol, format_tcp, format_udp
from weft.features.ip6.header import FLOW_LABEL, MINIMUM, TCP, UDP

#: By protocol: the lines that describe what an IPv6 packet carries, which may be cut off anywhere.
payloads: dict[int, Callable[[bytes], list[str]]] = {TCP: format_tcp, UDP: format_udp}


def format_ip6(data: bytes) -> list[str]:
    """The lines about an IPv6 packet and what it carries."""
    if len(data) < MINIMUM:
        return ["IP header truncated"]
    first, length = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:6], "big")
    traffic_class, protocol, hop_limit = (first >> 20) & 0xFF, data[6], data[7]
    dscp = DSCP.get(traffic_class >> 2, f"unknown {traffic_class >> 2}")
    lines = [
        f"{format_protocol(protocol)}: {IPv6Address(data[8:24])} -> {IPv6Address(data[24:40])}",
        f"  tos 0x{traffic_class:02x}, flow label 0x{first & FLOW_LABEL:x}, hop limit {hop_limit}, payload length "
        f"{length} dscp {dscp} ecn {ECN[traffic_class & 3]}",
    ]
    if first >> 28 != 6:
        lines.insert(1, f"  version {first >> 28}")
    carried = payloads.get(protocol)
    if carried and len(data) > MINIMUM:
        lines += carried(data[MINIMUM : MINIMUM + length])
    return lines


def trace_ip6(entry: Entry) -> str:
    """The IPv6 packet that the record starts with."""
    return "\n".join(format_ip6(_packet(entry)))


def trace_forwarded6(entry: Entry) -> str:
    """Where a packet is after a lookup, and the packet."""
    meta = IpMeta(entry.buffer.opaque)
    first = f"  fib:{meta.fib_index} adj:{meta.adj_index} flow:0x{meta.flow_hash:08x}"
    data = _packet(entry)
    shown = ethernet.payloads[IP4 if data[:1] and data[0] >> 4 == 4 else IP6]  # IPv4 has IPv6 next hops, too
    return "\n".join([first, *shown(data)])


def _packet(entry: Entry) -> bytes:
    return entry.bytes(0, min(entry.buffer.current_length, 128))


ethernet.payloads[IP6] = format_ip6
