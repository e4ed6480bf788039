"""IPv6 on interfaces: addresses, and the link-local one and table that every interface with IPv6 has (RFC 4291 2.8)."""

from __future__ import annotations

import random
from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Interface, IPv6Network
from typing import TYPE_CHECKING

from weft.core import memory
from weft.core.model import Invalid
from weft.features.ethernet.model import IP6, rewrite
from weft.features.fib.path import Path, PathKind
from weft.features.fib.source import Source
from weft.features.interface.model import Interface
from weft.features.ip.family import Address, IpInterface
from weft.features.ip.interfaces import Addresses
from weft.features.ip.ply import MAX_FIBS
from weft.features.ip.table import Table
from weft.features.ip6.arcs import NOT_ENABLED, RECEIVING
from weft.features.ip6.batch import Trie6
from weft.features.ip6.own import OwnAddress, OwnBlock, interfaces6, own_blocks

if TYPE_CHECKING:
    from weft.features.ip.tables import Tables

LINK_LOCAL = IPv6Network("fe80::/10")
LOCAL_BIT = 2  #: in the first byte of an interface identifier: inverted in a MAC address (RFC 4291 A)
LinkWatcher = Callable[[Interface], None]


def from_mac(mac: int) -> IPv6Address:
    """The link-local address that goes with a MAC address (RFC 2464 5)."""
    octets = mac.to_bytes(6, "little")
    identifier = bytes([octets[0] ^ LOCAL_BIT]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return IPv6Address(LINK_LOCAL.network_address.packed[:8] + identifier)


class Addresses6(Addresses):
    """Tables and IPv6 addresses of interfaces."""

    def __init__(self, engine: object, tables: Tables) -> None:
        self.link_tables: dict[int, Table] = {}
        self._link_local: dict[int, IPv6Address] = {}
        self._link_watchers: list[LinkWatcher] = []
        super().__init__(engine, tables)  # type: ignore[arg-type]

    # --- what the family needs

    def publish(self, interface: Interface) -> None:
        row = interfaces6[interface.sw_if_index]
        row.fib_index = self.table_of(interface).fib_index
        row.enabled = int(self.is_enabled(interface))
        own = self.all_addresses(interface)
        at = 0
        if row.enabled and own:
            at = self._engine.arena.allocate(OwnBlock.size + len(own) * OwnAddress.size)
            block = OwnBlock(at)
            header = rewrite(interface, 0, IP6) if interface.device.ethernet else b""
            block.count, block.header_length, block.mac = len(own), len(header), interface.row.mac
            memory.write(block.header, header)
            for position, each in enumerate(own):
                place = block.addresses[position]
                memory.write(place.ip.address, each.ip.packed)
                memory.write(place.mask.address, each.netmask.packed)
        old = own_blocks[interface.sw_if_index]
        memory.fence()
        own_blocks[interface.sw_if_index] = at
        if old:
            self._engine.workers.quiesce()
            self._engine.arena.release(old)

    def refuse(self, interface: Interface, on: bool) -> None:
        for arc in RECEIVING:
            self._engine.graph.enable(arc, NOT_ENABLED, interface.sw_if_index, on)
        if on:
            self._end_link(interface)
        else:
            self._begin_link(interface)

    def check_host(self, address: Address) -> None:
        if address.is_multicast or address.is_unspecified or address.is_loopback:
            raise Invalid(f"{address} is no host's address")

    def table_holding(self, interface: Interface, address: int) -> Table | None:
        if IPv6Address(address) in LINK_LOCAL:
            return self.link_tables.get(interface.sw_if_index)
        return self.table_of(interface)

    # --- addresses

    def add_address(self, interface: Interface, address: IpInterface) -> None:
        """Give an interface an address; a link-local one becomes the interface's own."""
        if isinstance(address, IPv6Interface) and address.ip in LINK_LOCAL:
            if not self.is_enabled(interface):
                raise Invalid(f"IPv6 is not enabled on {interface.name}: enable ip6 interface {interface.name}")
            self.set_link_local(interface, address.ip)
        else:
            super().add_address(interface, address)

    def all_addresses(self, interface: Interface) -> list[IPv6Interface]:
        """The link-local one first."""
        own = self._link_local.get(interface.sw_if_index)
        first = [IPv6Interface((own, LINK_LOCAL.prefixlen))] if own else []
        return first + [each for each in self.used(interface) if isinstance(each, IPv6Interface)]

    # --- the link

    def watch_links(self, action: LinkWatcher) -> None:
        """Let ``action`` be called when an interface has got another link-local address."""
        self._link_watchers.append(action)

    def link_local(self, interface: Interface) -> IPv6Address | None:
        """An interface's link-local address; None: it has no IPv6."""
        return self._link_local.get(interface.sw_if_index)

    def set_link_local(self, interface: Interface, address: IPv6Address) -> None:
        """Give an interface with IPv6 another link-local address. Raises Invalid."""
        if address not in LINK_LOCAL:
            raise Invalid(f"{address} is no link-local address: those are in {LINK_LOCAL}")
        table = self.link_tables.get(interface.sw_if_index)
        if table is None:
            raise Invalid(f"IPv6 is not enabled on {interface.name}: enable ip6 interface {interface.name}")
        self._say_own(interface, table, address)

    def _say_own(self, interface: Interface, table: Table, address: IPv6Address) -> None:
        old = self._link_local.get(interface.sw_if_index)
        if old is not None:
            table.unsay(int(old), self._bits, Source.INTERFACE)
        self._link_local[interface.sw_if_index] = address
        receive = Path(PathKind.RECEIVE, address, interface.sw_if_index)
        table.say(int(address), self._bits, Source.INTERFACE, (receive,))
        table.settle()
        self.publish(interface)
        for action in self._link_watchers:
            action(interface)

    def _begin_link(self, interface: Interface) -> None:
        """An interface begins to have IPv6: a table of its own for what means something on its link only."""
        connected = Path(PathKind.CONNECTED, sw_if_index=interface.sw_if_index, subnet=LINK_LOCAL)
        everything = (0, 0, Source.DEFAULT_ROUTE, Path(PathKind.DROP))
        on_link = (int(LINK_LOCAL.network_address), LINK_LOCAL.prefixlen, Source.SPECIAL, connected)
        lpm = Trie6(self._engine, MAX_FIBS + interface.sw_if_index, root_bits=0)
        name = f"IP6-link-local:{interface.name}"
        table = Table(self._engine, self._tables.family, 0, lpm, name, (everything, on_link))
        self.link_tables[interface.sw_if_index] = table
        mac = interface.row.mac or random.getrandbits(47) << 1
        self._say_own(interface, table, from_mac(mac))
        for each in self._neighbors.get(interface.sw_if_index, ()):
            if IPv6Address(each) in LINK_LOCAL:
                self._enter_neighbor(interface, each)

    def _end_link(self, interface: Interface) -> None:
        self._link_local.pop(interface.sw_if_index, None)
        self.publish(interface)
        table = self.link_tables.pop(interface.sw_if_index, None)
        if table is not None:
            table.close()

    def _removed(self, interface: Interface) -> None:
        super()._removed(interface)
        self._enabled[interface.sw_if_index] = 0
        self._end_link(interface)
