"""Neighbor discovery on the control side: whom to learn, whom to ask, whether our addresses are ours alone."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from weft.core.model import Invalid, model
from weft.core.punt import Punted, reason
from weft.features.fib.model import Source, via
from weft.features.icmp6.build import icmp6_packet
from weft.features.icmp6.types import NEIGHBOR_ADVERTISEMENT, NEIGHBOR_SOLICITATION
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip.family import IpInterface
from weft.features.ip.table import Table
from weft.features.ip6.model import LINK_LOCAL, Ip6
from weft.features.ip6_nd.link import ALL_NODES, UNSPECIFIED, link_option, send, solicited_node
from weft.features.ip6_nd.mld import Mld
from weft.features.ip6_nd.packet import OVERRIDE, ROUTER, SOURCE_LINK, TARGET_LINK
from weft.features.ip6_nd.proxy import proxied_routes, proxying
from weft.features.ip6_nd.ra import RouterAdvertisements
from weft.features.neighbor.model import Neighbor, Neighbors

if TYPE_CHECKING:
    from weft.core.engine import Engine

MOST_TRIES = 10
DAD_TRIES = 1  #: RFC 4862 5.1, DupAddrDetectTransmits


@model
class Nd:
    """Neighbor discovery. An interface speaks it while it has IPv6."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ip6, self._neighbors = engine[Ip6], engine[Neighbors]
        engine[RouterAdvertisements], engine[Mld]
        #: Whether new addresses, and those of interfaces that come up, are announced as new MAC addresses are.
        self.announcing = True
        #: How often an address is solicited before it is taken to be ours alone; 0: not at all.
        self.dad_tries = DAD_TRIES
        #: Addresses that somebody else has, too.
        self.duplicates: set[tuple[int, IPv6Address]] = set()
        #: By sw_if_index, the hosts there that are answered for elsewhere, and the tables of their routes.
        self.proxied: dict[int, dict[IPv6Address, Table]] = {}
        self._neighbors.ageing.probe["ip6"] = self.probe
        self._ip6.watch("address-added", self._address_added)
        self._ip6.watch("address-removed", self._address_removed)
        self._ip6.watch_links(self._link_changed)
        self._ip6.watch_enabled(self._enabled)
        interfaces = engine[Interfaces]
        interfaces.watch("mac", self._mac_changed)
        interfaces.watch("up", self._came_up)
        interfaces.watch("removed", self._forget)

    # --- our addresses

    def _address_added(self, interface: Interface, address: IpInterface) -> None:
        assert isinstance(address.ip, IPv6Address)
        self._try(interface, address.ip)
        self._announce_soon(interface)

    def _link_changed(self, interface: Interface) -> None:
        own = self._ip6.link_local(interface)
        if own is not None:
            self._try(interface, own)

    def _address_removed(self, interface: Interface, address: IpInterface) -> None:
        """The neighbors that were learned on its subnet go too."""
        assert isinstance(address.ip, IPv6Address)
        self.duplicates.discard((interface.sw_if_index, address.ip))
        self._neighbors.flush("ip6", interface, lambda each: not each.static and not self.on_link(interface, each))

    def _enabled(self, interface: Interface, on: bool) -> None:
        if not on:
            self._neighbors.flush("ip6", interface)
            self.duplicates = {each for each in self.duplicates if each[0] != interface.sw_if_index}

    def on_link(self, interface: Interface, neighbor: Neighbor) -> bool:
        """Whether a neighbor is on one of the interface's subnets, or a route says that it is there."""
        if any(neighbor.address in own.network for own in self._ip6.all_addresses(interface)):
            return True
        return self._ip6.table_of(interface).has_host(int(neighbor.address), interface.sw_if_index)

    def set_dad_tries(self, tries: int) -> None:
        """Solicit each new address so often before it is taken to be ours alone; 0: not at all. Raises Invalid."""
        if not 0 <= tries <= MOST_TRIES:
            raise Invalid(f"an address is solicited 0 to {MOST_TRIES} times, not {tries}")
        self.dad_tries = tries

    def _try(self, interface: Interface, address: IPv6Address) -> None:
        """Ask whether somebody else has an address (RFC 4862 5.4)."""
        for attempt in range(self.dad_tries):
            if attempt:
                self._engine.timers.after(float(attempt), lambda: self._solicit_own(interface, address))
            else:
                self._solicit_own(interface, address)

    def _solicit_own(self, interface: Interface, address: IPv6Address) -> None:
        message = bytes((NEIGHBOR_SOLICITATION, 0)) + bytes(6) + address.packed
        send(self._engine, interface, icmp6_packet(UNSPECIFIED, solicited_node(address), message))

    def conflict(self, interface: Interface, address: IPv6Address) -> None:
        """Somebody says that one of our addresses is his."""
        key = (interface.sw_if_index, address)
        if key not in self.duplicates and any(own.ip == address for own in self._ip6.all_addresses(interface)):
            self.duplicates.add(key)
            self._engine.log.info("%s on %s is a duplicate: somebody else has it too", address, interface.name)

    def announce(self, interface: Interface) -> None:
        """Tell everybody the MAC address of the interface's addresses (RFC 4861 7.2.6)."""
        if not interface.device.ethernet:
            return
        for own in self._ip6.all_addresses(interface):
            flags = (ROUTER | OVERRIDE).to_bytes(4, "big")
            message = bytes((NEIGHBOR_ADVERTISEMENT, 0, 0, 0)) + flags + own.ip.packed
            message += link_option(TARGET_LINK, interface)
            send(self._engine, interface, icmp6_packet(own.ip, ALL_NODES, message))

    def _announce_soon(self, interface: Interface) -> None:
        """When nobody has said that an address is his (RFC 9131 6.1.1)."""
        if self.announcing:
            present = self._engine[Interfaces].by_index
            index = interface.sw_if_index
            self._engine.timers.after(
                float(self.dad_tries), lambda: self.announce(interface) if present.get(index) is interface else None
            )

    def _mac_changed(self, interface: Interface) -> None:
        if self._ip6.is_enabled(interface):
            self._ip6.publish(interface)
            self.announce(interface)

    def _came_up(self, interface: Interface) -> None:
        for own in self._ip6.all_addresses(interface):
            self._try(interface, own.ip)
        self._announce_soon(interface)

    # --- neighbors

    def probe(self, neighbor: Neighbor) -> None:
        """Ask a neighbor whether it is there still (RFC 4861 7.3)."""
        assert isinstance(neighbor.address, IPv6Address)
        interface = neighbor.interface
        own = self._ip6.all_addresses(interface)
        fitting = [each for each in own if neighbor.address in each.network]
        if fitting or own:
            source = (fitting or own)[0].ip
            message = bytes((NEIGHBOR_SOLICITATION, 0)) + bytes(6) + neighbor.address.packed
            message += link_option(SOURCE_LINK, interface)
            send(self._engine, interface, icmp6_packet(source, neighbor.address, message), neighbor.mac)

    def learn(self, interface: Interface, address: IPv6Address, mac: int) -> None:
        """Somebody has said that this address is his."""
        if self._ip6.is_enabled(interface) and all(address != own.ip for own in self._ip6.all_addresses(interface)):
            self._neighbors.learn(interface, address, mac)

    # --- proxies

    def add_proxy(self, interface: Interface, address: IPv6Address) -> None:
        """Answer solicitations for a host behind an interface on all others of its table. Raises Invalid."""
        if address.is_multicast or address.is_unspecified or address in LINK_LOCAL:
            raise Invalid(f"{address} is no address that another link may have")
        table = self._ip6.table_of(interface)
        for index, known in self.proxied.items():
            if known.get(address) is table:
                where = self._engine[Interfaces][index].name
                raise Invalid(f"{address} is answered for already, it is on {where}", "ENTRY_ALREADY_EXISTS")
        host = f"{address}/{self._ip6.family.bits}"
        entry = self._ip6.add(table.table_id, host, via(address, interface), Source.ND_PROXY)
        self.proxied.setdefault(interface.sw_if_index, {})[address] = table
        proxied_routes[entry.index] = 1

    def remove_proxy(self, interface: Interface, address: IPv6Address) -> None:
        """Do so no longer. Raises Invalid."""
        known = self.proxied.get(interface.sw_if_index, {})
        table = known.pop(address, None)
        if table is None:
            raise Invalid(f"{address} on {interface.name} is not answered for", "NO_SUCH_ENTRY")
        if not known:
            del self.proxied[interface.sw_if_index]
        entry = table.find(int(address), self._ip6.family.bits)
        if entry is not None:  # it went with its table otherwise
            proxied_routes[entry.index] = 0
            table.unsay(entry.address, entry.length, Source.ND_PROXY)
            table.settle()

    def set_proxying(self, interface: Interface, on: bool) -> None:
        """Answer solicitations on an interface for whoever is to be reached by another one, or do not."""
        proxying[interface.sw_if_index] = int(on)

    def _forget(self, interface: Interface) -> None:
        for address in list(self.proxied.get(interface.sw_if_index, ())):
            self.remove_proxy(interface, address)
        self.set_proxying(interface, False)


def _at_interface(engine: Engine, packet: Punted) -> tuple[Interface | None, bytes]:
    """The interface that a packet came in by, and the packet from its IPv6 header on."""
    return engine[Interfaces].by_index.get(packet.rx_sw_if_index), packet.data[packet.l3 or 0 :]


def _learn(engine: Engine, packet: Punted) -> None:
    """A worker has checked a message whose sender is to be learned: where his address is, and his MAC address."""
    interface, data = _at_interface(engine, packet)
    at = packet.value & 0xFFFF
    if interface is not None and len(data) >= at + 16:
        engine[Nd].learn(interface, IPv6Address(data[at : at + 16]), (packet.value >> 16) & 0xFFFFFFFFFFFF)


def _conflict(engine: Engine, packet: Punted) -> None:
    interface, data = _at_interface(engine, packet)
    at = packet.value & 0xFFFF
    if interface is not None and len(data) >= at + 16:
        engine[Nd].conflict(interface, IPv6Address(data[at : at + 16]))


def _solicited(engine: Engine, packet: Punted) -> None:
    interface, data = _at_interface(engine, packet)
    if interface is not None:
        engine[RouterAdvertisements].solicited(interface, data)


def _advertised(engine: Engine, packet: Punted) -> None:
    interface, data = _at_interface(engine, packet)
    if interface is not None:
        engine[RouterAdvertisements].received(interface, data)


def _queried(engine: Engine, packet: Punted) -> None:
    interface, data = _at_interface(engine, packet)
    if interface is not None:
        engine[Mld].heard(interface, data)


LEARN = reason("nd-learn", _learn, rate=500, burst=256)
CONFLICT = reason("nd-conflict", _conflict, rate=10, burst=10)
SOLICITED_ROUTER = reason("nd-router-solicitation", _solicited, rate=50, burst=50)
ADVERTISED = reason("nd-router-advertisement", _advertised, rate=50, burst=50)
QUERIED = reason("mld-query", _queried, rate=10, burst=10)
