"""Linux's side of an interface: its state as ``ioctl`` tells and sets it, and news of changes through netlink."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct

from msgspec import Struct

from weft.features.virtio.linux import NAME_SIZE

IFF_UP = 1 << 0
IFF_RUNNING = 1 << 6

SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
SIOCGIFMTU, SIOCSIFMTU = 0x8921, 0x8922
SIOCGIFHWADDR = 0x8927
SIOCGIFINDEX = 0x8933

RTMGRP_LINK = 1


class Link(Struct, frozen=True):
    """An interface as Linux has it now."""

    index: int
    flags: int
    mtu: int

    @property
    def up(self) -> bool:
        return bool(self.flags & IFF_UP)

    @property
    def carrier(self) -> bool:
        """Whether packets can pass."""
        return bool(self.flags & IFF_UP and self.flags & IFF_RUNNING)


class Links:
    """The interfaces of the engine's network namespace."""

    def __init__(self) -> None:
        self._control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._news = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
        )
        self._news.bind((0, RTMGRP_LINK))

    def find(self, name: str) -> Link | None:
        """An interface's state; None if there is no such interface (any more)."""
        try:
            index = self._ask(SIOCGIFINDEX, name)
            return Link(index, self._ask(SIOCGIFFLAGS, name) & 0xFFFF, self._ask(SIOCGIFMTU, name))
        except OSError as error:
            if error.errno in (errno.ENODEV, errno.ENXIO):
                return None
            raise

    def hardware_type(self, name: str) -> int:
        """ARPHRD_...: 1 is Ethernet. Raises OSError."""
        return self._ask(SIOCGIFHWADDR, name) & 0xFFFF

    def set_up(self, name: str, up: bool) -> None:
        """Administratively up or down. Raises OSError."""
        flags = self._ask(SIOCGIFFLAGS, name) & 0xFFFF
        self._set(SIOCSIFFLAGS, name, "H", flags | IFF_UP if up else flags & ~IFF_UP)

    def set_mtu(self, name: str, mtu: int) -> None:
        """Raises OSError."""
        self._set(SIOCSIFMTU, name, "i", mtu)

    def changed(self) -> bool:
        """Whether anything has happened to any interface since the last call."""
        news = False
        while True:
            try:
                self._news.recv(65536)
                news = True
            except BlockingIOError:
                return news
            except OSError as error:
                if error.errno != errno.ENOBUFS:  # so much news that some were lost
                    raise
                news = True

    def _ask(self, request: int, name: str) -> int:
        answer = fcntl.ioctl(self._control, request, struct.pack("16s24x", os.fsencode(name)))
        return int(struct.unpack_from("I", answer, NAME_SIZE)[0])

    def _set(self, request: int, name: str, kind: str, value: int) -> None:
        fcntl.ioctl(self._control, request, struct.pack(f"16s{kind}20x", os.fsencode(name), value))

    def close(self) -> None:
        self._control.close()
        self._news.close()
