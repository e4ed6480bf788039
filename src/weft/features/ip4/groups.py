"""The groups that this machine is in, by interface: beside IGMP's own, those that features join."""

from __future__ import annotations

from ipaddress import IPv4Address

from weft.core import arena
from weft.core.node import inline
from weft.core.table import HashTable
from weft.features.interface.model import Interface
from weft.features.ip.groups import Groups

groups4 = arena.root("ip4-groups", HashTable)


@inline
def group_key4(sw_if_index: int, group: int) -> int:
    """The key of a group on an interface."""
    return sw_if_index << 32 | group


class Groups4(Groups):
    """Those of IPv4."""

    table = groups4

    def key(self, interface: Interface, group: IPv4Address) -> int:
        return group_key4(interface.sw_if_index, int(group))
