"""Paths: the ways on that a route is given."""

from __future__ import annotations

import enum
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

from msgspec import Struct

from weft.core.model import Invalid
from weft.features.fib.adjacency import Address, Network
from weft.features.interface.model import NONE, Interface

MAX_PATHS = 256  #: of one route


class PathKind(enum.Enum):
    """What a path is, with VPP's word for it."""

    NEXT_HOP = "attached-nexthop"
    RECURSIVE = "recursive"  # by an address on whatever interface: as its own route says
    ATTACHED = "attached"
    CONNECTED = "glean"
    RECEIVE = "receive"
    DROP = "drop"
    PUNT = "punt"
    UNREACHABLE = "null-send-unreach"
    PROHIBIT = "null-send-prohibit"
    LOOKUP = "deag"
    LINK_LOCAL = "ip6-ll"  # in the table of the interface's own link


class Resolve(enum.Enum):
    """What the route of a recursive path's address has to be."""

    ANY = ""
    HOST = "resolve-host"  # its own, not that of a subnet around it
    ATTACHED = "resolve-attached"  # without a router in between


class Path(Struct, frozen=True):
    """One way on. ``address`` is the next hop, or this machine's own; ``sw_if_index`` where it is; ``fib_index`` the
    table of LOOKUP and RECURSIVE. Of paths with different preference only the lowest that can be taken are; ``weight``
    divides flows.
    """

    kind: PathKind = PathKind.NEXT_HOP
    address: Address | None = None
    sw_if_index: int = NONE
    weight: int = 1
    preference: int = 0
    subnet: Network | None = None
    fib_index: int = 0
    resolve: Resolve = Resolve.ANY


Paths: TypeAlias = tuple[Path, ...]


def via(
    address: Address | str | None, interface: Interface | None = None, *, weight: int = 1, preference: int = 0
) -> Path:
    """A path by a next hop; without an address: to whoever is on the interface."""
    if isinstance(address, str):
        address = IPv6Address(address) if ":" in address else IPv4Address(address)
    sw_if_index = NONE if interface is None else interface.sw_if_index
    kind = PathKind.ATTACHED if address is None else PathKind.NEXT_HOP
    return Path(kind, address, sw_if_index, weight, preference)


def check(paths: Paths) -> None:
    """Raises Invalid if no route can have these paths."""
    if not 1 <= len(paths) <= MAX_PATHS:
        raise Invalid(f"a route has 1 to {MAX_PATHS} paths, not {len(paths)}")
    for path in paths:
        if not 1 <= path.weight <= 255 or not 0 <= path.preference <= 255:
            raise Invalid("a path's weight is 1 to 255 and its preference 0 to 255")
