"""Commands about IPv6 on interfaces."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip.showing import Show
from weft.features.ip6.model import Ip6
from weft.features.vlib.format import joined

if TYPE_CHECKING:
    from weft.core.engine import Engine


@command(
    "enable ip6 interface",
    "<interface>",
    help="Let an interface have IPv6, with a link-local address, whether or not it has others",
)
def enable_ip6_interface(engine: Engine, interface: Interface) -> None:
    engine[Ip6].enable_interface(interface)


@command("disable ip6 interface", "<interface>", help="Let an interface have IPv6 only as long as it has addresses")
def disable_ip6_interface(engine: Engine, interface: Interface) -> None:
    engine[Ip6].disable_interface(interface)


@command(
    "set ip6 link-local address",
    "<interface> <address:ip6>",
    help="Give an interface another link-local address",
)
def set_ip6_link_local_address(engine: Engine, interface: Interface, address: IPv6Address) -> None:
    engine[Ip6].set_link_local(interface, address)


@command("show ip6-ll", "[<interface>]", help="Show the tables of link-local addresses, one for each interface")
def show_ip6_ll(engine: Engine, interface: Interface | None = None) -> str:
    ip6 = engine[Ip6]
    show = Show(engine, ip6.tables)
    lines: list[str] = []
    for each in engine[Interfaces]:
        table = ip6.link_table(each)
        if table is not None and interface in (None, each):
            lines += show.routes(table, iter(table))
    return joined(lines)
