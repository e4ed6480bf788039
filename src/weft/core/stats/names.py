"""Vectors of names in the statistics segment: what the indices of other vectors stand for.

if_names = names("/if/names", 65536)
"""

from __future__ import annotations

import struct

from weft.core import arena, memory
from weft.core.counters import HEADER, write_length
from weft.core.stats.segment import Kind, Segment

SLOT = 128  #: bytes for each name, its header and its end included
LONGEST = SLOT - HEADER.size - 1

_POINTER = struct.Struct("<Q")


class Names:
    """A vector of names, and room for each."""

    def __init__(self, path: str, capacity: int) -> None:
        self.path, self.capacity = path, capacity
        self._pointers = self._reserve(path, _POINTER.size * capacity)
        self._slots = self._reserve(f"{path} texts", SLOT * capacity)
        self._length = 0

    @staticmethod
    def _reserve(name: str, size: int) -> int:
        """Room behind a line for a header."""
        return arena.reserve(name, arena.LINE + size, arena.COUNTERS_BASE) + arena.LINE

    def enter(self, segment: Segment) -> int:
        """Begin empty, in a directory; the number of the entry."""
        self._length = 0
        write_length(self._pointers, 0)
        return segment.add(Kind.NAMES, self.path, self._pointers)

    def put(self, index: int, name: str) -> None:
        """Name an index. To be called within a change of the segment."""
        text = name.encode("ascii", "replace")[:LONGEST] + b"\0"
        slot = self._slots + SLOT * index + HEADER.size
        memory.write(slot, text)
        write_length(slot, len(text))
        memory.write(self._pointers + _POINTER.size * index, _POINTER.pack(slot))
        if index >= self._length:
            self._length = index + 1
            write_length(self._pointers, self._length)


def names(path: str, capacity: int) -> Names:
    """A vector of names at a path of the segment."""
    return Names(path, capacity)
