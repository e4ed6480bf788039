"""An AF_PACKET socket with a receive ring, bound to a Linux interface."""

from __future__ import annotations

import ctypes
import mmap
import socket
import struct

from weft.core import memory
from weft.features.host_interface.model import BLOCK_SIZE, BLOCKS, SLOT_SIZE, SLOTS

SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_RX_RING = 5
PACKET_STATISTICS = 6
PACKET_COPY_THRESH = 7
PACKET_VERSION = 10
PACKET_VNET_HDR = 15
PACKET_FANOUT = 18
PACKET_QDISC_BYPASS = 20
PACKET_IGNORE_OUTGOING = 23
TPACKET_V2 = 1
PACKET_MR_PROMISC = 1
PACKET_FANOUT_HASH = 0
PACKET_FANOUT_FLAG_UNIQUEID = 0x2000
SO_SNDBUFFORCE = 32
SO_RCVBUFFORCE = 33
ETH_P_ALL = 3

#: Bytes that may wait at the socket: frames on their way out, and large ones on their way in.
SOCKET_BUFFER = 8 << 20


class PacketSocket:
    """One queue's socket. Raises OSError when Linux refuses."""

    def __init__(self, *, qdisc_bypass: bool = True) -> None:
        # Protocol 0: nothing is received before ``bind``.
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0)
        self._ring: mmap.mmap | None = None
        self.address = 0
        try:
            self._set_up(qdisc_bypass)
        except BaseException:
            self.close()
            raise

    @property
    def fd(self) -> int:
        return self._socket.fileno()

    def _set_up(self, qdisc_bypass: bool) -> None:
        for option, value in (
            (PACKET_IGNORE_OUTGOING, 1),
            (PACKET_QDISC_BYPASS, int(qdisc_bypass)),
            (PACKET_VNET_HDR, 1),  # must precede the ring
            (PACKET_VERSION, TPACKET_V2),
            (PACKET_COPY_THRESH, 1),
        ):
            self._socket.setsockopt(SOL_PACKET, option, value)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER)
        self._socket.setsockopt(SOL_PACKET, PACKET_RX_RING, struct.pack("4I", BLOCK_SIZE, BLOCKS, SLOT_SIZE, SLOTS))
        size = BLOCK_SIZE * BLOCKS
        self._ring = mmap.mmap(self.fd, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._ring))
        memory.add_region(f"af-packet ring of socket {self.fd}", self.address, size)

    def bind(self, name: str, index: int) -> None:
        """Receive what comes to this interface, whomever it is for."""
        self._socket.bind((name, ETH_P_ALL))
        self._socket.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack("iHH8x", index, PACKET_MR_PROMISC, 0))
        self.take_error()  # binding to an interface that is down leaves one

    def share(self, group: int | None) -> int:
        """Receive only this socket's part, by flow, of what comes to a group of bound sockets; the group's number.
        None: found a group.
        """
        flags = PACKET_FANOUT_HASH | (PACKET_FANOUT_FLAG_UNIQUEID if group is None else 0)
        self._socket.setsockopt(SOL_PACKET, PACKET_FANOUT, (group or 0) | flags << 16)
        return self._socket.getsockopt(SOL_PACKET, PACKET_FANOUT) & 0xFFFF

    def missed(self) -> int:
        """How many frames found no room since the last call."""
        _, dropped = struct.unpack("2I", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        return int(dropped)

    def take_error(self) -> int:
        """The error that waits at the socket, 0 if none. Until it is taken, the socket always looks readable."""
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def close(self) -> None:
        if self._ring is not None:
            memory.remove_region(self.address)
            self._ring.close()
            self._ring = None
        self._socket.close()
