"""The groups that interfaces are in, as the routers and switches there are told."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from weft.core.model import model
from weft.core.punt import Punted, reason
from weft.features.ethernet.model import IP4, say
from weft.features.igmp.packet import (
    ALL_ROUTERS,
    ALL_SYSTEMS,
    LEAVE_2,
    REPORT_2,
    REPORTED_TO,
    packet,
    read_query,
    report,
    report_2,
)
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip.family import Address
from weft.features.ip.groups import group_mac
from weft.features.ip.membership import Membership, Record
from weft.features.ip4.model import Ip4

if TYPE_CHECKING:
    from weft.core.engine import Engine


@model
class Igmp(Membership):
    """Its groups are those that features join."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._ip4 = engine[Ip4]
        self._ip4.groups.watch(self.changed)
        self._ip4.watch_enabled(lambda interface, on: self.changed(interface))

    def groups(self, interface: Interface) -> list[Address]:
        if not self._ip4.is_enabled(interface):
            return []
        return [group for group in self._ip4.groups.joined(interface) if group != ALL_SYSTEMS]

    def report(self, interface: Interface, records: Sequence[Record]) -> None:
        self._send(interface, REPORTED_TO, report(records))

    def report_older(self, interface: Interface, group: Address, left: bool) -> None:
        assert isinstance(group, IPv4Address)
        self._send(interface, ALL_ROUTERS if left else group, report_2(LEAVE_2 if left else REPORT_2, group))

    def _send(self, interface: Interface, to: IPv4Address, message: bytes) -> None:
        own = self._ip4.used_addresses(interface)
        source = IPv4Address(int(own[0].ip) if own else 0)
        say(self._engine, interface, group_mac(to), IP4, packet(source, to, message))


def _queried(engine: Engine, punted: Punted) -> None:
    interface = engine[Interfaces].by_index.get(punted.rx_sw_if_index)
    query = read_query(punted.data[punted.l3 or 0 :])
    if interface is not None and query is not None:
        engine[Igmp].queried(interface, query)


QUERIED = reason("igmp-query", _queried, rate=10, burst=10)
