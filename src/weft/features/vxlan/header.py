"""VXLAN as it stands in a packet (RFC 7348 5), with what stands in front of it."""

from __future__ import annotations

from weft.core.view import View, be16, be32, u8
from weft.features.gso.model import UdpHeader
from weft.features.ip4.header import Ip4Header
from weft.features.ip6.header import Ip6Header

PORT = 4789  #: UDP's, given by IANA
VNI_VALID = 0x08  #: the flag I; the others are reserved
MAX_VNI = (1 << 24) - 1
VNI_SHIFT = 8


class VxlanHeader(View):
    """VXLAN. Of the last word the upper 24 bits are the VNI."""

    flags: u8
    reserved: u8
    reserved2: be16
    vni_reserved: be32


class Outer4(View):
    """All that is put in front of a frame over IPv4."""

    ip: Ip4Header
    udp: UdpHeader
    vxlan: VxlanHeader


class Outer6(View):
    """The same over IPv6."""

    ip: Ip6Header
    udp: UdpHeader
    vxlan: VxlanHeader


VXLAN, OUTER4, OUTER6 = VxlanHeader.size, Outer4.size, Outer6.size
#: Behind the IP header.
IN_FRONT = UdpHeader.size + VXLAN

assert (VXLAN, OUTER4, OUTER6) == (8, 36, 56)
