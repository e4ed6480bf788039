"""A table's entries on the control side: each prefix with all that its sources say of it."""

from __future__ import annotations

from weft.features.fib.path import PathList
from weft.features.fib.source import Source
from weft.features.ip.family import Family, Network


def key_of(address: int, length: int) -> int:
    """A prefix as a dictionary's key."""
    return address << 8 | length


class Entry:
    """A prefix. ``said`` has its sources' path lists, the one that is heard first."""

    __slots__ = ("address", "family", "index", "installed", "length", "said")

    def __init__(self, family: Family, address: int, length: int, index: int, source: Source, paths: PathList) -> None:
        self.family, self.address, self.length, self.index = family, address, length, index
        self.said: list[tuple[Source, PathList]] = [(source, paths)]
        self.installed = False  #: lookups find it

    @property
    def prefix(self) -> Network:
        found: Network = self.family.network((self.address, self.length))
        return found

    @property
    def source(self) -> Source:
        return self.said[0][0]

    @property
    def paths(self) -> PathList:
        """Those that are heard."""
        return self.said[0][1]

    def by(self, source: Source) -> PathList | None:
        """What a source says."""
        for each, paths in self.said:
            if each is source:
                return paths
        return None

    def say(self, source: Source, paths: PathList) -> PathList | None:
        """A source says this from now on; what it said before."""
        old = self.by(source)
        self.said = sorted(
            [(s, p) for s, p in self.said if s is not source] + [(source, paths)], key=lambda each: each[0]
        )
        return old

    def unsay(self, source: Source) -> PathList | None:
        """A source says no more; what it said before."""
        old = self.by(source)
        self.said = [(s, p) for s, p in self.said if s is not source]
        return old
