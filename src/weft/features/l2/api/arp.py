"""Messages of ARP termination."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.api import Client, Subscribers, u32
from weft.core.api.ethernet_types import MacAddress
from weft.core.api.interface_types import InterfaceIndex
from weft.core.api.ip_types import Address
from weft.core.model import model
from weft.features.l2.api.module import api
from weft.features.l2.domain import BridgeDomains
from weft.features.l2.events import ArpListeners, Heard

if TYPE_CHECKING:
    from weft.core.engine import Engine


@api.structure("bd_ip_mac")
class BdIpMac(Struct):
    """An address in a bridge domain, and whose it is."""

    bd_id: u32
    ip: Address
    mac: MacAddress


@api.request("bd_ip_mac_add_del", 0x0257C869)
def bd_ip_mac_add_del(engine: Engine, *, is_add: bool = True, entry: BdIpMac) -> None:
    """Answer requests for an address in its place, or no longer."""
    domains = engine[BridgeDomains]
    domain = domains[entry.bd_id]
    if is_add:
        domains.add_arp(domain, entry.ip, entry.mac)
    else:
        domains.remove_arp(domain, entry.ip)


@api.request("bd_ip_mac_flush", 0xC25FDCE6)
def bd_ip_mac_flush(engine: Engine, bd_id: u32) -> None:
    """Answer no requests in a bridge domain any longer."""
    domains = engine[BridgeDomains]
    domain = domains[bd_id]
    for address in list(domain.arp):
        domains.remove_arp(domain, address)


@api.details("bd_ip_mac_details", 0x545AF86A)
class BdIpMacDetails(Struct):
    """An address for which requests are answered."""

    entry: BdIpMac


@api.dump("bd_ip_mac_dump", 0xC25FDCE6, details=BdIpMacDetails)
def bd_ip_mac_dump(engine: Engine, bd_id: u32) -> Iterator[BdIpMacDetails]:
    """The addresses of a bridge domain for which requests are answered."""
    for address, mac in list(engine[BridgeDomains][bd_id].arp.items()):
        yield BdIpMacDetails(BdIpMac(bd_id, address, mac))


@api.event("l2_arp_term_event", 0x6963E07A)
class L2ArpTermEvent(Struct):
    """A host has said whose address is whose, in a bridge domain that answers ARP requests."""

    pid: u32
    ip: Address
    sw_if_index: InterfaceIndex
    mac: MacAddress


@model
class ArpEvents(Subscribers):
    """Those who want to know."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._heard = engine[ArpListeners]

    def changed(self) -> None:
        self._heard.listen(self._tell, bool(self.pids))

    def _tell(self, host: Heard) -> None:
        self.send(lambda client, pid: L2ArpTermEvent(pid, host.address, host.sw_if_index, host.mac))


@api.request("want_l2_arp_term_events", 0x3EC6D6C2, events=(L2ArpTermEvent,))
def want_l2_arp_term_events(engine: Engine, client: Client, enable: bool, pid: u32) -> None:
    """Be told who speaks ARP in bridge domains that answer ARP requests."""
    engine[ArpEvents].set(client, pid, enable)
