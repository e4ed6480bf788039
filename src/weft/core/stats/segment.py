"""The head of the statistics segment and its directory, in VPP's layout (``vlib/stats/shared.h``).

The segment is the arena's zone of counters: readers map its memfd and follow pointers that are relative to ``base``.
Everything in it has a place of its own from the start, and vectors grow where they are; so a pointer that a reader has
seen stays good, and at worst it reads something that is no longer so. It finds that out from ``epoch``.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from msgspec import Struct

from weft.core import arena, memory
from weft.core.counters import DECLARED, write_length
from weft.core.graph import MAX_INTERFACES
from weft.core.runtime import MAX_ERRORS, MAX_NODES
from weft.core.view import View, i64

VERSION = 2
#: An interface has an entry for each of its counters, a node one for each of four.
MAX_ENTRIES = 24 * MAX_INTERFACES + 4 * MAX_NODES + MAX_ERRORS + 4096
MAX_PATH = 127


class Header(View):
    """What the segment begins with (``vlib_stats_shared_header_t``)."""

    version: i64
    base: i64
    epoch: i64
    in_progress: i64
    directory: i64
    error_vector: i64  # no longer used


class Kind(enum.IntEnum):
    """What an entry of the directory is (``stat_directory_type_t``)."""

    SCALAR = 1
    SIMPLE = 2
    COMBINED = 3
    NAMES = 4
    EMPTY = 5
    SYMLINK = 6
    GAUGE = 9


class Entry(Struct, frozen=True):
    """An entry of the directory. ``value`` is its number (scalars, gauges), a pointer, or a symlink's two indices."""

    kind: Kind
    value: int
    path: str


_ENTRY = struct.Struct("<I4xQ128s")
_VALUE = struct.Struct("<Q")
_VALUE_OFFSET = 8
_MASK = (1 << 64) - 1

header = Header(arena.COUNTERS_BASE)
_entries = (
    arena.reserve("statistics directory", arena.LINE + MAX_ENTRIES * _ENTRY.size, arena.COUNTERS_BASE) + arena.LINE
)


def component(name: str) -> str:
    """A name as a part of a path, as VPP writes it."""
    return name.replace("/", "_")


class Segment:
    """The directory as the main thread keeps it. What readers must see as one change is made within ``change``."""

    def __init__(self) -> None:
        self._count = 0
        self._free: list[int] = []
        self._depth = 0
        header.version, header.base, header.directory = VERSION, arena.COUNTERS_BASE, _entries
        write_length(_entries, 0)

    @contextmanager
    def change(self) -> Iterator[None]:
        """Readers that look in the meantime look again afterwards. Keep it short: they wait."""
        if not self._depth:
            header.in_progress = 1
            memory.fence()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                header.epoch = header.epoch + 1
                memory.fence()
                header.in_progress = 0

    def add(self, kind: Kind, path: str, value: int = 0) -> int:
        """A new entry; its number."""
        return self._add([(kind, path, value)])[0]

    def add_symlinks(self, links: Iterable[tuple[str, int, int]]) -> list[int]:
        """Entries of a path each, for one number on all threads of another entry's counter: its entry, and the index;
        their numbers.
        """
        return self._add([(Kind.SYMLINK, path, target | index << 32) for path, target, index in links])

    def _add(self, entries: list[tuple[Kind, str, int]]) -> list[int]:
        fresh = max(0, len(entries) - len(self._free))
        if self._count + fresh > MAX_ENTRIES:
            raise MemoryError(f"the statistics directory holds {MAX_ENTRIES} entries; {entries[-1][1]} has no room")
        numbers = [self._free.pop() for _ in range(len(entries) - fresh)]
        numbers += range(self._count, self._count + fresh)
        self._count += fresh
        with self.change():
            for number, (kind, path, value) in zip(numbers, entries, strict=True):
                self._write(number, kind, value, path)
            write_length(_entries, self._count)
        return numbers

    def add_counter(self, path: str) -> int:
        """An entry of a declared counter."""
        declared = DECLARED[path]
        kind = Kind.COMBINED if declared.is_combined else Kind.SIMPLE
        return self.add(kind, path, declared.table.address)

    def rename(self, number: int, path: str) -> None:
        """Give an entry another path."""
        with self.change():
            entry = self[number]
            self._write(number, entry.kind, entry.value, path)

    def remove(self, number: int) -> None:
        """Take an entry away; its number will be used again."""
        with self.change():
            self._write(number, Kind.EMPTY, 0, "")
            self._free.append(number)

    def put(self, number: int, value: int) -> None:
        """Set a scalar's or a gauge's number."""
        memory.write(_entries + number * _ENTRY.size + _VALUE_OFFSET, _VALUE.pack(value & _MASK))

    def __getitem__(self, number: int) -> Entry:
        kind, value, path = _ENTRY.unpack(memory.read(_entries + number * _ENTRY.size, _ENTRY.size))
        return Entry(Kind(kind), value, path.rstrip(b"\0").decode("ascii"))

    def __iter__(self) -> Iterator[Entry]:
        """All entries but those that are free, by number."""
        return (entry for number in range(self._count) if (entry := self[number]).kind is not Kind.EMPTY)

    def _write(self, number: int, kind: Kind, value: int, path: str) -> None:
        # Readers take paths for ASCII, and fail as a whole where one is not.
        name = path.encode("ascii", "replace")[:MAX_PATH]
        memory.write(_entries + number * _ENTRY.size, _ENTRY.pack(kind, value, name))
