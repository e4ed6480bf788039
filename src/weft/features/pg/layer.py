"""The headers that a packet's description may name, as VPP writes them:

    IP4: 1.2.3 -> 4.5.6 vlan 2                                       an Ethernet header
    request: 02:00:00:00:00:05/10.0.0.5 -> 00:00:00:00:00:00/10.0.0.1   ARP
    UDP: 192.168.1.1 - 192.168.1.100 -> 10.0.0.1 ttl 3               an IP header
    UDP: 1234 -> 2345 length 128 checksum 0                          a UDP header
    TCP: 1234 -> 80 SYN window 512
    ICMP echo_request

A header knows what follows it. What is not given, lengths and checksums, is computed when the packet is complete.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from weft.core.model import Invalid
from weft.features.pg.edit import Edit, Range, Reader, Words, ip4, ip6, mac, number

#: Completes a layer in a packet: called with the packet, where the layer starts, and where the one in front does.
Finish = Callable[[bytearray, int, int], None]


@dataclass
class Layer:
    """A header: its bytes, the fields that vary, and how it is completed."""

    header: bytearray
    edits: list[Edit] = field(default_factory=list)
    finish: list[Finish] = field(default_factory=list)
    #: Reads what comes behind it; None: the payload.
    inner: Callable[[Words], Layer] | None = None

    def put(self, offset: int, size: int, values: Range) -> None:
        """Set a field: its first value here, the others later."""
        self.header[offset : offset + size] = values.low.to_bytes(size, "big")
        if values.period > 1:
            self.edits.append(Edit(offset, size, values))


U8, U16, U32 = number(8), number(16), number(32)

ETHERTYPES = {"IP4": 0x0800, "ARP": 0x0806, "IP6": 0x86DD, "VLAN": 0x8100, "MPLS": 0x8847}
PROTOCOLS = {"ICMP": 1, "IGMP": 2, "TCP": 6, "UDP": 17, "GRE": 47, "ICMP6": 58, "SCTP": 132}
OPCODES = {"request": 1, "reply": 2}
ICMP4_TYPES = {
    "echo_reply": (0, 0),
    "destination_unreachable": (3, 0),
    "source_quench": (4, 0),
    "redirect": (5, 0),
    "echo_request": (8, 0),
    "router_advertisement": (9, 0),
    "router_solicitation": (10, 0),
    "time_exceeded": (11, 0),
    "parameter_problem": (12, 0),
    "timestamp_request": (13, 0),
    "timestamp_reply": (14, 0),
}
ICMP6_TYPES = {
    "destination_unreachable": (1, 0),
    "packet_too_big": (2, 0),
    "time_exceeded": (3, 0),
    "parameter_problem": (4, 0),
    "echo_request": (128, 0),
    "echo_reply": (129, 0),
    "router_solicitation": (133, 0),
    "router_advertisement": (134, 0),
    "neighbor_solicitation": (135, 0),
    "neighbor_advertisement": (136, 0),
}
TCP_FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ece": 64, "cwr": 128}


def ethernet(words: Words) -> Layer:
    """``TYPE: source -> destination [vlan ID]...``"""
    ethertype = _protocol(words, ETHERTYPES, U16, "an ethertype (IP4, IP6, ARP, ... or a number)")
    layer = Layer(bytearray(14))
    layer.put(6, 6, words.range(mac, "a MAC address"))
    words.need("->", "an Ethernet header")
    layer.put(0, 6, words.range(mac, "a MAC address"))
    at = 12
    while words.take("vlan"):
        layer.header[at : at + 2] = (0x8100).to_bytes(2, "big")
        layer.header += bytes(4)
        layer.put(at + 2, 2, words.range(number(12), "a VLAN ID"))
        at += 4
    layer.header[at : at + 2] = ethertype.to_bytes(2, "big")
    layer.inner = BEHIND_ETHERNET.get(ethertype)
    return layer


def arp(words: Words) -> Layer:
    """``request: MAC/IP -> MAC/IP``"""
    opcode = _protocol(words, OPCODES, U16, "an ARP operation (request, reply or a number)")
    layer = Layer(bytearray(bytes.fromhex("0001 0800 06 04") + opcode.to_bytes(2, "big") + bytes(20)))
    for offset in (8, 18):
        if offset == 18:
            words.need("->", "an ARP packet")
        layer.put(offset, 6, words.range(mac, "a MAC address"))
        words.need("/", "an ARP packet")
        layer.put(offset + 6, 4, words.range(ip4, "an IPv4 address"))
    return layer


def ip4_header(words: Words) -> Layer:
    """``PROTOCOL: source -> destination [ttl N] [tos N] ...`` (RFC 791)."""
    protocol = _protocol(words, PROTOCOLS, U8, "an IP protocol (UDP, TCP, ICMP, ... or a number)")
    layer = Layer(bytearray(bytes.fromhex("45 00 0000 0000 0000 40 00 0000 00000000 00000000")))
    layer.header[9] = protocol
    layer.put(12, 4, words.range(ip4, "an IPv4 address"))
    words.need("->", "an IPv4 header")
    layer.put(16, 4, words.range(ip4, "an IPv4 address"))
    given = _options(layer, words, IP4_OPTIONS)
    if words.take("df"):
        layer.header[6] |= 0x40
    if words.take("mf"):
        layer.header[6] |= 0x20
    if "length" not in given:
        layer.finish.append(lambda packet, start, outer: _length(packet, start + 2, start))
    if "checksum" not in given:
        layer.finish.append(_ip4_checksum)
    layer.inner = BEHIND_IP.get(protocol)
    return layer


def ip6_header(words: Words) -> Layer:
    """``PROTOCOL: source -> destination [hop-limit N]`` (RFC 8200)."""
    protocol = _protocol(words, PROTOCOLS, U8, "an IP protocol (UDP, TCP, ICMP6, ... or a number)")
    layer = Layer(bytearray(bytes.fromhex("60000000 0000 00 40") + bytes(32)))
    layer.header[6] = protocol
    layer.put(8, 16, words.range(ip6, "an IPv6 address"))
    words.need("->", "an IPv6 header")
    layer.put(24, 16, words.range(ip6, "an IPv6 address"))
    if "length" not in _options(layer, words, IP6_OPTIONS):
        layer.finish.append(lambda packet, start, outer: _length(packet, start + 4, start + 40))
    layer.inner = BEHIND_IP.get(protocol)
    return layer


def udp(words: Words) -> Layer:
    """``UDP: port -> port [length N] [checksum N]`` (RFC 768)."""
    layer = _ports(words, "UDP", 8)
    given = _options(layer, words, {"length": (4, 2, U16), "checksum": (6, 2, U16)})
    if "length" not in given:
        layer.finish.append(lambda packet, start, outer: _length(packet, start + 4, start))
    if "checksum" not in given:
        layer.finish.append(_pseudo_checksum(17, 6))
    return layer


def tcp(words: Words) -> Layer:
    """``TCP: port -> port [SYN] [ACK] ... [seqnum N] [acknum N] [window N]`` (RFC 9293)."""
    layer = _ports(words, "TCP", 20)
    layer.header[12] = 5 << 4
    given: set[str] = set()
    while True:
        flag = TCP_FLAGS.get(words.peek().lower())
        if flag is not None:
            words.next("a flag")
            layer.header[13] |= flag
        elif not (more := _options(layer, words, TCP_OPTIONS)):
            break
        else:
            given |= more
    if "checksum" not in given:
        layer.finish.append(_pseudo_checksum(6, 16))
    return layer


TCP_OPTIONS = {
    "seqnum": (4, 4, U32),
    "acknum": (8, 4, U32),
    "flags": (13, 1, U8),
    "window": (14, 2, U16),
    "checksum": (16, 2, U16),
    "urgent": (18, 2, U16),
}
IP4_OPTIONS = {
    "tos": (1, 1, U8),
    "length": (2, 2, U16),
    "id": (4, 2, U16),
    "ttl": (8, 1, U8),
    "checksum": (10, 2, U16),
}
IP6_OPTIONS = {"length": (4, 2, U16), "hop-limit": (7, 1, U8), "ttl": (7, 1, U8)}


def icmp4(words: Words) -> Layer:
    """``ICMP echo_request [checksum N]`` (RFC 792)."""
    return _icmp(words, "ICMP", ICMP4_TYPES, _icmp4_checksum)


def icmp6(words: Words) -> Layer:
    """``ICMP6 echo_request [checksum N]`` (RFC 4443)."""
    return _icmp(words, "ICMP6", ICMP6_TYPES, _pseudo_checksum(58, 2))


def _icmp(words: Words, name: str, types: dict[str, tuple[int, int]], checksum: Finish) -> Layer:
    words.need(name, f"an {name} header")
    kind = words.next(f"an {name} type")
    if kind not in types:
        raise Invalid(f"`{kind}' is no {name} type; there are {', '.join(types)}")
    layer = Layer(bytearray([*types[kind], 0, 0]))
    if "checksum" not in _options(layer, words, {"code": (1, 1, U8), "checksum": (2, 2, U16)}):
        layer.finish.append(checksum)
    return layer


BEHIND_ETHERNET: dict[int, Callable[[Words], Layer]] = {0x0800: ip4_header, 0x0806: arp, 0x86DD: ip6_header}
BEHIND_IP: dict[int, Callable[[Words], Layer]] = {1: icmp4, 6: tcp, 17: udp, 58: icmp6}
#: Which header a packet begins with, by the node that it starts at; others take Ethernet frames.
BEGINS = {
    "ip4-input": ip4_header,
    "ip4-input-no-checksum": ip4_header,
    "ip4-lookup": ip4_header,
    "ip6-input": ip6_header,
    "ip6-lookup": ip6_header,
    "arp-input": arp,
}


# --- parts of headers


def _protocol(words: Words, names: dict[str, int], read: Reader, what: str) -> int:
    """``UDP:``; a name or a number."""
    word = words.next(what)
    name = word.removesuffix(":")
    if name == word and not words.take(":"):
        raise Invalid(f"expected {what} and `:', got `{word}'")
    try:
        return names[name] if name in names else read(name)
    except ValueError:
        raise Invalid(f"expected {what}, got `{word}'") from None


def _ports(words: Words, name: str, size: int) -> Layer:
    words.need(f"{name}:", f"a {name} header")
    layer = Layer(bytearray(size))
    layer.put(0, 2, words.range(U16, "a port"))
    words.need("->", f"a {name} header")
    layer.put(2, 2, words.range(U16, "a port"))
    return layer


def _options(layer: Layer, words: Words, known: dict[str, tuple[int, int, Reader]]) -> set[str]:
    """Read ``name value`` as long as they are known; the names that were given."""
    given = set()
    while (name := words.peek().lower()) in known:
        words.next(name)
        offset, size, read = known[name]
        layer.put(offset, size, words.range(read, f"a number for {name}"))
        given.add(name)
    return given


# --- completing packets


def _length(packet: bytearray, at: int, since: int) -> None:
    packet[at : at + 2] = (len(packet) - since & 0xFFFF).to_bytes(2, "big")


def checksum(data: bytes | bytearray, start: int = 0) -> int:
    """The Internet checksum (RFC 1071)."""
    total = start + sum(memoryview(bytes(data) + b"\0" * (len(data) & 1)).cast("H"))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int.from_bytes((~total & 0xFFFF).to_bytes(2, "little"), "big")


def _ip4_checksum(packet: bytearray, start: int, outer: int) -> None:
    packet[start + 10 : start + 12] = b"\0\0"
    packet[start + 10 : start + 12] = checksum(packet[start : start + 20]).to_bytes(2, "big")


def _icmp4_checksum(packet: bytearray, start: int, outer: int) -> None:
    packet[start + 2 : start + 4] = b"\0\0"
    packet[start + 2 : start + 4] = checksum(packet[start:]).to_bytes(2, "big")


def _pseudo_checksum(protocol: int, offset: int) -> Finish:
    """A checksum that covers the addresses of the IP header in front (RFC 768, RFC 8200 8.1)."""

    def finish(packet: bytearray, start: int, outer: int) -> None:
        addresses = packet[outer + 12 : outer + 20] if packet[outer] >> 4 == 4 else packet[outer + 8 : outer + 40]
        rest = len(packet) - start
        packet[start + offset : start + offset + 2] = b"\0\0"
        pseudo = addresses + protocol.to_bytes(4, "big") + rest.to_bytes(4, "big")
        value = checksum(pseudo + packet[start:])
        if value == 0 and protocol == 17:
            value = 0xFFFF
        packet[start + offset : start + offset + 2] = value.to_bytes(2, "big")

    return finish
