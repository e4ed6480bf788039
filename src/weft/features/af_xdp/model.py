"""What packet code knows of an AF_XDP socket: its four rings (Linux, Documentation/networking/af_xdp.rst).

The engine's packet buffers are the socket's memory (UMEM), each one chunk. Buffers go to the kernel by the *fill* ring
and come back with frames in them by the *rx* ring; packets go by the *tx* ring, and their buffers come back by the
*completion* ring. A descriptor's address is a buffer's offset in the buffers' zone, and in the high 16 bits where in it
the frame starts.
"""

from __future__ import annotations

from weft.core import arena
from weft.core.buffer import HEADROOM, METADATA
from weft.core.memory import atomic_load
from weft.core.node import inline
from weft.core.view import Array, View, i64, times, u32

MAX_SOCKETS = 4096
MAX_DEVICES = 1024

#: Where in a buffer a frame starts, and as much as the kernel leaves in front of one (XDP_PACKET_HEADROOM).
START = METADATA + HEADROOM
assert START == 256
OFFSET_SHIFT = 48  #: XSK_UNALIGNED_BUF_OFFSET_SHIFT
BASE = (1 << OFFSET_SHIFT) - 1

CONTINUED = 1 << 0  #: XDP_PKT_CONTD: the packet goes on in the next descriptor
NEED_WAKEUP = 1 << 0  #: XDP_RING_NEED_WAKEUP


class Descriptor(View):
    """``struct xdp_desc``."""

    place: i64
    length: u32
    options: u32


class Address(View):
    """An entry of the fill and completion rings."""

    value: i64


class Number(View):
    """A ring's index, or its flags."""

    value: u32


class Ring(View):
    """A ring: where its parts are, and up to where we have come."""

    theirs: i64  # the address of the index that the kernel moves on
    ours: i64  # of that which we do
    flags: i64
    entries: i64
    mask: u32
    position: u32  # our index


class XdpSocket(View):
    """A socket, on one queue of a Linux interface."""

    fd: i64
    sw_if_index: u32
    number: u32  # its place among these
    rx: Ring
    fill: Ring
    lent: i64  # buffers that the kernel has, to receive into
    open: u32  # the first buffer of a packet of which more is to come; 0: none
    last: u32  # its last one so far
    pad: Array[i64] = times(2)
    lock: i64  # of all that follows
    tx: Ring
    completion: Ring
    sending: i64  # buffers that the kernel has, to send
    pieces: i64  # buffers that a packet may have
    pad2: Array[i64] = times(3)


class XdpDevice(View):
    """An interface's sockets, for sending: one after the other among ``sockets``."""

    first: u32
    count: u32  # 0: gone


sockets = arena.table("af-xdp-sockets", XdpSocket, MAX_SOCKETS)
devices = arena.table("af-xdp-devices", XdpDevice, MAX_DEVICES)

U32 = 0xFFFFFFFF


@inline
def ahead(ring: Ring) -> int:
    """How far the kernel's index is from ours. The word behind an index is the kernel's padding."""
    return (atomic_load(ring.theirs) - ring.position) & U32


@inline
def descriptor_at(ring: Ring, position: int) -> Descriptor:
    return Descriptor(ring.entries + ((position & ring.mask) << 4))


@inline
def address_at(ring: Ring, position: int) -> Address:
    return Address(ring.entries + ((position & ring.mask) << 3))
