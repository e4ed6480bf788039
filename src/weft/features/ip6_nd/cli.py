"""Commands about neighbor discovery and router advertisements."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Interface
from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.core.model import Invalid
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip6.model import Ip6
from weft.features.ip6_nd.model import Nd
from weft.features.ip6_nd.ra import INFINITE, PREFERRED, VALID, AdvertisedPrefix, RaInterface, RouterAdvertisements
from weft.features.ip6_nd.showing import interface_lines, ra_lines
from weft.features.vlib.format import joined

if TYPE_CHECKING:
    from weft.core.engine import Engine

#: Word -> the setting that it gives this value, or with `no' in front the other.
SWITCHES = {
    "ra-managed-config-flag": ("managed", True),
    "ra-other-config-flag": ("other", True),
    "ra-suppress": ("suppress", True),
    "ra-suppress-link-layer": ("link_layer", False),
    "ra-send-unicast": ("unicast", True),
    "ra-cease": ("cease", True),
}
#: Word -> the settings that the numbers behind it give, in their order; `no' sets them back.
TIMINGS = {
    "ra-lifetime": ("lifetime",),
    "ra-initial": ("initial_count", "initial_interval"),
    "ra-interval": ("max_interval", "min_interval"),
}


@command(
    "ip6 nd",
    f"<interface> [no] settings:( <switch:{'|'.join(SWITCHES)}> "
    f"| <timing:{'|'.join(TIMINGS)}> [<first:u32> [<second:u32>]] "
    "| prefix <prefix:ip6-prefix> [<valid:u32> <preferred:u32> | infinite] [default] [no-advertise] [off-link] "
    "[no-autoconfig] [no-onlink] )+",
    help="Say what an interface's router advertisements say, and when they are sent",
)
def ip6_nd(engine: Engine, interface: Interface, settings: list[dict[str, object]], no: bool = False) -> None:
    ras = engine[RouterAdvertisements]
    wanted: dict[str, int | bool] = {}
    for given in settings:
        if "prefix" not in given:
            wanted |= _settings(given, no)
    if wanted:
        ras.configure(interface, **wanted)
    for given in settings:
        if "prefix" in given:
            _prefix(ras, interface, given, no)


def _settings(given: dict[str, object], no: bool) -> dict[str, int | bool]:
    """A word and its numbers as names and values of ``RaInterface``."""
    switch = given.get("switch")
    if isinstance(switch, str):
        name, value = SWITCHES[switch]
        return {name: value != no}
    timing = given["timing"]
    assert isinstance(timing, str)
    names = TIMINGS[timing]
    if no:
        return {name: getattr(RaInterface(), name) for name in names}
    numbers = [each for each in (given.get("first"), given.get("second")) if isinstance(each, int)]
    if not numbers or len(numbers) > len(names):
        raise Invalid(f"{timing} is followed by {' or '.join(str(n + 1) for n in range(len(names)))} numbers")
    return dict(zip(names, numbers, strict=False))


def _prefix(ras: RouterAdvertisements, interface: Interface, given: dict[str, object], no: bool) -> None:
    prefix = given["prefix"]
    assert isinstance(prefix, IPv6Interface)
    if no:
        ras.remove_prefix(interface, prefix.network)
        return
    valid, preferred = given.get("valid", VALID), given.get("preferred", PREFERRED)
    if given.get("infinite"):
        valid = preferred = INFINITE
    assert isinstance(valid, int) and isinstance(preferred, int)
    on_link = not (given.get("off_link") or given.get("no_onlink"))
    autonomous, advertise = not given.get("no_autoconfig"), not given.get("no_advertise")
    ras.set_prefix(interface, AdvertisedPrefix(prefix.network, valid, preferred, on_link, autonomous, advertise))


@command(
    "set ip6 nd proxy",
    "<interface> [del] <address:ip6>",
    help="Answer neighbor solicitations for a host behind an interface wherever else they come in",
)
def set_ip6_nd_proxy(engine: Engine, interface: Interface, address: IPv6Address, del_: bool = False) -> None:
    nd = engine[Nd]
    (nd.remove_proxy if del_ else nd.add_proxy)(interface, address)


@command(
    "set interface ip6-nd proxy",
    "<interface> [<state:on-off>]",
    help="Answer neighbor solicitations on an interface for whoever is to be reached by another one, or do not",
)
def set_interface_ip6_nd_proxy(engine: Engine, interface: Interface, state: bool = True) -> None:
    engine[Nd].set_proxying(interface, state)


@command("show ip6 nd proxy", help="Show the hosts for which neighbor solicitations are answered, and where they are")
def show_ip6_nd_proxy(engine: Engine) -> str:
    interfaces = engine[Interfaces]
    return joined(
        f"{interfaces[index].name} {address}" for index, all in sorted(engine[Nd].proxied.items()) for address in all
    )


@command(
    "set ip6 nd dad",
    "<tries:u8>",
    help="Solicit each new address so often to find out whether somebody has it already; 0: do not",
)
def set_ip6_nd_dad(engine: Engine, tries: int) -> None:
    engine[Nd].set_dad_tries(tries)


@command(
    "set ip6 nd announce",
    "<state:on-off>",
    help="Announce addresses when they are added and when their interface comes up, which is so unless it is switched "
    "off; a new MAC address is announced always",
)
def set_ip6_nd_announce(engine: Engine, state: bool) -> None:
    engine[Nd].announcing = state


@command("show ip6 interface", "[<interface>]", help="Show the IPv6 of interfaces")
def show_ip6_interface(engine: Engine, interface: Interface | None = None) -> str:
    ip6 = engine[Ip6]
    shown = [each for each in engine[Interfaces] if ip6.is_enabled(each) and interface in (None, each)]
    if interface is not None and not shown:
        return f"IPv6 is not enabled on {interface.name}"
    return joined(line for each in shown for line in interface_lines(engine, each))


@command("show ip6 ra", "[<interface>]", help="Show the router advertisements that are sent")
def show_ip6_ra(engine: Engine, interface: Interface | None = None) -> str:
    ras = engine[RouterAdvertisements]
    interfaces = engine[Interfaces]
    lines: list[str] = []
    for index, ra in sorted(ras.by_index.items()):
        each = interfaces[index]
        if interface in (None, each):
            lines += [each.name, *(f"  {line}" for line in ra_lines(engine, each, ra))]
    return joined(lines)
