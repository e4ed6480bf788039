"""The groups that this machine is in, by interface: beside those of neighbor discovery, those that features join."""

from __future__ import annotations

from ipaddress import IPv6Address

from weft.core import arena
from weft.core.memory import wrap
from weft.core.node import inline
from weft.core.table import HashTable, hash_of
from weft.features.interface.model import Interface
from weft.features.ip.groups import Groups
from weft.features.ip6.header import Ip6Address

groups6 = arena.root("ip6-groups", HashTable)


@inline
def group_key6(sw_if_index: int, group: Ip6Address) -> int:
    """The key of a group on an interface. Two groups may have the same: who is in one may hear of the other, as with
    the MAC addresses of groups.
    """
    return key_of(sw_if_index, group.high, group.low)


@inline
def key_of(sw_if_index: int, high: int, low: int) -> int:
    return hash_of(hash_of(high ^ sw_if_index) ^ low) | 1


class Groups6(Groups):
    """Those of IPv6."""

    table = groups6

    def key(self, interface: Interface, group: IPv6Address) -> int:
        return key_of(interface.sw_if_index, wrap(int(group) >> 64), wrap(int(group)))
