"""IPv4 packets as traces show them, in VPP's words."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

from weft.core.trace import Entry
from weft.features.ethernet import format as ethernet
from weft.features.ethernet.model import IP4
from weft.features.fib.model import IpMeta
from weft.features.ip4.header import DONT_FRAGMENT, FRAGMENT_OFFSET, MINIMUM, MORE_FRAGMENTS, VERSION_IHL

#: https://www.iana.org/assignments/protocol-numbers, those that VPP names.
PROTOCOLS = {
    0: "IP6_HOP_BY_HOP_OPTIONS",
    1: "ICMP",
    2: "IGMP",
    4: "IP_IN_IP",
    6: "TCP",
    17: "UDP",
    41: "IPV6",
    43: "IPV6_ROUTE",
    44: "IPV6_FRAGMENTATION",
    46: "RSVP",
    47: "GRE",
    50: "IPSEC_ESP",
    51: "IPSEC_AH",
    58: "ICMP6",
    59: "IP6_NONXT",
    60: "IP6_DESTINATION_OPTIONS",
    88: "EIGRP",
    89: "OSPF",
    103: "PIM",
    108: "IPCOMP",
    112: "VRRP",
    115: "L2TP",
    132: "SCTP",
    136: "UDP_LITE",
    137: "MPLS_IN_IP",
}
#: RFC 2474, RFC 2597, RFC 3246.
DSCP = {0: "CS0", 8: "CS1", 16: "CS2", 24: "CS3", 32: "CS4", 40: "CS5", 48: "CS6", 56: "CS7", 46: "EF"} | {
    8 * group + 2 * drop: f"AF{group}{drop}" for group in (1, 2, 3, 4) for drop in (1, 2, 3)
}
#: RFC 3168 5.
ECN = ("NON_ECN", "ECT_1", "ECT_0", "CE")
FLAGS = ((MORE_FRAGMENTS, "MORE_FRAGMENTS"), (DONT_FRAGMENT, "DONT_FRAGMENT"), (0x8000, "CONGESTION"))
TCP_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
TCP, UDP = 6, 17
TCP_HEADER, UDP_HEADER = 20, 8

#: By protocol: the lines that describe what an IPv4 packet carries, which may be cut off anywhere.
payloads: dict[int, Callable[[bytes], list[str]]] = {}


def format_protocol(number: int) -> str:
    return PROTOCOLS.get(number, f"unknown {number}")


def format_ip4(data: bytes) -> list[str]:
    """The lines about an IPv4 packet and what it carries."""
    if len(data) < MINIMUM:
        return ["IP header truncated"]
    tos, ttl, protocol = data[1], data[8], data[9]
    length, identification, fragment, checksum = (int.from_bytes(data[at : at + 2], "big") for at in (2, 4, 6, 10))
    header = (data[0] & 15) * 4
    lines = [f"{format_protocol(protocol)}: {IPv4Address(data[12:16])} -> {IPv4Address(data[16:20])}"]
    if data[0] != VERSION_IHL:
        lines.append(f"  version {data[0] >> 4}, header length {header}")
    right = header_sum(data[:header]) if MINIMUM <= header <= len(data) else checksum
    should = "" if checksum == right else f" (should be 0x{right:04x})"
    dscp = DSCP.get(tos >> 2, f"unknown {tos >> 2}")
    lines.append(
        f"  tos 0x{tos:02x}, ttl {ttl}, length {length}, checksum 0x{checksum:04x}{should} "
        f"dscp {dscp} ecn {ECN[tos & 3]}"
    )
    offset = (fragment & FRAGMENT_OFFSET) * 8
    flags = "".join(name for flag, name in FLAGS if fragment & flag)
    lines.append(
        f"  fragment id 0x{identification:04x}"
        + (f" offset {offset}" if offset else "")
        + (f", flags {flags}" if flags else "")
    )
    carried = payloads.get(protocol)
    if carried and not offset and len(data) > header >= MINIMUM:
        lines += carried(data[header : max(length, header)])
    return lines


def header_sum(header: bytes) -> int:
    """The checksum that a header should have."""
    total = sum(int.from_bytes(header[at : at + 2], "big") for at in range(0, len(header), 2) if at != 10)
    total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF ^ ((total & 0xFFFF) + (total >> 16))


def format_udp(data: bytes) -> list[str]:
    if len(data) < UDP_HEADER:
        return ["UDP header truncated"]
    source, destination, length, checksum = (int.from_bytes(data[at : at + 2], "big") for at in range(0, 8, 2))
    return [f"UDP: {source} -> {destination}", f"  length {length}, checksum 0x{checksum:04x}"]


def format_tcp(data: bytes) -> list[str]:
    if len(data) < TCP_HEADER:
        return ["TCP header truncated"]
    source, destination, window, checksum = (int.from_bytes(data[at : at + 2], "big") for at in (0, 2, 14, 16))
    sequence, acknowledged = (int.from_bytes(data[at : at + 4], "big") for at in (4, 8))
    flags = " ".join(name for bit, name in enumerate(TCP_FLAGS) if data[13] >> bit & 1)
    return [
        f"TCP: {source} -> {destination}",
        f"  seq. 0x{sequence:08x} ack 0x{acknowledged:08x}",
        f"  flags 0x{data[13]:02x} {flags}".rstrip() + f", tcp header: {(data[12] >> 4) * 4} bytes",
        f"  window {window}, checksum 0x{checksum:04x}",
    ]


def trace_ip4(entry: Entry) -> str:
    """The IPv4 packet that the record starts with."""
    return "\n".join(format_ip4(_packet(entry)))


def trace_forwarded(entry: Entry) -> str:
    """Where a packet is after a lookup, and the packet: what ``ip4-receive``, ``ip4-arp`` and ``ip4-drop`` show."""
    meta = IpMeta(entry.buffer.opaque)
    first = f"  fib:{meta.fib_index} adj:{meta.adj_index} flow:0x{meta.flow_hash:08x}"
    return "\n".join([first, *format_ip4(_packet(entry))])


def _packet(entry: Entry) -> bytes:
    """The packet from its IP header on, also where a layer-4 node has gone behind it."""
    return entry.bytes(0, min(entry.buffer.current_length, 128))


payloads[TCP] = format_tcp
payloads[UDP] = format_udp
ethernet.payloads[IP4] = format_ip4
