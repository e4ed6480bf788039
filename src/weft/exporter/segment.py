"""Reads a statistics segment in VPP's layout, version 2, whoever wrote it.

The segment is read like a file (``pread``), never mapped: so whatever stands in it or happens to it, a wrong pointer or
a length out of bounds is an error here and no more. Only what one look has seen unchanged is used.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

VERSION = 2
MOST_BYTES = 1 << 28  #: read in one look
MOST_NAME = 4096

_HEADER = struct.Struct("<6Q")  # version, base, epoch, in progress, directory, error vector
_ENTRY = struct.Struct("<I4xQ128s")
_LENGTH = struct.Struct("<I")
_LENGTH_BEFORE = 8
_LINK = struct.Struct("<II")
_WORD = struct.Struct("<Q")

SCALAR, SIMPLE, COMBINED, NAMES, EMPTY, SYMLINK, GAUGE = 1, 2, 3, 4, 5, 6, 9


class Unavailable(Exception):
    """There is nothing to be read; the message says why."""


class _Changed(Exception):
    """The segment is being changed, or was while it was read."""


@dataclass(frozen=True)
class Vectors:
    """A counter: a vector for each thread. ``width`` numbers stand at each index: 2 are packets and bytes."""

    threads: list[array[int]]
    width: int = 1

    def at(self, index: int, column: int = 0) -> list[int]:
        """The numbers at an index on each thread, 0 where a vector is shorter."""
        place = index * self.width + column
        return [vector[place] if place < len(vector) else 0 for vector in self.threads]

    def __len__(self) -> int:
        return max((len(vector) for vector in self.threads), default=0) // self.width


@dataclass(frozen=True)
class Link:
    """An entry that stands for one index of another."""

    target: Vectors
    index: int

    def values(self) -> list[int]:
        """The number on each thread."""
        return self.target.at(self.index)


Names = list[str | None]
Value = int | Vectors | Names | Link
Snapshot = dict[str, Value]


@contextmanager
def connect(path: str, timeout: float) -> Iterator[Segment]:
    """The segment that a socket hands out. Raises Unavailable."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.settimeout(timeout)
        try:
            client.connect(path)
            _, descriptors, _, _ = socket.recv_fds(client, 1, 1, socket.MSG_CMSG_CLOEXEC)
        except OSError as error:
            raise Unavailable(f"nobody answers on {path}: {error.strerror or error}") from None
    if not descriptors:
        raise Unavailable(f"{path} is no statistics socket: no memory was handed over")
    try:
        yield Segment(descriptors[0], time.monotonic() + timeout)
    finally:
        os.close(descriptors[0])


class Segment:
    """A segment by its descriptor, to be read until ``deadline`` (of ``time.monotonic``)."""

    def __init__(self, descriptor: int, deadline: float) -> None:
        self._descriptor, self._deadline = descriptor, deadline
        self._budget = 0
        self._base = 0

    def read(self, wanted: Callable[[str], bool]) -> Snapshot:
        """Path -> value of the entries that are wanted, as they stood at one moment. Raises Unavailable."""
        while True:
            try:
                return self._look(wanted)
            except _Changed:
                if time.monotonic() > self._deadline:
                    raise Unavailable("the statistics segment keeps changing") from None
                time.sleep(0.001)

    def _look(self, wanted: Callable[[str], bool]) -> Snapshot:
        self._budget = MOST_BYTES
        epoch, directory = self._header()
        try:
            found = self._entries(directory, wanted)
        except Unavailable:
            self._unchanged(epoch)  # or else it was but a moment's disorder
            raise
        self._unchanged(epoch)
        return found

    def _header(self) -> tuple[int, int]:
        version, self._base, epoch, in_progress, directory, _ = _HEADER.unpack(self._bytes(0, _HEADER.size))
        if version != VERSION:
            raise Unavailable(f"the statistics segment is of version {version}, which is not known here")
        if in_progress:
            raise _Changed
        return epoch, directory

    def _unchanged(self, epoch: int) -> None:
        if self._header()[0] != epoch:
            raise _Changed

    def _entries(self, directory: int, wanted: Callable[[str], bool]) -> Snapshot:
        raw = self._vector(directory, _ENTRY.size)
        entries: list[tuple[int, int, bytes]] = list(_ENTRY.iter_unpack(raw))
        read = cache(self._counter)  # many links lead to one counter
        found: Snapshot = {}
        for kind, value, name in entries:
            path = name.split(b"\0", 1)[0].decode("ascii", "replace")
            if kind == EMPTY or not wanted(path):
                continue
            if kind in (SCALAR, GAUGE):
                found[path] = value
            elif kind in (SIMPLE, COMBINED):
                found[path] = read(kind, value)
            elif kind == NAMES:
                found[path] = self._names(value)
            elif kind == SYMLINK:
                number, index = _LINK.unpack(_WORD.pack(value))
                kind, value, _ = entries[number] if number < len(entries) else (EMPTY, 0, b"")
                if kind in (SIMPLE, COMBINED):
                    found[path] = Link(read(kind, value), index)
        return found

    def _counter(self, kind: int, pointer: int) -> Vectors:
        width = 2 if kind == COMBINED else 1
        threads = [_numbers(self._vector(each, 8 * width)) for each in _numbers(self._vector(pointer, 8))]
        return Vectors(threads, width)

    def _names(self, pointer: int) -> Names:
        return [self._text(each) if each else None for each in _numbers(self._vector(pointer, 8))]

    def _text(self, pointer: int) -> str:
        return self._vector(pointer, 1, MOST_NAME).split(b"\0", 1)[0].decode("ascii", "replace")

    def _vector(self, pointer: int, element: int, most: int = MOST_BYTES) -> bytes:
        """The elements of a vector; a null pointer is an empty one."""
        if pointer == 0:
            return b""
        if time.monotonic() > self._deadline:
            raise Unavailable("the statistics segment could not be read in time")
        offset = pointer - self._base
        (length,) = _LENGTH.unpack(self._bytes(offset - _LENGTH_BEFORE, _LENGTH.size))
        if length * element > most:
            raise Unavailable(f"a vector of {length} elements in the statistics segment cannot be right")
        return self._bytes(offset, length * element)

    def _bytes(self, offset: int, size: int) -> bytes:
        self._budget -= size
        if offset < 0 or offset >= 1 << 62 or self._budget < 0:
            raise Unavailable("the statistics segment has pointers that cannot be right")
        try:
            data = os.pread(self._descriptor, size, offset)
        except OSError as error:
            raise Unavailable(f"the statistics segment cannot be read: {error.strerror}") from None
        if len(data) != size:
            raise Unavailable("the statistics segment ends too early")
        return data


def _numbers(raw: bytes) -> array[int]:
    return array("Q", raw)
