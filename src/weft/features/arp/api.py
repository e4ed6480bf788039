"""Messages of proxy ARP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.api import Module, u32
from weft.core.api.interface_types import InterfaceIndex
from weft.core.api.ip_types import Ip4Address
from weft.features.arp.model import Arp, Proxy
from weft.features.interface.model import Interfaces
from weft.features.ip4.model import Ip4

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("arp", "1.0.0", "Proxy ARP")


@api.structure("proxy_arp")
class ProxyArp(Struct):
    """Addresses that are answered for, on interfaces of a table."""

    table_id: u32
    low: Ip4Address
    hi: Ip4Address


@api.request("proxy_arp_add_del", 0x1823C3E7)
def proxy_arp_add_del(engine: Engine, is_add: bool, proxy: ProxyArp) -> None:
    """Answer for addresses where ``proxy_arp_intfc_enable_disable`` says so, or no longer."""
    table = engine[Ip4].tables[proxy.table_id]
    arp, wanted = engine[Arp], Proxy(table.table_id, proxy.low, proxy.hi)
    if not is_add:
        arp.remove_proxy(wanted)
    elif wanted not in arp.proxies:
        arp.add_proxy(wanted)


@api.details("proxy_arp_details", 0x5B948673)
class ProxyArpDetails(Struct):
    """Addresses that are answered for."""

    proxy: ProxyArp


@api.dump("proxy_arp_dump", 0x51077D14, details=ProxyArpDetails)
def proxy_arp_dump(engine: Engine) -> Iterator[ProxyArpDetails]:
    """All addresses that are answered for."""
    for proxy in list(engine[Arp].proxies):
        yield ProxyArpDetails(ProxyArp(proxy.table_id, proxy.start, proxy.end))


@api.request("proxy_arp_intfc_enable_disable", 0xAE6CFCFB)
def proxy_arp_intfc_enable_disable(engine: Engine, sw_if_index: InterfaceIndex, enable: bool) -> None:
    """Answer for others on an interface, or no longer."""
    engine[Arp].set_proxy_interface(engine[Interfaces][sw_if_index], enable)


@api.details("proxy_arp_intfc_details", 0xF6458E5F)
class ProxyArpIntfcDetails(Struct):
    """An interface on which others are answered for."""

    sw_if_index: u32


@api.dump("proxy_arp_intfc_dump", 0x51077D14, details=ProxyArpIntfcDetails)
def proxy_arp_intfc_dump(engine: Engine) -> Iterator[ProxyArpIntfcDetails]:
    """The interfaces on which others are answered for."""
    for sw_if_index in sorted(engine[Arp].proxy_interfaces):
        yield ProxyArpIntfcDetails(sw_if_index)
