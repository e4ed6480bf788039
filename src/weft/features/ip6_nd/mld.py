"""Which IPv6 groups an interface is in, and multicast listener discovery about it (RFC 3810, older: RFC 2710)."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from weft.core.model import model
from weft.features.icmp6.build import HOP_BY_HOP, icmp6_packet
from weft.features.icmp6.types import MLD2_REPORT, MLD_DONE, MLD_QUERY, MLD_REPORT, PROTOCOL_ICMP6
from weft.features.interface.model import Interface
from weft.features.ip.family import Address
from weft.features.ip.membership import Membership, Query, Record, seconds_of
from weft.features.ip6.header import MINIMUM
from weft.features.ip6.model import Ip6
from weft.features.ip6_nd.link import ALL_NODES, ALL_ROUTERS, MLD_ROUTERS, send, solicited_node

if TYPE_CHECKING:
    from weft.core.engine import Engine

MILLISECONDS = 0.001
OLD_QUERY, QUERY = 24, 28  #: bytes
LINK_SCOPE = 2  #: what is of a smaller scope no router needs to know (RFC 3810 6)


@model
class Mld(Membership):
    """Its groups are those of neighbor discovery, and what features join."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._ip6 = engine[Ip6]
        self._ip6.watch_links(self.changed)
        self._ip6.watch("address-added", lambda interface, address: self.changed(interface))
        self._ip6.watch("address-removed", lambda interface, address: self.changed(interface))
        self._ip6.groups.watch(self.changed)

    def all_groups(self, interface: Interface) -> list[IPv6Address]:
        """The groups that an interface is in."""
        own = [each.ip for each in self._ip6.all_addresses(interface)]
        if not own:
            return []
        solicited = (solicited_node(each) for each in own)
        joined = self._ip6.groups.joined(interface)
        return list(dict.fromkeys((ALL_NODES, ALL_ROUTERS, MLD_ROUTERS, *solicited, *joined)))

    def groups(self, interface: Interface) -> list[Address]:
        return [each for each in self.all_groups(interface) if each != ALL_NODES and each.packed[1] & 15 >= LINK_SCOPE]

    def heard(self, interface: Interface, packet: bytes) -> None:
        """A query, from its IPv6 header on."""
        query = read_query(packet)
        if query is not None and self._ip6.is_enabled(interface):
            self.queried(interface, query)

    def report(self, interface: Interface, records: Sequence[Record]) -> None:
        body = b"".join(bytes((change, 0, 0, 0)) + group.packed for change, group in records)
        self._send(interface, MLD_ROUTERS, bytes((MLD2_REPORT, 0, 0, 0, 0, 0)) + len(records).to_bytes(2, "big") + body)

    def report_older(self, interface: Interface, group: Address, left: bool) -> None:
        assert isinstance(group, IPv6Address)
        to, kind = (ALL_ROUTERS, MLD_DONE) if left else (group, MLD_REPORT)
        self._send(interface, to, bytes((kind, 0)) + bytes(6) + group.packed)

    def _send(self, interface: Interface, to: IPv6Address, message: bytes) -> None:
        source = self._ip6.link_local(interface)
        if source is not None:
            send(self._engine, interface, icmp6_packet(source, to, message, hop_limit=1, alert=True))


def read_query(packet: bytes) -> Query | None:
    """A query, behind an IPv6 header and hop-by-hop options; None if this is none (RFC 3810 5.1, 8.1)."""
    if len(packet) < MINIMUM + 2 or packet[6] not in (HOP_BY_HOP, PROTOCOL_ICMP6):
        return None
    at = MINIMUM + (8 + packet[MINIMUM + 1] * 8 if packet[6] == HOP_BY_HOP else 0)
    message = packet[at : MINIMUM + int.from_bytes(packet[4:6], "big")]
    if len(message) < OLD_QUERY or message[0] != MLD_QUERY or OLD_QUERY < len(message) < QUERY:
        return None
    older = len(message) == OLD_QUERY
    code = int.from_bytes(message[4:6], "big")
    within = code * MILLISECONDS if older else seconds_of(code, 16, MILLISECONDS)
    group = IPv6Address(message[8:24])
    return Query(None if group.is_unspecified else group, within, older)
