"""The header in front of each packet, and the kernel's scattered I/O."""

from __future__ import annotations

from weft.core.view import View, i64, u8, u16, u32

# VirtioNetHeader.flags
NEEDS_CSUM = 1
DATA_VALID = 2

# VirtioNetHeader.gso_type
GSO_ECN_BIT = 0x80


class VirtioNetHeader(View):
    """``struct virtio_net_hdr`` (virtio 1.2, 5.1.6), little-endian as the machine."""

    flags: u8
    gso_type: u8
    hdr_len: u16
    gso_size: u16
    csum_start: u16  # from the packet's first byte
    csum_offset: u16  # from csum_start


HEADER_SIZE = VirtioNetHeader.size


class VirtioNetWords(View):
    """The same, to see and to clear at a stroke."""

    kind: u16  # flags and gso_type
    sizes: u32
    offsets: u32


class IoVec(View):
    """``struct iovec``: a stretch of memory."""

    base: i64
    length: i64


class MessageHeader(View):
    """``struct mmsghdr``: a message of several stretches, and how long it was."""

    name: i64
    name_length: u32
    pad: u32
    vectors: i64
    vector_count: i64
    control: i64
    control_length: i64
    flags: u32
    pad2: u32
    length: u32
    pad3: u32


def show_header(header: VirtioNetHeader) -> str:
    """As VPP's traces show it."""
    return (
        f"flags 0x{header.flags:02x} gso_type 0x{header.gso_type:02x} hdr_len {header.hdr_len}\n"
        f"gso_size {header.gso_size} csum_start {header.csum_start} csum_offset {header.csum_offset}"
    )
