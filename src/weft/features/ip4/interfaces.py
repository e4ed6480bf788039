"""IPv4 on interfaces: what packet code knows of them, and the routes that come with an address."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from weft.core import arena
from weft.core.graph import MAX_INTERFACES
from weft.core.model import Invalid
from weft.core.view import View, u32
from weft.features.fib.path import Path, PathKind, via
from weft.features.interface.model import Interface
from weft.features.ip.family import Address, IpInterface, Network
from weft.features.ip.interfaces import Addresses
from weft.features.ip4.arcs import NOT_ENABLED, RECEIVING

#: What an address needs around it: prefixes that long have a subnet's and a broadcast address of their own.
LONGEST_SUBNET = 30
POINT_TO_POINT = 31  #: RFC 3021


class Ip4Interface(View, settled=True):
    """An interface as IPv4's packet code sees it."""

    fib_index: u32
    ip: u32  # its first, as a number; 0: none


interfaces4 = arena.table("ip4-interfaces", Ip4Interface, MAX_INTERFACES)


class Addresses4(Addresses):
    """Tables and IPv4 addresses of interfaces."""

    def publish(self, interface: Interface) -> None:
        row, own = interfaces4[interface.sw_if_index], self.used(interface)
        row.fib_index = self.table_of(interface).fib_index
        row.ip = int(own[0].ip) if own else 0

    def refuse(self, interface: Interface, on: bool) -> None:
        for arc in RECEIVING:
            self._engine.graph.enable(arc, NOT_ENABLED, interface.sw_if_index, on)

    def check_host(self, address: Address) -> None:
        if address.is_multicast or int(address) == 0 or int(address) >= 0xF0000000:
            raise Invalid(f"{address} is no host's address")

    def special_routes(self, interface: Interface, address: IpInterface) -> Iterator[tuple[Network, Path]]:
        """The subnet's own and its broadcast address go nowhere; of two hosts each knows the other."""
        assert isinstance(address, IPv4Interface)
        subnet = address.network
        if subnet.prefixlen <= LONGEST_SUBNET:
            for special in (subnet.network_address, subnet.broadcast_address):
                yield IPv4Network(special), Path(PathKind.DROP)
        elif subnet.prefixlen == POINT_TO_POINT:
            peer = IPv4Address(int(address.ip) ^ 1)
            yield IPv4Network(peer), via(peer, interface)
