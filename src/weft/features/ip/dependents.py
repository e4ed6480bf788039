"""Addresses of a table of which somebody says what depends on the prefix around: neighbors, and what routes go by."""

from __future__ import annotations

from bisect import bisect_left, insort

from weft.features.fib.source import Source

#: Who speaks of hosts only, and of them what depends on the prefix around.
DEPENDING = (Source.ADJACENCY, Source.RECURSIVE)


class Dependents:
    """By source, in order."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._addresses: dict[Source, list[int]] = {source: [] for source in DEPENDING}

    def add(self, source: Source, address: int) -> None:
        """A source begins to say something of an address, if that is one of these sources."""
        if source in self._addresses:
            insort(self._addresses[source], address)

    def remove(self, source: Source, address: int) -> None:
        """It ceases to."""
        if source in self._addresses:
            addresses = self._addresses[source]
            del addresses[bisect_left(addresses, address)]

    def of(self, source: Source) -> list[int]:
        """The addresses of a source."""
        return self._addresses[source]

    def within(self, address: int, length: int) -> list[int]:
        """Those that a prefix has around them."""
        if length == self._bits:
            return []
        end = address + (1 << (self._bits - length))
        found: list[int] = []
        for addresses in self._addresses.values():
            if addresses:
                low = bisect_left(addresses, address)
                found += addresses[low : bisect_left(addresses, end, lo=low)]
        return found
