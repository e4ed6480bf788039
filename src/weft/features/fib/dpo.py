"""What a path may lead to, on the control side: each kind of data-path object, its node and its text."""

from __future__ import annotations

import enum
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core import arena
from weft.core.memory import wrap
from weft.core.model import model
from weft.core.runtime import DIRECT
from weft.core.view import View, i64, u32
from weft.features.fib.adjacency import COMPLETE, GLEAN, Adjacencies, Record
from weft.features.fib.indices import Indices
from weft.features.interface.model import NONE, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine

MAX_RECEIVES = 1 << 17


class Kind(enum.IntEnum):
    """Kinds of data-path objects, numbered as VPP does."""

    DROP = 0
    IP_NULL = 1
    PUNT = 2
    INCOMPLETE = 3
    GLEAN = 4
    ADJACENCY = 5
    RECEIVE = 11
    LOOKUP = 12
    LOAD_BALANCE = 13
    LINK_LOCAL = 14


#: By family: the node that takes packets of each kind.
NODES = {
    "ip4": {
        Kind.DROP: "ip4-drop",
        Kind.IP_NULL: "ip4-null",
        Kind.PUNT: "ip4-punt",
        Kind.INCOMPLETE: "ip4-arp",
        Kind.GLEAN: "ip4-glean",
        Kind.ADJACENCY: "ip4-rewrite",
        Kind.RECEIVE: "ip4-receive",
        Kind.LOOKUP: "lookup-ip4-dst",
        Kind.LOAD_BALANCE: "ip4-load-balance",
    },
    "ip6": {
        Kind.DROP: "ip6-drop",
        Kind.IP_NULL: "ip6-null",
        Kind.PUNT: "ip6-punt",
        Kind.INCOMPLETE: "ip6-discover-neighbor",
        Kind.GLEAN: "ip6-glean",
        Kind.ADJACENCY: "ip6-rewrite",
        Kind.RECEIVE: "ip6-receive",
        Kind.LOOKUP: "lookup-ip6-dst",
        Kind.LOAD_BALANCE: "ip6-load-balance",
        Kind.LINK_LOCAL: "ip6-link-local",
    },
}

#: What ``ip4-null`` does with a packet, by its index.
NULL_DISCARD, NULL_UNREACHABLE, NULL_PROHIBIT = 0, 1, 2
NULL_ACTIONS = ("discard", "send-unreachable", "send-prohibited")


class Object(Struct, frozen=True):
    """A data-path object: its kind and its number among those of the kind."""

    kind: Kind
    index: int = 0


DROP = Object(Kind.DROP)


class Receive(View):
    """An address of this machine, as ``ip4-receive`` gets it by number."""

    ip: i64  # IPv6: the low half
    sw_if_index: u32
    pad: u32


receives = arena.table("receives", Receive, MAX_RECEIVES)


@model
class Objects:
    """Makes data-path objects, and says what they are in packet code and in text."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._adjacencies = engine[Adjacencies]
        self._indices = Indices("addresses of this machine", MAX_RECEIVES, first=1)
        #: By family: what a table is called, by its fib_index.
        self.table_names: dict[str, Callable[[int], str]] = {}
        self._receives: dict[tuple[str, int, int], Object] = {}
        self._received: dict[int, int] = {}  # by number, the address

    def word(self, family: str, made: Object) -> int:
        """The object as it stands in a load-balance."""
        if made.kind is Kind.INCOMPLETE:
            family = self._adjacencies[made.index].asked_by
        node = self._engine.graph[NODES[family][made.kind]].index
        return made.index << 32 | DIRECT | node

    def receive(self, family: str, sw_if_index: int, address: int) -> Object:
        """The object for packets to an address of this machine."""
        key = (family, sw_if_index, address)
        if key not in self._receives:
            index = self._indices.take()
            row = receives[index]
            row.ip, row.sw_if_index = wrap(address), sw_if_index
            self._receives[key] = Object(Kind.RECEIVE, index)
            self._received[index] = address
        return self._receives[key]

    def adjacent(self, index: int) -> Object:
        """The object for packets by an adjacency, as it is now."""
        record = self._adjacencies[index]
        if record.gone:
            return DROP
        if record.kind == GLEAN:
            return Object(Kind.GLEAN, index)
        return Object(Kind.ADJACENCY if record.kind == COMPLETE else Kind.INCOMPLETE, index)

    # --- text

    def format(self, family: str, made: Object) -> str:
        """``[@5]: ipv4 via 192.168.33.5 loop33: mtu:9000 next:3 flags:[] 0200...``"""
        return f"[@{made.kind.value}]: {self._describe(family, made)}"

    def _describe(self, family: str, made: Object) -> str:
        match made.kind:
            case Kind.INCOMPLETE | Kind.GLEAN | Kind.ADJACENCY:
                return format_adjacency(self._adjacencies[made.index])
            case Kind.RECEIVE:
                row = receives[made.index]
                number = self._received[made.index]
                address = IPv4Address(number) if family == "ip4" else IPv6Address(number)
                return f"dpo-receive: {address}{self._on(row.sw_if_index)}"
            case Kind.IP_NULL:
                return f"{family}-null action:{NULL_ACTIONS[made.index]}"
            case Kind.LINK_LOCAL:
                return "ip6-link-local"
            case Kind.LOOKUP:
                return f"dst-address,unicast lookup in {self.table_names[family](made.index)}"
        return f"dpo-{made.kind.name.lower()} {family}"

    def _on(self, sw_if_index: int) -> str:
        if sw_if_index == NONE:
            return ""
        interface = self._engine[Interfaces].by_index.get(sw_if_index)
        return f" on {interface.name if interface else f'DELETED:{sw_if_index}'}"


def format_adjacency(record: Record) -> str:
    """An adjacency as VPP shows it."""
    version = "ipv4" if record.family == "ip4" else "ipv6"
    name = record.interface.name
    rest = f"{name}: mtu:{record.row.mtu} next:{record.row.node} flags:[] {record.header.hex()}"
    if record.kind == GLEAN:
        return f"{version}-glean: [src:{record.subnet}] {rest}"
    if record.kind == COMPLETE:
        return f"{version} via {record.next_hop} {rest}"
    return f"arp-{version}: via {record.next_hop} {name}"
