"""An AF_XDP socket whose memory is the engine's packet buffers, bound to a queue of a Linux interface."""

from __future__ import annotations

import ctypes
import enum
import errno
import mmap
import os
import socket
import struct
import time
from contextlib import suppress

from msgspec import Struct

from weft.core import memory
from weft.core.arena import BUFFERS_BASE
from weft.core.buffer import SIZE
from weft.features.af_xdp.model import Descriptor, Ring

AF_XDP = 44
SOL_XDP = 283
# linux/if_xdp.h
MMAP_OFFSETS, RX_RING, TX_RING, UMEM_REG, FILL_RING, COMPLETION_RING, STATISTICS, OPTIONS = range(1, 9)
MAX_TX_BUDGET = 9  #: XDP_MAX_TX_SKB_BUDGET, since Linux 6.17
SHARED_UMEM, COPY, ZEROCOPY, USE_NEED_WAKEUP, USE_SG = 1, 2, 4, 8, 16
UNALIGNED_CHUNKS = 1
OPTIONS_ZEROCOPY = 1
#: Where each ring is mapped from, its size option, its entries' size, and its place among the offsets.
RINGS = {
    "rx": (0, RX_RING, Descriptor.size, 0),
    "tx": (0x80000000, TX_RING, Descriptor.size, 1),
    "fill": (0x100000000, FILL_RING, 8, 2),
    "completion": (0x180000000, COMPLETION_RING, 8, 3),
}
PATIENCE = 10  #: tries while a queue is in use: Linux lets go of a closed socket's only after a moment
MOST_PIECES = 17  #: buffers of a packet (CONFIG_MAX_SKB_FRAGS)
PACKET_ADD_MEMBERSHIP, PACKET_DROP_MEMBERSHIP, PACKET_MR_PROMISC, SOL_PACKET = 1, 2, 1, 263


class Mode(enum.IntEnum):
    """Who copies frames: as VPP's API numbers them."""

    AUTO = 0
    COPY = 1
    ZERO_COPY = 2


class Options(Struct, frozen=True):
    """How an interface's sockets are to be; ring sizes are powers of two."""

    queues: int = 1
    rx_size: int = 1024
    tx_size: int = 1024
    mode: Mode = Mode.AUTO

    @property
    def sizes(self) -> dict[str, int]:
        return {"rx": self.rx_size, "fill": self.rx_size, "tx": self.tx_size, "completion": self.tx_size}


FLAGS = {Mode.AUTO: 0, Mode.COPY: COPY, Mode.ZERO_COPY: ZEROCOPY}

_libc = ctypes.CDLL(None, use_errno=True)


class XdpQueueSocket:
    """One queue's socket. Raises OSError when Linux refuses."""

    def __init__(self, index: int, queue: int, buffers: int, options: Options, shared: int | None = None) -> None:
        """``index``: of the Linux interface; ``buffers``: bytes that the packet buffers take; ``shared``: the
        descriptor of another socket of the same interface.
        """
        self._socket = socket.socket(AF_XDP, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0)
        self._maps: dict[str, tuple[int, mmap.mmap]] = {}
        self._sizes = sizes = options.sizes
        self.pieces = 1
        try:
            if shared is None:
                umem = struct.pack("QQIII4x", BUFFERS_BASE, buffers, SIZE, 0, UNALIGNED_CHUNKS)
                self._socket.setsockopt(SOL_XDP, UMEM_REG, umem)
            for name, (_, option, _, _) in RINGS.items():
                self._socket.setsockopt(SOL_XDP, option, struct.pack("I", sizes[name]))
            with suppress(OSError):  # only newer kernels know it
                self._socket.setsockopt(SOL_XDP, MAX_TX_BUDGET, struct.pack("I", sizes["tx"]))
            self._offsets = struct.unpack("16Q", self._socket.getsockopt(SOL_XDP, MMAP_OFFSETS, 128))
            self._bind(index, queue, options.mode, shared)
            for name in RINGS:
                self._map(name)
        except BaseException:
            self.close()
            raise

    @property
    def fd(self) -> int:
        return self._socket.fileno()

    @property
    def zero_copy(self) -> bool:
        (options,) = struct.unpack("I", self._socket.getsockopt(SOL_XDP, OPTIONS, 4))
        return bool(options & OPTIONS_ZEROCOPY)

    def _bind(self, index: int, queue: int, mode: Mode, shared: int | None) -> None:
        """With packets of several buffers where the kernel has that. Who shares memory inherits how it is bound."""
        own = FLAGS[mode] | USE_NEED_WAKEUP if shared is None else SHARED_UMEM
        tries = ((own | (0 if shared is not None else USE_SG), MOST_PIECES), (own, 1))
        for patience in range(PATIENCE, -1, -1):
            for flags, pieces in tries:
                address = struct.pack("HHIII", AF_XDP, flags, index, queue, shared or 0)
                if _libc.bind(self.fd, address, len(address)) == 0:
                    self.pieces = pieces
                    return
            number = ctypes.get_errno()
            if number != errno.EBUSY or patience == 0:
                raise OSError(number, os.strerror(number))
            time.sleep(0.02)

    def _map(self, name: str) -> None:
        start, _, entry, place = RINGS[name]
        size = self._offsets[4 * place + 2] + self._sizes[name] * entry
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        area = mmap.mmap(self.fd, size, mmap.MAP_SHARED | mmap.MAP_POPULATE, protection, offset=start)
        address = ctypes.addressof(ctypes.c_char.from_buffer(area))
        memory.add_region(f"AF_XDP {name} ring of socket {self.fd}", address, size)
        self._maps[name] = address, area

    def describe(self, name: str, ring: Ring) -> None:
        """Write down where a ring's parts are."""
        address, place = self._maps[name][0], RINGS[name][3]
        producer, consumer, entries, flags = self._offsets[4 * place : 4 * place + 4]
        ours_is_producer = name in ("fill", "tx")
        ring.theirs = address + (consumer if ours_is_producer else producer)
        ring.ours = address + (producer if ours_is_producer else consumer)
        ring.flags, ring.entries = address + flags, address + entries
        ring.mask, ring.position = self._sizes[name] - 1, 0

    def missed(self) -> int:
        """How many frames the kernel has dropped, in all."""
        dropped, invalid, _, full, _, _ = struct.unpack("6Q", self._socket.getsockopt(SOL_XDP, STATISTICS, 48))
        return int(dropped + invalid + full)

    def close(self) -> None:
        """The kernel writes to no buffer any more when this returns."""
        self._socket.close()
        for address, area in self._maps.values():
            memory.remove_region(address)
            area.close()
        self._maps.clear()


class Promiscuous:
    """While it is open, a Linux interface receives frames for any destination."""

    def __init__(self, index: int) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        self._membership = struct.pack("iHH8x", index, PACKET_MR_PROMISC, 0)

    def set(self, on: bool) -> None:
        option = PACKET_ADD_MEMBERSHIP if on else PACKET_DROP_MEMBERSHIP
        with suppress(OSError):  # the interface is gone, or nothing was said before
            self._socket.setsockopt(SOL_PACKET, option, self._membership)

    def close(self) -> None:
        self._socket.close()
