"""What packet code knows of a host-interface: its rings, and what sending takes."""

from __future__ import annotations

from weft.core import arena
from weft.core.runtime import FRAME_SIZE, MAX_THREADS
from weft.core.view import Array, Bytes, View, i64, times, u8, u16, u32
from weft.features.virtio.model import IoVec, MessageHeader

MAX_DEVICES = 4096
MAX_RX_QUEUES = 8192

SLOT_SIZE = 2048
BLOCK_SIZE = 1 << 18
BLOCKS = 16
SLOTS = BLOCK_SIZE * BLOCKS // SLOT_SIZE

# Tpacket2.status (linux/if_packet.h)
USER = 1 << 0  #: the slot is ours
COPY = 1 << 1  #: the frame is too large for it: the whole of it waits at the socket
VLAN_VALID = 1 << 4  #: the outermost tag was taken out of the frame
VLAN_TPID_VALID = 1 << 6


class Tpacket2(View):
    """``struct tpacket2_hdr``, at the start of a slot of a TPACKET_V2 ring."""

    status: u32
    length: u32
    snap_length: u32
    mac: u16  # where the frame is, from the start of the slot; a virtio header stands in front of it
    net: u16
    seconds: u32
    nanoseconds: u32
    vlan_tci: u16
    vlan_tpid: u16
    pad: u32


class MacAddresses(View):
    """What stands in front of a frame's first tag or type."""

    addresses: Array[u8] = times(12)


class PacketQueue(View):
    """A receive queue: a socket and its ring."""

    ring: i64
    position: i64  # of the next slot
    fd: i64
    sw_if_index: u32
    layer3: u32  # frames have no Ethernet header
    pad: Array[i64] = times(4)


class PacketDevice(View):
    """What sending needs to know of an interface."""

    fd: i64  # -1: gone
    max_frame: u32  # bytes with Ethernet header and a tag
    pad: u32


MAX_LARGE = 36  #: buffers that a frame of 64 kB and some headers takes, and some more


class Received(View):
    """A message of one thread that a large frame is received into."""

    message: MessageHeader
    vectors: Array[IoVec] = times(MAX_LARGE)
    indices: Array[u32] = times(MAX_LARGE)


MAX_VECTORS = 4096  #: of one batch
MAX_PIECES = 512  #: of one packet


class Header(View):
    """Room for a virtio header."""

    bytes: Bytes = times(16)


class Batch(View):
    """Messages of one thread on their way to ``sendmmsg``: a header and the packet's buffers each."""

    count: i64
    used: i64  # of vectors
    failed: i64
    pad: Array[i64] = times(5)
    messages: Array[MessageHeader] = times(FRAME_SIZE)
    headers: Array[Header] = times(FRAME_SIZE)
    vectors: Array[IoVec] = times(MAX_VECTORS)


packet_queues = arena.table("af-packet-queues", PacketQueue, MAX_RX_QUEUES)
packet_devices = arena.table("af-packet-devices", PacketDevice, MAX_DEVICES)
receiving = arena.table("af-packet-receiving", Received, MAX_THREADS)
batches = arena.table("af-packet-batches", Batch, MAX_THREADS)
