"""The groups that this machine is in, on the control side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from weft.core.hashmap import HashMap
from weft.core.model import Invalid
from weft.core.table import HashTable
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip.family import Address

if TYPE_CHECKING:
    from weft.core.engine import Engine

JOINED = 1


def group_mac(group: Address) -> int:
    """The MAC address that a group's packets go to (RFC 1112 6.4, RFC 2464 7), as a ``mac`` number."""
    if group.version == 4:
        octets = b"\x01\x00\x5e" + (int(group) & 0x7FFFFF).to_bytes(3, "big")
    else:
        octets = b"\x33\x33" + group.packed[-4:]
    return int.from_bytes(octets, "little")


class Groups(ABC):
    """Which groups' packets are taken from which interface. Those who ``watch`` say so on the network (IGMP, MLD)."""

    table: HashTable

    @abstractmethod
    def key(self, interface: Interface, group: Any) -> int:
        """What packet code looks a group up by."""

    def __init__(self, engine: Engine) -> None:
        self._joined = HashMap(engine, self.table)
        self._users: dict[int, Counter[Any]] = {}
        self._watchers: list[Callable[[Interface], None]] = []
        engine[Interfaces].watch("removed", self._forget)

    def watch(self, action: Callable[[Interface], None]) -> None:
        """Let ``action`` be called when an interface is in other groups than before."""
        self._watchers.append(action)

    def joined(self, interface: Interface) -> list[Any]:
        """The groups that an interface is in."""
        return list(self._users.get(interface.sw_if_index, ()))

    def _tell(self, interface: Interface) -> None:
        for action in self._watchers:
            action(interface)

    def join(self, interface: Interface, group: Any) -> None:
        """Take a group's packets from an interface; each ``join`` needs a ``leave``. Raises Invalid."""
        if not group.is_multicast:
            raise Invalid(f"{group} is no group's address")
        users = self._users.setdefault(interface.sw_if_index, Counter())
        users[group] += 1
        if users[group] == 1:
            self._joined[self.key(interface, group)] = JOINED
            self._tell(interface)

    def leave(self, interface: Interface, group: Any) -> None:
        """Take them no longer, if nobody else wants them. Nothing happens if the interface is gone."""
        users = self._users.get(interface.sw_if_index)
        if not users or group not in users:
            return
        users[group] -= 1
        if users[group] == 0:
            del users[group]
            self._joined.discard(self.key(interface, group))
            self._tell(interface)

    def _forget(self, interface: Interface) -> None:
        for group in self._users.pop(interface.sw_if_index, ()):
            self._joined.discard(self.key(interface, group))
