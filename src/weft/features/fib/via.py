"""Entries that others go by: recursive paths, and features that follow an address (a tunnel its other end).

An entry keeps its number as long as it is followed, so what goes by it need not be written again when the entry is
forwarded another way: it names the entry, and ``ip4-load-balance`` does the rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from weft.features.fib.path_list import PathList


class Follower:
    """What goes by an entry."""

    #: Entries that in turn go by this.
    followed: Mapping[Via, None] = MappingProxyType({})

    def via_changed(self) -> None:
        """The entry is forwarded another way."""


class Via(Protocol):
    """An entry that others go by."""

    index: int  #: its route's number

    @property
    def followers(self) -> Mapping[Follower, None]:
        """What goes by it."""

    @property
    def paths(self) -> PathList:
        """By which it is forwarded."""

    @property
    def inherits(self) -> bool:
        """Whether it is forwarded as the prefix around it says."""

    @property
    def attached(self) -> bool:
        """Whether it is reached without a router."""

    def unfollow(self, follower: Follower) -> None:
        """It is not gone by any more."""


class Followable(Protocol):
    """A table."""

    def follow(self, address: int, follower: Follower) -> Via:
        """The entry of an address, made if need be."""


def behind(via: Via) -> list[Follower]:
    """All that goes by an entry, whatever it goes by in between; the nearest first."""
    found: dict[Follower, None] = {}
    todo = deque(via.followers)
    while todo:
        each = todo.popleft()
        if each not in found:
            found[each] = None
            for above in each.followed:
                todo += above.followers
    return list(found)
