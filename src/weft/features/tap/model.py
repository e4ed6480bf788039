"""What packet code knows of a tap."""

from __future__ import annotations

from weft.core import arena
from weft.core.runtime import MAX_THREADS
from weft.core.view import Array, Bytes, View, i64, times, u32
from weft.features.virtio.model import IoVec, VirtioNetHeader

MAX_TAPS = 1024
MAX_RX_QUEUES = 4096
MAX_FRAME = 65536 + 128  #: bytes: a packet of 64 kB, and what stands in front of it
MAX_PIECES = 512  #: of one packet


class TapQueue(View):
    """A receive queue: one of the descriptors that a tap is open on."""

    fd: i64
    sw_if_index: u32
    layer3: u32  # packets have no Ethernet header
    failures: i64  # reads that failed for another reason than that there was nothing
    pad2: Array[i64] = times(5)


class TapDevice(View):
    """Sending: the descriptor that each thread writes to; -1: gone."""

    fds: Array[i64] = times(MAX_THREADS)


class Area(View):
    """What a thread reads and writes through: a packet's stretches, and room for what a buffer does not hold."""

    header: VirtioNetHeader
    pad: Bytes = times(6)
    vectors: Array[IoVec] = times(MAX_PIECES)
    spill: Bytes = times(MAX_FRAME)


tap_queues = arena.table("tap-queues", TapQueue, MAX_RX_QUEUES)
tap_devices = arena.table("tap-devices", TapDevice, MAX_TAPS)
areas = arena.table("tap-areas", Area, MAX_THREADS)
