"""Which groups an interface is in, and the reports about it (RFC 3810)."""

from __future__ import annotations

import random
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from weft.core.model import model
from weft.features.icmp6.build import icmp6_packet
from weft.features.icmp6.types import MLD2_REPORT
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip.family import IpInterface
from weft.features.ip6.model import Ip6
from weft.features.ip6_nd.link import ALL_NODES, ALL_ROUTERS, MLD_ROUTERS, is_up, send, solicited_node

if TYPE_CHECKING:
    from weft.core.engine import Engine

EXCLUDE_NONE = 4  #: a record's type: the group is wanted now, whoever sends (CHANGE_TO_EXCLUDE_MODE, no sources)
IS_EXCLUDE = 2  #: the same in the answer to a query
REPORTS = 2  #: of each change, for some may be lost (RFC 3810 9.1)
BETWEEN = 1.0  #: seconds (RFC 3810 9.11)
ANSWER_WITHIN = 1.0  #: seconds


@model
class Mld:
    """The groups of interfaces."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._ip6 = engine, engine[Ip6]
        self._waiting: dict[int, int] = {}  # by sw_if_index: reports that are to be sent
        self._queried: set[int] = set()
        self._ip6.watch_links(self.changed)
        self._ip6.watch("address-added", self._address_changed)
        engine[Interfaces].watch("admin", self.changed)

    def groups(self, interface: Interface) -> list[IPv6Address]:
        """The groups that an interface is in."""
        own = [each.ip for each in self._ip6.all_addresses(interface)]
        if not own:
            return []
        return [ALL_NODES, ALL_ROUTERS, MLD_ROUTERS, *dict.fromkeys(solicited_node(each) for each in own)]

    def _address_changed(self, interface: Interface, address: IpInterface) -> None:
        self.changed(interface)

    def changed(self, interface: Interface) -> None:
        """The groups of an interface may be others now: tell the routers."""
        if is_up(interface) and self._ip6.is_enabled(interface):
            waits = interface.sw_if_index in self._waiting
            self._waiting[interface.sw_if_index] = REPORTS
            if not waits:
                self._report_changes(interface)

    def _report_changes(self, interface: Interface) -> None:
        left = self._waiting.get(interface.sw_if_index, 0)
        if left == 0 or self._engine[Interfaces].by_index.get(interface.sw_if_index) is not interface:
            self._waiting.pop(interface.sw_if_index, None)
            return
        self._waiting[interface.sw_if_index] = left - 1
        self._send(interface, EXCLUDE_NONE)
        self._engine.timers.after(BETWEEN, lambda: self._report_changes(interface))

    def queried(self, interface: Interface) -> None:
        """A router wants to know; it is told in a moment, for all may have been asked (RFC 3810 6.2)."""
        if self._ip6.is_enabled(interface) and interface.sw_if_index not in self._queried:
            self._queried.add(interface.sw_if_index)
            self._engine.timers.after(random.uniform(0, ANSWER_WITHIN), lambda: self._answer(interface))

    def _answer(self, interface: Interface) -> None:
        self._queried.discard(interface.sw_if_index)
        if self._engine[Interfaces].by_index.get(interface.sw_if_index) is interface:
            self._send(interface, IS_EXCLUDE)

    def _send(self, interface: Interface, kind: int) -> None:
        """Report all groups but that of all nodes (RFC 3810 6)."""
        source = self._ip6.link_local(interface)
        groups = [each for each in self.groups(interface) if each != ALL_NODES]
        if source is None or not groups:
            return
        records = b"".join(bytes((kind, 0, 0, 0)) + each.packed for each in groups)
        message = bytes((MLD2_REPORT, 0, 0, 0, 0, 0)) + len(groups).to_bytes(2, "big") + records
        send(self._engine, interface, icmp6_packet(source, MLD_ROUTERS, message, hop_limit=1, alert=True))
