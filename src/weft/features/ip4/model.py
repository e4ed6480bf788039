"""IPv4 as other features use it: ``engine[Ip4]``, the header, checksums, lookups, who takes which protocol."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import TYPE_CHECKING

from weft.core.model import model
from weft.features.ethernet.model import IP4, register_input
from weft.features.fib.path import Path, PathKind
from weft.features.fib.source import Source
from weft.features.ip.entry import Entry
from weft.features.ip.family import Family
from weft.features.ip.flow_hash import FlowHash
from weft.features.ip.model import Ip, models
from weft.features.ip.table import Table
from weft.features.ip4 import arcs
from weft.features.ip4.batch import Trie
from weft.features.ip4.checksum import checksum, header_checksum, is_layer4_good, update
from weft.features.ip4.flow_hash import flow_hashes
from weft.features.ip4.groups import Groups4
from weft.features.ip4.header import (
    DONT_FRAGMENT,
    FRAGMENT_OFFSET,
    MINIMUM,
    MORE_FRAGMENTS,
    VERSION_IHL,
    Ip4Header,
)
from weft.features.ip4.interfaces import Addresses4, Ip4Interface, interfaces4
from weft.features.ip4.mtrie import lookup
from weft.features.ip4.protocols import Protocols, protocol_nodes, register_protocol

if TYPE_CHECKING:
    from weft.core.engine import Engine

__all__ = [
    "DONT_FRAGMENT",
    "FRAGMENT_OFFSET",
    "MINIMUM",
    "MORE_FRAGMENTS",
    "VERSION_IHL",
    "Entry",
    "FlowHash",
    "Ip4",
    "Ip4Header",
    "Ip4Interface",
    "Protocols",
    "Table",
    "arcs",
    "checksum",
    "header_checksum",
    "interfaces4",
    "is_layer4_good",
    "lookup",
    "protocol_nodes",
    "register_protocol",
    "update",
]

register_input(IP4, "ip4-input")


#: Every table has these, as VPP's do.
SPECIAL = tuple(
    (address, length, source, Path(PathKind.DROP))
    for address, length, source in (
        (0, 0, Source.DEFAULT_ROUTE),
        (0, 32, Source.SPECIAL),
        (0xE0000000, 4, Source.SPECIAL),
        (0xF0000000, 4, Source.SPECIAL),
        (0xFFFFFFFF, 32, Source.SPECIAL),
    )
)
FAMILY = Family(
    "ip4", "ipv4", "IPv4", 32, IPv4Address, IPv4Network, IPv4Interface, "192.0.2.0/24", SPECIAL, Trie, flow_hashes
)


@model
class Ip4(Ip):
    """Tables, routes, and what interfaces have of IPv4."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, FAMILY, Addresses4)
        self.groups = Groups4(engine)


models["ip4"] = Ip4
