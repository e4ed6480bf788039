"""Commands about bridge domains."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.core.model import Invalid
from weft.features.l2 import show
from weft.features.l2.domain import DEFAULT, OPTIONS, BridgeDomains
from weft.features.l2.layout import fib
from weft.features.l2.port import Layer2
from weft.features.vlib.format import joined

if TYPE_CHECKING:
    from weft.core.engine import Engine


@command(
    "create bridge-domain",
    "[<bd-id:u32>] [learn <learn:0-1>] [forward <forward:0-1>] [uu-flood <uu-flood:0-1>] [flood <flood:0-1>]"
    " [arp-term <arp-term:0-1>] [arp-ufwd <arp-ufwd:0-1>] [mac-age <mac-age:u8>] [bd-tag <bd-tag:word>] [del]",
    help="Make a bridge domain; without a number, one that is free. `del' deletes it",
)
def create_bridge_domain(
    engine: Engine,
    bd_id: int | None = None,
    mac_age: int = 0,
    bd_tag: str = "",
    del_: bool = False,
    **options: int,
) -> str | None:
    domains = engine[BridgeDomains]
    if del_:
        if bd_id is None:
            raise Invalid("say which bridge domain to delete")
        domains.delete(bd_id)
        return None
    features = DEFAULT
    for name, on in options.items():
        feature = OPTIONS[name.replace("_", "-")]
        features = features | feature if on else features & ~feature
    made = domains.add(domains.free_id() if bd_id is None else bd_id, tag=bd_tag, mac_age=mac_age, features=features)
    return f"bridge-domain {made.bd_id}"


def _option(words: str, option: str, help: str) -> None:
    """The command that lets a bridge domain do something, or not."""

    @command(f"set bridge-domain {words}", "<bd-id:u32> [disable]", help=help)
    def set_option(engine: Engine, bd_id: int, disable: bool = False) -> None:
        engine[Layer2].set_option(engine[BridgeDomains][bd_id], option, not disable)

    set_option.__qualname__ = f"set_bridge_domain_{option}"


_option("learn", "learn", "Learn addresses in a bridge domain, or not")
_option("forward", "forward", "Forward known unicast in a bridge domain, or not")
_option("flood", "flood", "Flood broadcast and multicast in a bridge domain, or not")
_option("uu-flood", "uu-flood", "Flood unknown unicast in a bridge domain, or not")
_option("arp term", "arp-term", "Answer ARP requests in place of those who are asked, or not")
_option("arp-ufwd", "arp-ufwd", "Send ARP requests to the interface for unknown unicast, or not")


@command("set bridge-domain mac-age", "<bd-id:u32> <minutes:u8>", help="Forget addresses after minutes; 0: never")
def set_bridge_domain_mac_age(engine: Engine, bd_id: int, minutes: int) -> None:
    engine[Layer2].set_mac_age(engine[BridgeDomains][bd_id], minutes)


@command("set bridge-domain learn-limit", "<bd-id:u32> <limit:u32>", help="Learn at most so many addresses")
def set_bridge_domain_learn_limit(engine: Engine, bd_id: int, limit: int) -> None:
    engine[BridgeDomains][bd_id].row.learn_limit = limit


@command(
    "set bridge-domain default-learn-limit",
    "<limit:u32>",
    help="Learn at most so many addresses in bridge domains that are made from now on",
)
def set_bridge_domain_default_learn_limit(engine: Engine, limit: int) -> None:
    engine[BridgeDomains].default_learn_limit = limit


@command(
    "set bridge-domain arp entry",
    "<bd-id:u32> ( <address> <mac> [del] | del-all )",
    help="Answer ARP requests or neighbor solicitations for an address with a MAC address",
)
def set_bridge_domain_arp_entry(
    engine: Engine,
    bd_id: int,
    address: IPv4Address | IPv6Address | None = None,
    mac: int = 0,
    del_: bool = False,
    del_all: bool = False,
) -> None:
    domains = engine[BridgeDomains]
    domain = domains[bd_id]
    if del_all:
        for known in list(domain.arp):
            domains.remove_arp(domain, known)
    elif address is not None and del_:
        domains.remove_arp(domain, address)
    elif address is not None:
        domains.add_arp(domain, address, mac)


@command(
    "show bridge-domain",
    "[<bd-id:u32> [detail | int | arp | bd-tag]]",
    help="Show bridge domains, or one and its interfaces and ARP entries",
)
def show_bridge_domain(
    engine: Engine,
    bd_id: int | None = None,
    detail: bool = False,
    int: bool = False,
    arp: bool = False,
    bd_tag: bool = False,
) -> str:
    domains = engine[BridgeDomains]
    if bd_id is None:
        chosen = list(domains)
        if not chosen:
            return "no bridge-domains in use"
        return joined([show.domain_head(), *map(show.domain_line, chosen)])
    domain = domains[bd_id]
    lines = [show.domain_head(), show.domain_line(domain)]
    if detail:
        lines.append(show.domain_features(domain))
    if detail or int:
        lines += show.domain_members(engine, domain)
    if detail or arp:
        lines += show.domain_arp(domain)
    if detail or bd_tag:
        lines += show.domain_tag(domain)
    return joined(lines)


@command("set l2fib learn-limit", "<limit:u32>", help="Learn at most so many addresses in all bridge domains together")
def set_l2fib_learn_limit(engine: Engine, limit: int) -> None:
    fib.learn_limit = limit
