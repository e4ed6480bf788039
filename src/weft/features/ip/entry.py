"""A table's entries on the control side: each prefix with all that its sources say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.features.fib.load_balance import ATTACHED, CONNECTED
from weft.features.fib.path_list import PathList
from weft.features.fib.source import Source
from weft.features.fib.via import Follower
from weft.features.ip.family import Network

if TYPE_CHECKING:
    from weft.features.ip.table import Table

NOBODY: dict[Follower, None] = {}  #: goes by most entries; never changed


def key_of(address: int, length: int) -> int:
    """A prefix as a dictionary's key."""
    return address << 8 | length


class Entry:
    """A prefix. ``said`` has its sources' path lists, the one that goes first. That of a neighbor is not heard while it
    is ``idle``: the prefix around is not that of its interface.
    """

    __slots__ = ("address", "followers", "idle", "index", "installed", "length", "said", "table")

    def __init__(self, table: Table, address: int, length: int, index: int, source: Source, paths: PathList) -> None:
        self.table, self.address, self.length, self.index = table, address, length, index
        self.said: list[tuple[Source, PathList]] = [(source, paths)]
        self.installed = False  #: lookups find it
        self.idle = False
        self.followers = NOBODY  #: who goes by it

    @property
    def prefix(self) -> Network:
        found: Network = self.table.family.network((self.address, self.length))
        return found

    @property
    def _heard(self) -> tuple[Source, PathList]:
        return self.said[1 if self.idle and len(self.said) > 1 else 0]

    @property
    def source(self) -> Source:
        """Which is heard."""
        return self._heard[0]

    @property
    def paths(self) -> PathList:
        """What is heard."""
        return self._heard[1]

    @property
    def inherits(self) -> bool:
        """Whether it is there only because something goes by it: it is forwarded as the prefix around it."""
        return self.source is Source.RECURSIVE

    @property
    def attached(self) -> bool:
        """Whether it is reached without a router."""
        if self.source in (Source.INTERFACE, Source.ADJACENCY):
            return True
        if self.inherits:
            return bool(self.table.around(self).paths.flags & (ATTACHED | CONNECTED))
        return bool(self.paths.flags & ATTACHED)

    def unfollow(self, follower: Follower) -> None:
        """It is not gone by any more."""
        self.table.unfollow(self, follower)

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
