"""The groups that this machine is in, on the control side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, Any

from weft.core.hashmap import HashMap
from weft.core.model import Invalid
from weft.core.table import HashTable
from weft.features.interface.model import Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine

JOINED = 1


class Groups(ABC):
    """Which groups' packets are taken from which interface. Nothing is said of it on the network (IGMP, MLD)."""

    table: HashTable

    @abstractmethod
    def key(self, interface: Interface, group: Any) -> int:
        """What packet code looks a group up by."""

    def __init__(self, engine: Engine) -> None:
        self._joined = HashMap(engine, self.table)
        self._users: dict[int, Counter[Any]] = {}
        engine[Interfaces].watch("removed", self._forget)

    def join(self, interface: Interface, group: Any) -> None:
        """Take a group's packets from an interface; each ``join`` needs a ``leave``. Raises Invalid."""
        if not group.is_multicast:
            raise Invalid(f"{group} is no group's address")
        self._users.setdefault(interface.sw_if_index, Counter())[group] += 1
        self._joined[self.key(interface, group)] = JOINED

    def leave(self, interface: Interface, group: Any) -> None:
        """Take them no longer, if nobody else wants them. Nothing happens if the interface is gone."""
        users = self._users.get(interface.sw_if_index)
        if not users or group not in users:
            return
        users[group] -= 1
        if users[group] == 0:
            del users[group]
            self._joined.discard(self.key(interface, group))

    def _forget(self, interface: Interface) -> None:
        for group in self._users.pop(interface.sw_if_index, ()):
            self._joined.discard(self.key(interface, group))
