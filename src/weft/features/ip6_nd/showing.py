"""What ``show ip6 interface`` says of an interface, in VPP's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from weft.features.interface.model import Interface, Interfaces
from weft.features.ip6.model import Ip6
from weft.features.ip6_nd.mld import Mld
from weft.features.ip6_nd.model import Nd
from weft.features.ip6_nd.ra import RaInterface, RouterAdvertisements

if TYPE_CHECKING:
    from weft.core.engine import Engine


def interface_lines(engine: Engine, interface: Interface) -> Iterator[str]:
    """All that there is of IPv6 on an interface."""
    ip6, nd = engine[Ip6], engine[Nd]

    def mark(address: object) -> str:
        return " (duplicate)" if (interface.sw_if_index, address) in nd.duplicates else ""

    yield f"{interface.name} is admin {'up' if interface.admin_up else 'down'}"
    yield "  Link-local address(es):"
    own = ip6.link_local(interface)
    yield f"    {own}{mark(own)}"
    addresses = ip6.used_addresses(interface)
    if addresses:
        yield "  Global unicast address(es):"
    for each in addresses:
        yield f"    {each.ip}, subnet is {each.network}{mark(each.ip)}"
    yield "  Joined group address(es):"
    for group in engine[Mld].all_groups(interface):
        yield f"    {group}"
    for line in ra_lines(engine, interface, engine[RouterAdvertisements][interface]):
        yield f"  {line}"


def ra_lines(engine: Engine, interface: Interface, ra: RaInterface) -> Iterator[str]:
    """An interface's router advertisements."""
    yield "Advertised Prefixes:"
    for prefix in ra.prefixes.values():
        if prefix.advertise:
            yield f"  prefix {prefix.prefix}, length {prefix.prefix.prefixlen}"
    tries = engine[Nd].dad_tries
    yield f"MTU is {engine[Interfaces].mtu(interface, 'ip6')}"
    yield "ICMP redirects are disabled"
    yield f"ND DAD is {f'enabled, tries {tries}' if tries else 'disabled'}"
    yield "ND advertised reachable time is 0"
    yield "ND advertised retransmit interval is 0 (msec)"
    if ra.suppress:
        yield "ND router advertisements are suppressed"
    else:
        yield (f"ND router advertisements are sent every {ra.max_interval} seconds (min interval is {ra.min_interval})")
        yield f"ND router advertisements live for {0 if ra.cease else ra.lifetime} seconds"
    yield f"Hosts {'use' if ra.managed else 'do not use'} stateful configuration for addresses"
    yield f"Hosts {'use' if ra.other else 'do not use'} stateful configuration for other information"
    yield f"ND router advertisements sent {ra.sent}"
    yield f"ND router solicitations received {ra.solicited}"
    yield f"ND router solicitations dropped {ra.dropped}"
