"""What kinds of large segments there are, and how large their pieces become."""

from __future__ import annotations

from weft.core.buffer import OFFLOAD, Buffer
from weft.core.node import inline
from weft.core.view import View, be16, be32, u8
from weft.features.interface.model import CHECKSUM_OFFLOAD, GSO, GSO_TCP_ONLY

# Buffer.gso_type, as virtio numbers them (virtio 1.2, 5.1.6).
GSO_NONE = 0
GSO_TCPV4 = 1
GSO_TCPV6 = 4
GSO_UDP = 5  #: virtio's UDP_L4: datagrams of equal size

# Buffer.gso_flags
GSO_ECN = 1  #: CWR belongs to the first segment only (RFC 3168)


class TcpHeader(View):
    """TCP (RFC 9293 3.1), as far as segmentation goes."""

    source: be16
    destination: be16
    sequence: be32
    acknowledgement: be32
    offset: u8  # of the data, in words, in the high four bits
    flags: u8
    window: be16
    checksum: be16
    urgent: be16


class UdpHeader(View):
    """UDP (RFC 768)."""

    source: be16
    destination: be16
    length: be16
    checksum: be16


TCP_HEADER, UDP_HEADER = TcpHeader.size, UdpHeader.size
TCP_CHECKSUM = TcpHeader.fields["checksum"].offset
UDP_CHECKSUM = UdpHeader.fields["checksum"].offset


@inline
def is_gso(pkt: Buffer) -> int:
    """Whether a packet is to be cut into segments."""
    return (pkt.flags & OFFLOAD != 0) & (pkt.gso_type != GSO_NONE)


@inline
def l4_length(pkt: Buffer) -> int:
    """Bytes of the layer-4 header of a packet that is to be cut. The first buffer has at least 20 bytes of TCP, 8 of
    UDP: who set ``gso_type`` has seen to that.
    """
    if pkt.gso_type == GSO_UDP:
        return UDP_HEADER
    return TcpHeader(pkt.address + 256 + pkt.csum_start).offset >> 4 << 2


@inline
def segment_length(pkt: Buffer) -> int:
    """Bytes of the largest packet that this one becomes on the wire, counted from where it starts now; this is what
    an MTU limits.
    """
    if is_gso(pkt):
        return min(pkt.total_length, pkt.csum_start - pkt.current_data + l4_length(pkt) + pkt.gso_size)
    return pkt.total_length


@inline
def unsettled(pkt: Buffer, device_flags: int) -> int:
    """Whether a packet with OFFLOAD wants something that a device with these flags does not do."""
    if device_flags & CHECKSUM_OFFLOAD == 0:
        return 1
    if pkt.gso_type == GSO_UDP and device_flags & GSO_TCP_ONLY:
        return 1
    return (pkt.gso_type != GSO_NONE) & (device_flags & GSO == 0)
