"""Commands about announcements and proxy ARP."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.features.arp.model import Arp, Proxy
from weft.features.interface.model import Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine


@command(
    "set arp announce",
    "<state:on-off>",
    help="Announce addresses when they are added and when their interface comes up, which is so unless it is switched "
    "off; a new MAC address is announced always",
)
def set_arp_announce(engine: Engine, state: bool) -> None:
    engine[Arp].announcing = state


@command(
    "set arp proxy",
    "[table-ID <table-id:u32>] [del] (start <start:ip4>) (end <end:ip4>)",
    help="Answer ARP requests for a range of addresses, where `set interface proxy-arp' says so",
)
def set_arp_proxy(engine: Engine, start: IPv4Address, end: IPv4Address, table_id: int = 0, del_: bool = False) -> None:
    proxy = Proxy(table_id, start, end)
    if del_:
        engine[Arp].remove_proxy(proxy)
    else:
        engine[Arp].add_proxy(proxy)


@command("set interface proxy-arp", "<interface> [<state:on-off>]", help="Answer ARP requests for others, or do not")
def set_interface_proxy_arp(engine: Engine, interface: Interface, state: bool = True) -> None:
    engine[Arp].set_proxy_interface(interface, state)


@command("show arp proxy", help="Show for whom ARP requests are answered, and where")
def show_arp_proxy(engine: Engine) -> str:
    arp, interfaces = engine[Arp], engine[Interfaces]
    lines = ["Proxy arps enabled for:"]
    lines += [f" {interfaces[index].name}" for index in sorted(arp.proxy_interfaces)]
    lines += [f"Table {each.table_id}   {each.start} - {each.end}" for each in arp.proxies]
    return "\n".join(lines) + "\n"
