"""The prefixes of a routing table on the control side, and which of them lies in which."""

from __future__ import annotations

from collections.abc import Iterator

from weft.features.ip.entry import Entry, key_of
from weft.features.ip.family import Family


class Prefixes:
    """The entries of a table, one for each prefix."""

    def __init__(self, family: Family) -> None:
        self.family, self._masks = family, family.masks
        self._entries: dict[int, Entry] = {}
        self.counts = [0] * (family.bits + 1)
        self._lengths: list[int] = []  # of which there are prefixes, the longest first

    def __iter__(self) -> Iterator[Entry]:
        """By address and length, as VPP lists them: of equal addresses the longest prefix after /0 last."""
        return iter(sorted(self._entries.values(), key=lambda entry: (entry.address, _order(entry))))

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, address: int, length: int) -> Entry | None:
        """The entry of just this prefix."""
        return self._entries.get(key_of(address, length))

    def match(self, address: int, most: int = 128) -> Entry:
        """The longest prefix, of ``most`` bits at the most, that an address lies in."""
        entries, masks = self._entries, self._masks
        for length in self._lengths:
            if length <= most:
                entry = entries.get((address & masks[length]) << 8 | length)
                if entry is not None and entry.installed:
                    return entry
        raise AssertionError("a table has a default route always")

    def around(self, entry: Entry) -> Entry:
        """The longest prefix that an entry's is part of."""
        return self.match(entry.address, entry.length - 1)

    def _add(self, entry: Entry) -> None:
        self._entries[key_of(entry.address, entry.length)] = entry
        self._count(entry.length, 1)

    def _drop(self, entry: Entry) -> None:
        del self._entries[key_of(entry.address, entry.length)]
        self._count(entry.length, -1)

    def _count(self, length: int, more: int) -> None:
        """There are so many more prefixes of a length."""
        self.counts[length] += more
        if self.counts[length] == (1 if more > 0 else 0):
            self._lengths = [each for each in range(self.family.bits, -1, -1) if self.counts[each]]


def _order(entry: Entry) -> int:
    return -entry.length if entry.length else -129
