"""ARP on the control side: which interfaces speak it, what is learned, who is told of our addresses, and proxies."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core import memory
from weft.core.graph import arc
from weft.core.model import Invalid, model
from weft.core.punt import Punted, reason
from weft.core.view import Rows
from weft.features.arp.packet import ETHERNET, IP4_LENGTH, LENGTH, MAC_LENGTH, REQUEST, ArpHeader
from weft.features.arp.table import (
    ArpInterface,
    LocalAddress,
    ProxyRange,
    ProxyRanges,
    arp_interfaces,
    proxy_ranges,
    source_address,
)
from weft.features.ethernet.model import ARP, IP4, Ethernet, register_input, rewrite, say
from weft.features.interface.address import BROADCAST
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip.family import IpInterface
from weft.features.ip4.model import Ip4
from weft.features.neighbor.model import Address, Neighbor, Neighbors

if TYPE_CHECKING:
    from weft.core.engine import Engine

__all__ = ["Arp", "ArpHeader", "arp_arc", "source_address"]

#: What an interface does with its ARP packets, as VPP's arc of that name.
arp_arc = arc("arp", end="error-drop")
register_input(ARP, "arp-input")


class Proxy(Struct, frozen=True):
    """Addresses that are answered for, on interfaces of a table where that is switched on."""

    table_id: int
    start: IPv4Address
    end: IPv4Address


@model
class Arp:
    """ARP for IPv4. An interface speaks it while it has an address."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._neighbors, self._ip4 = engine[Neighbors], engine[Ip4]
        #: Whether new addresses, and those of interfaces that come up, are announced as new MAC addresses are.
        self.announcing = True
        self.proxies: list[Proxy] = []
        self.proxy_interfaces: set[int] = set()
        self._neighbors.ageing.probe["ip4"] = self.probe
        engine[Ethernet]
        self._ip4.watch("address-added", self._address_added)
        self._ip4.watch("address-removed", self._address_removed)
        interfaces = engine[Interfaces]
        interfaces.watch("removed", self._forget)
        interfaces.watch("mac", self._mac_changed)
        interfaces.watch("up", self._came_up)

    # --- addresses

    def _address_added(self, interface: Interface, address: IpInterface) -> None:
        """Speak ARP from now on, and say so."""
        self._publish(interface)
        self._publish_proxy(interface)
        if self.announcing:
            self.announce(interface, [address])

    def _address_removed(self, interface: Interface, address: IpInterface) -> None:
        """The neighbors that were learned on its subnet go too."""
        self._publish(interface)
        self._neighbors.flush(
            "ip4", interface, lambda each: not each.static and not self.on_subnet(interface, each.address)
        )

    def on_subnet(self, interface: Interface, address: Address) -> bool:
        """Whether a host on one of the interface's subnets may have this address, or a route says that it is there."""
        for own in self._ip4.used_addresses(interface):
            if address in own.network:
                small = own.network.prefixlen >= 31
                return small or address not in (own.network.network_address, own.network.broadcast_address)
        return self._ip4.table_of(interface).has_host(int(address), interface.sw_if_index)

    def _publish(self, interface: Interface) -> None:
        """Write what packet code is to know of the interface."""
        own = self._ip4.used_addresses(interface)
        at = 0
        if own or interface.sw_if_index in self.proxy_interfaces:
            at = self._engine.arena.allocate(ArpInterface.size + len(own) * LocalAddress.size)
            block = ArpInterface(at)
            header = rewrite(interface, BROADCAST, ARP)
            block.count, block.header_length, block.mac = len(own), len(header), interface.row.mac
            memory.write(block.header, header)
            for position, each in enumerate(own):
                block.addresses[position].ip = int(each.ip)
                block.addresses[position].mask = int(each.netmask)
        self._replace(arp_interfaces, interface.sw_if_index, at)
        self._engine.graph.enable("arp", "arp-reply", interface.sw_if_index, bool(own))

    def _replace(self, table: Rows[int], sw_if_index: int, block: int) -> None:
        """Publish a block, and give the one before back."""
        old = table[sw_if_index]
        memory.fence()
        table[sw_if_index] = block
        if old:
            self._engine.workers.quiesce()
            self._engine.arena.release(old)

    def _forget(self, interface: Interface) -> None:
        if interface.sw_if_index in self.proxy_interfaces:
            self.set_proxy_interface(interface, False)

    def _mac_changed(self, interface: Interface) -> None:
        self._publish(interface)
        self.announce(interface)

    def _came_up(self, interface: Interface) -> None:
        if self.announcing:
            self.announce(interface)

    # --- sending

    def announce(self, interface: Interface, addresses: Sequence[IpInterface] | None = None) -> None:
        """Tell everybody who has the interface's addresses (RFC 5227 2.3), if it is up and there is a layer 2."""
        for own in self._ip4.used_addresses(interface) if addresses is None else addresses:
            self._send(interface, int(own.ip), int(own.ip))

    def probe(self, neighbor: Neighbor) -> None:
        """Ask a neighbor whether it is there still."""
        sender = self._engine.call(source_address, neighbor.interface.sw_if_index, int(neighbor.address))
        if sender:
            self._send(neighbor.interface, sender, int(neighbor.address))

    def _send(self, interface: Interface, sender: int, target: int) -> None:
        """Broadcast a request."""
        if not interface.device.ethernet:
            return
        packet = b"".join(
            (
                ETHERNET.to_bytes(2, "big"),
                IP4.to_bytes(2, "big"),
                bytes((MAC_LENGTH, IP4_LENGTH)),
                REQUEST.to_bytes(2, "big"),
                interface.row.mac.to_bytes(6, "little"),
                sender.to_bytes(4, "big"),
                bytes(MAC_LENGTH),
                target.to_bytes(4, "big"),
            )
        )
        say(self._engine, interface, BROADCAST, ARP, packet)

    # --- learning

    def learn(self, interface: Interface, sender: IPv4Address, mac: int) -> None:
        """Somebody has said that this address is his."""
        if self.on_subnet(interface, sender) and all(sender != own.ip for own in self._ip4.used_addresses(interface)):
            self._neighbors.learn(interface, sender, mac)

    # --- proxies

    def add_proxy(self, proxy: Proxy) -> None:
        """Answer for a range of addresses. Raises Invalid."""
        if proxy.end < proxy.start:
            raise Invalid(f"end {proxy.end} is before start {proxy.start}")
        if proxy in self.proxies:
            raise Invalid(f"{proxy.start} to {proxy.end} is there already")
        self.proxies.append(proxy)
        self._publish_proxies()

    def remove_proxy(self, proxy: Proxy) -> None:
        if proxy not in self.proxies:
            raise Invalid(f"no proxy range {proxy.start} to {proxy.end} in table {proxy.table_id}", "NO_SUCH_ENTRY")
        self.proxies.remove(proxy)
        self._publish_proxies()

    def set_proxy_interface(self, interface: Interface, on: bool) -> None:
        """Answer for others on an interface, or no longer."""
        (self.proxy_interfaces.add if on else self.proxy_interfaces.discard)(interface.sw_if_index)
        self._publish(interface)
        self._publish_proxy(interface)
        self._engine.graph.enable("arp", "arp-proxy", interface.sw_if_index, on)

    def _publish_proxies(self) -> None:
        for sw_if_index in self.proxy_interfaces:
            self._publish_proxy(self._engine[Interfaces][sw_if_index])

    def _publish_proxy(self, interface: Interface) -> None:
        wanted: list[Proxy] = []
        if interface.sw_if_index in self.proxy_interfaces:
            table_id = self._ip4.table_of(interface).table_id
            wanted = [each for each in self.proxies if each.table_id == table_id]
        at = 0
        if wanted:
            at = self._engine.arena.allocate(ProxyRanges.size + len(wanted) * ProxyRange.size)
            block = ProxyRanges(at)
            block.count = len(wanted)
            for position, each in enumerate(wanted):
                block.ranges[position].low = int(each.start)
                block.ranges[position].high = int(each.end)
        self._replace(proxy_ranges, interface.sw_if_index, at)


def _learn(engine: Engine, packet: Punted) -> None:
    """A worker has checked an ARP packet whose sender is to be learned."""
    interface = engine[Interfaces].by_index.get(packet.rx_sw_if_index)
    arp = packet.data[packet.l3 or 0 :][:LENGTH]
    if interface is None or len(arp) < LENGTH:
        return
    engine[Arp].learn(interface, IPv4Address(arp[14:18]), int.from_bytes(arp[8:14], "little"))


LEARN = reason("arp-learn", _learn, rate=500, burst=256)
