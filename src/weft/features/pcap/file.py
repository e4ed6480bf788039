"""Capture files in libpcap's classic format (draft-ietf-opsawg-pcap): read and written.

A file is a header of 24 bytes, then packets, each behind a header of 16 bytes. The magic number says in which byte
order its writer's machine counted, and whether fractions of seconds are micro- or nanoseconds.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

MICROSECONDS, NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D
ETHERNET = 1  #: LINKTYPE_ETHERNET
RAW = 12  #: packets of IP, as VPP numbers it: DLT_RAW
#: Link types whose packets can be read: Ethernet; IP of any version (DLT_RAW here and elsewhere, LINKTYPE_RAW), of one.
LINKS = (ETHERNET, RAW, 14, 101, 228, 229)
VERSION = 2, 4
SNAP = 262144  #: the longest packet that libpcap itself would take
PCAPNG = b"\x0a\x0d\x0d\x0a"

_FILE = "IHHiIII"  # magic, version (2), time zone, accuracy, longest packet, link type
_PACKET = "IIII"  # seconds, fraction, bytes here, bytes on the wire


class PcapError(ValueError):
    """A file that is no capture file, or a broken one. The message names it and says where it is wrong."""


class Packet(Struct, frozen=True):
    """A packet of a capture: ``data`` may be cut, ``length`` is what it had on the wire. ``time`` in ns since 1970."""

    data: bytes
    length: int
    time: int = 0


def read(path: Path | str) -> list[Packet]:
    """All packets of a capture file. Raises PcapError."""
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise PcapError(f"{path}: {error.strerror if isinstance(error, OSError) else error}") from None
    try:
        return list(_packets(content))
    except PcapError as error:
        raise PcapError(f"{path}: {error}") from None


def _packets(content: bytes) -> Iterator[Packet]:
    order, fraction = _order(content)
    head, packet = struct.Struct(order + _FILE), struct.Struct(order + _PACKET)
    if len(content) < head.size:
        raise PcapError(f"no pcap file: {len(content)} bytes are too short for its header")
    _, major, minor, _, _, _, link = head.unpack_from(content)
    if (major, minor) != VERSION:
        raise PcapError(f"version {major}.{minor} of the pcap format is not known; write version 2.4")
    if link & 0xFFFF not in LINKS:
        raise PcapError(f"its packets have link type {link & 0xFFFF}; only Ethernet (1) and raw IP (101) can be read")
    at, number = head.size, 1
    while at < len(content):
        if at + packet.size > len(content):
            raise PcapError(f"it ends within the header of packet {number}")
        seconds, part, captured, length = packet.unpack_from(content, at)
        at += packet.size
        if captured > SNAP:
            raise PcapError(f"packet {number} says that it has {captured} bytes; {SNAP} is the most")
        if at + captured > len(content):
            raise PcapError(f"it ends within packet {number}, which has {captured} bytes")
        yield Packet(content[at : at + captured], length, seconds * 10**9 + part * fraction)
        at += captured
        number += 1


def _order(content: bytes) -> tuple[str, int]:
    """The byte order of a capture file, and nanoseconds to a unit of its fractions."""
    for order in "<>":
        for magic, fraction in ((MICROSECONDS, 1000), (NANOSECONDS, 1)):
            if content[:4] == struct.pack(order + "I", magic):
                return order, fraction
    if content[:4] == PCAPNG:
        raise PcapError("a pcapng file, which cannot be read: convert it with `editcap -F pcap`")
    raise PcapError("no pcap file: it does not begin with the format's magic number")


class Writer:
    """A capture file that is being written. A file of somebody else's, or a link, is not followed."""

    def __init__(
        self,
        path: Path | str,
        *,
        nanoseconds: bool = False,
        snap: int = SNAP,
        order: str = "<",
        link: int = ETHERNET,
    ) -> None:
        self.path, self.packets = Path(path), 0
        self._unit = 1 if nanoseconds else 1000
        self._packet = struct.Struct(order + _PACKET)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._file = os.fdopen(os.open(path, flags, 0o600), "wb")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            if isinstance(error, OSError) and error.errno == errno.ELOOP:
                why = "a symbolic link, which is not followed"
            raise PcapError(f"{path}: {why}") from None
        magic = NANOSECONDS if nanoseconds else MICROSECONDS
        self._file.write(struct.pack(order + _FILE, magic, *VERSION, 0, 0, snap, link))

    def write(self, packets: Iterable[Packet]) -> None:
        """Append packets; they are in the file afterwards. Raises PcapError when the disk does not take them."""
        try:
            for each in packets:
                seconds, rest = divmod(each.time, 10**9)
                part = rest // self._unit
                self._file.write(self._packet.pack(seconds & 0xFFFFFFFF, part, len(each.data), each.length))
                self._file.write(each.data)
                self.packets += 1
            self._file.flush()
        except OSError as error:
            raise PcapError(f"{self.path}: {error.strerror}") from None

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            raise PcapError(f"{self.path}: {error.strerror}") from None


def write(path: Path | str, packets: Iterable[Packet], *, nanoseconds: bool = False, snap: int = SNAP) -> int:
    """Write a capture file; how many packets are in it. Raises PcapError."""
    writer = Writer(path, nanoseconds=nanoseconds, snap=snap)
    try:
        writer.write(packets)
    finally:
        writer.close()
    return writer.packets
