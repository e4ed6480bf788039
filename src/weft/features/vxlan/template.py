"""The headers in front of a tunnel's packets, as far as they are always the same."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

from weft.features.ip4.header import VERSION_IHL
from weft.features.vxlan.header import OUTER4, OUTER6, VNI_SHIFT, VNI_VALID

UDP = 17
TTL, HOP_LIMIT = 254, 255  #: VPP's


def template_of(local: IPv4Address | IPv6Address, remote: IPv4Address | IPv6Address, vni: int, port: int) -> bytes:
    """IP, UDP and VXLAN. Lengths, source port and identification are 0, and IPv4's checksum is right with that."""
    behind = struct.pack(">HHHHB3xI", 0, port, 0, 0, VNI_VALID, vni << VNI_SHIFT)
    addresses = local.packed + remote.packed
    if local.version == 6:
        made = struct.pack(">IHBB", 6 << 28, 0, UDP, HOP_LIMIT) + addresses + behind
        assert len(made) == OUTER6
        return made
    front = struct.pack(">BBHHHBB", VERSION_IHL, 0, 0, 0, 0, TTL, UDP)
    total = sum(struct.unpack(">9H", front + addresses))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    made = front + struct.pack(">H", total ^ 0xFFFF) + addresses + behind
    assert len(made) == OUTER4
    return made
