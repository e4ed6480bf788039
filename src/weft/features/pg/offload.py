"""What packets owe that come in by an interface with offloads: a checksum (RFC 1071), and to be cut."""

from __future__ import annotations

import struct

from msgspec import Struct

from weft.core.buffer import DATA_SIZE
from weft.core.view import View, u8, u16
from weft.features.ethernet.model import DOT1AD, DOT1Q, HEADER, IP4, IP6, TAG
from weft.features.gso.model import GSO_NONE, GSO_TCPV4, GSO_TCPV6, TCP_CHECKSUM, TCP_HEADER, UDP_CHECKSUM, UDP_HEADER
from weft.features.pg.device import Mode, Options

TCP, UDP = 6, 17
IP4_HEADER = struct.Struct(
    ">B1xH2xH1xBH8s"
)  # version and length, total length, fragment, protocol, checksum, addresses
IP6_HEADER = struct.Struct(">4xHB1x32s")  # payload length, next header, addresses
FRAGMENT = 0x3FFF  #: more fragments, or not the first
CHECKSUM = 10  #: where it stands in IPv4's header


class Owed(View):
    """Of one packet; all 0: nothing."""

    csum_start: u16
    csum_offset: u16
    gso_size: u16
    gso_type: u8
    pad: u8


_OWED = struct.Struct("<HHHBx")
NOTHING = bytes(Owed.size)

#: Protocol -> its header's size, and where its checksum stands.
LAYER_4 = {TCP: (TCP_HEADER, TCP_CHECKSUM), UDP: (UDP_HEADER, UDP_CHECKSUM)}


class Layers(Struct, frozen=True):
    """Where a packet's layers start, and what they say."""

    l3: int
    l4: int
    version: int
    protocol: int
    addresses: bytes
    end: int


def owe(packet: bytes, options: Options) -> tuple[bytes, bytes]:
    """A TCP or UDP packet as a sender with offloads hands it over, and the bytes of its ``Owed``: only the sum of its
    pseudo-header stands in its checksum; and if it fills more than a buffer, it is to be cut. Others owe nothing:
    fragments, what has options of IPv6, what has more behind it than zeros.
    """
    layers = _layers(packet, options.mode)
    if layers is None or layers.protocol not in LAYER_4:
        return packet, NOTHING
    size, offset = LAYER_4[layers.protocol]
    if layers.l4 + size > min(layers.end, DATA_SIZE) or any(packet[layers.end :]):
        return packet, NOTHING
    whole = bytearray(packet)
    if layers.version == 4:
        whole[layers.l3 + CHECKSUM : layers.l3 + CHECKSUM + 2] = bytes(2)
        header = _sum(bytes(whole[layers.l3 : layers.l4])) ^ 0xFFFF
        whole[layers.l3 + CHECKSUM : layers.l3 + CHECKSUM + 2] = header.to_bytes(2, "big")
    pseudo = layers.addresses + struct.pack(">II", layers.end - layers.l4, layers.protocol)
    at = layers.l4 + offset
    whole[at : at + 2] = _sum(pseudo).to_bytes(2, "big")
    kind = GSO_NONE
    if options.gso_size and layers.protocol == TCP and len(packet) > DATA_SIZE:
        kind = GSO_TCPV4 if layers.version == 4 else GSO_TCPV6
    return bytes(whole), _OWED.pack(layers.l4, offset, options.gso_size if kind else 0, kind)


def _layers(packet: bytes, mode: Mode) -> Layers | None:
    """The layers of a whole IP packet; None if it is none, or a fragment."""
    version, at = {Mode.IP4: (4, 0), Mode.IP6: (6, 0)}.get(mode) or _ethernet(packet)
    rest = packet[at:]
    if version == 4 and len(rest) >= IP4_HEADER.size:
        first, length, fragment, protocol, _, addresses = IP4_HEADER.unpack_from(rest)
        header = (first & 15) * 4
        if first >> 4 == 4 and IP4_HEADER.size <= header <= length <= len(rest) and not fragment & FRAGMENT:
            return Layers(at, at + header, 4, protocol, addresses, at + length)
    if version == 6 and len(rest) >= IP6_HEADER.size:
        length, protocol, addresses = IP6_HEADER.unpack_from(rest)
        if rest[0] >> 4 == 6 and length + IP6_HEADER.size <= len(rest):
            return Layers(at, at + IP6_HEADER.size, 6, protocol, addresses, at + IP6_HEADER.size + length)
    return None


def _ethernet(packet: bytes) -> tuple[int, int]:
    """The version of IP in a frame, 0 if there is none, and where it starts."""
    at = HEADER
    kind = int.from_bytes(packet[at - 2 : at], "big")
    while kind in (DOT1Q, DOT1AD) and at + TAG <= len(packet):
        at += TAG
        kind = int.from_bytes(packet[at - 2 : at], "big")
    return {IP4: 4, IP6: 6}.get(kind, 0), at


def _sum(data: bytes) -> int:
    """The folded sum of 16-bit words in network order."""
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total
