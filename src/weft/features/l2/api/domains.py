"""Messages of bridge domains."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from weft.core.api import Counted, Text, u8, u32
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.core.model import Invalid
from weft.features.l2.api.module import ALL, api
from weft.features.l2.domain import ITS_OWN, OPTIONS, BridgeDomain, BridgeDomains
from weft.features.l2.pipeline import ARP_TERM, ARP_UFWD, FLOOD, FWD, LEARN, UU_FLOOD
from weft.features.l2.port import Layer2

if TYPE_CHECKING:
    from weft.core.engine import Engine


@api.enum("bd_flags")
class BdFlags(enum.IntFlag):
    """What a bridge domain does."""

    BRIDGE_API_FLAG_NONE = 0
    BRIDGE_API_FLAG_LEARN = 1
    BRIDGE_API_FLAG_FWD = 2
    BRIDGE_API_FLAG_FLOOD = 4
    BRIDGE_API_FLAG_UU_FLOOD = 8
    BRIDGE_API_FLAG_ARP_TERM = 16
    BRIDGE_API_FLAG_ARP_UFWD = 32


#: The options of a bridge domain, in the order of the flags' bits.
FLAGS = ("learn", "forward", "flood", "uu-flood", "arp-term", "arp-ufwd")


@api.structure("bridge_domain_sw_if")
class BridgeDomainSwIf(Struct):
    """A member, and its split-horizon group."""

    context: u32
    sw_if_index: InterfaceIndex
    shg: u8


@api.request("bridge_domain_add_del", 0x600B7170)
def bridge_domain_add_del(
    engine: Engine,
    *,
    bd_id: u32,
    flood: bool,
    uu_flood: bool,
    forward: bool,
    learn: bool,
    arp_term: bool,
    arp_ufwd: bool,
    mac_age: u8,
    bd_tag: Annotated[str, Text(64)],
    is_add: bool = True,
) -> None:
    """Make a bridge domain, or delete one that has no members. ``mac_age`` in minutes; 0: addresses do not age."""
    wanted = {FLOOD: flood, UU_FLOOD: uu_flood, FWD: forward, LEARN: learn, ARP_TERM: arp_term, ARP_UFWD: arp_ufwd}
    _add_del(engine, bd_id, wanted, mac_age, bd_tag, is_add)


@api.reply("bridge_domain_add_del_v2_reply", 0xFCB1E980)
class BridgeDomainAddDelV2Reply(Struct):
    """The bridge domain's number."""

    bd_id: u32 = ALL


@api.request("bridge_domain_add_del_v2", 0x600B7170, reply=BridgeDomainAddDelV2Reply)
def bridge_domain_add_del_v2(
    engine: Engine,
    *,
    bd_id: u32,
    flood: bool,
    uu_flood: bool,
    forward: bool,
    learn: bool,
    arp_term: bool,
    arp_ufwd: bool,
    mac_age: u8,
    bd_tag: Annotated[str, Text(64)],
    is_add: bool = True,
) -> BridgeDomainAddDelV2Reply:
    """The same; of number ~0, one that is free is made."""
    if is_add and bd_id == ALL:
        bd_id = engine[BridgeDomains].free_id()
    wanted = {FLOOD: flood, UU_FLOOD: uu_flood, FWD: forward, LEARN: learn, ARP_TERM: arp_term, ARP_UFWD: arp_ufwd}
    _add_del(engine, bd_id, wanted, mac_age, bd_tag, is_add)
    return BridgeDomainAddDelV2Reply(bd_id)


def _add_del(engine: Engine, bd_id: int, wanted: dict[int, bool], mac_age: int, tag: str, is_add: bool) -> None:
    if is_add:
        features = sum(feature for feature, on in wanted.items() if on)
        engine[BridgeDomains].add(bd_id, tag=tag, mac_age=mac_age, features=features)
    else:
        engine[BridgeDomains].delete(bd_id)


@api.details("bridge_domain_details", 0x0FA506FD)
class BridgeDomainDetails(Struct):
    """A bridge domain and its members."""

    bd_id: u32
    flood: bool
    uu_flood: bool
    forward: bool
    learn: bool
    arp_term: bool
    arp_ufwd: bool
    mac_age: u8
    bd_tag: Annotated[str, Text(64)]
    bvi_sw_if_index: InterfaceIndex
    uu_fwd_sw_if_index: InterfaceIndex
    n_sw_ifs: u32 = 0
    sw_if_details: Annotated[list[BridgeDomainSwIf], Counted("n_sw_ifs")] = []


@api.dump("bridge_domain_dump", 0x74396A43, details=BridgeDomainDetails)
def bridge_domain_dump(
    engine: Engine, bd_id: u32 = ALL, sw_if_index: InterfaceIndex = NO_INTERFACE
) -> Iterator[BridgeDomainDetails]:
    """One bridge domain, or all; those of an interface, if one is given."""
    for domain in list(engine[BridgeDomains]):
        members = [member.interface.sw_if_index for member in domain.members]
        if bd_id in (ALL, domain.bd_id) and (sw_if_index == NO_INTERFACE or sw_if_index in members):
            yield _details(domain)


def _details(domain: BridgeDomain) -> BridgeDomainDetails:
    return BridgeDomainDetails(
        bd_id=domain.bd_id,
        flood=domain.allows(FLOOD),
        uu_flood=domain.allows(UU_FLOOD),
        forward=domain.allows(FWD),
        learn=domain.allows(LEARN),
        arp_term=domain.allows(ARP_TERM),
        arp_ufwd=domain.allows(ARP_UFWD),
        mac_age=domain.row.mac_age,
        bd_tag=domain.tag,
        bvi_sw_if_index=domain.bvi.sw_if_index if domain.bvi else NO_INTERFACE,
        uu_fwd_sw_if_index=domain.uu_fwd.sw_if_index if domain.uu_fwd else NO_INTERFACE,
        sw_if_details=[BridgeDomainSwIf(0, each.interface.sw_if_index, each.shg) for each in domain.members],
    )


@api.reply("bridge_flags_reply", 0x29B2A2B3)
class BridgeFlagsReply(Struct):
    """What the bridge domain does now, in the bits of layer 2's features."""

    resulting_feature_bitmap: u32 = 0


@api.request("bridge_flags", 0x1B0C5FBD, reply=BridgeFlagsReply)
def bridge_flags(engine: Engine, bd_id: u32, is_set: bool, flags: BdFlags) -> BridgeFlagsReply:
    """Let a bridge domain do some things, or not."""
    domain = engine[BridgeDomains][bd_id]
    options = options_of(flags)
    for option in options:
        engine[Layer2].set_option(domain, option, is_set)
    return BridgeFlagsReply(domain.row.features & ITS_OWN)


def options_of(flags: int) -> list[str]:
    """The names of flags. Raises Invalid for bits that are none."""
    if flags >> len(FLAGS):
        raise Invalid(f"flags {flags:#x} have bits that are not defined; {(1 << len(FLAGS)) - 1:#x} are all")
    return [name for bit, name in enumerate(FLAGS) if flags >> bit & 1]


def flags_of(features: int) -> int:
    """The flags of a bitmap of features."""
    return sum(1 << bit for bit, name in enumerate(FLAGS) if features & OPTIONS[name])


@api.request("bridge_domain_set_mac_age", 0xB537AD7B)
def bridge_domain_set_mac_age(engine: Engine, bd_id: u32, mac_age: u8) -> None:
    """Forget addresses that have not been seen for so many minutes; 0: never."""
    engine[Layer2].set_mac_age(engine[BridgeDomains][bd_id], mac_age)


@api.request("bridge_domain_set_default_learn_limit", 0xF097FFCE)
def bridge_domain_set_default_learn_limit(engine: Engine, learn_limit: u32) -> None:
    """Learn at most so many addresses in each bridge domain that is made from now on."""
    engine[BridgeDomains].default_learn_limit = learn_limit


@api.request("bridge_domain_set_learn_limit", 0x89C52B5F)
def bridge_domain_set_learn_limit(engine: Engine, bd_id: u32, learn_limit: u32) -> None:
    """Learn at most so many addresses in a bridge domain."""
    engine[BridgeDomains].set_learn_limit(engine[BridgeDomains][bd_id], learn_limit)
