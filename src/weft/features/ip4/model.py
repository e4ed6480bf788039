"""IPv4 as other features use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core import arena
from weft.core.model import model
from weft.core.runtime import DIRECT
from weft.core.view import u32
from weft.features.ip4.checksum import checksum, header_checksum, update
from weft.features.ip4.header import (
    DONT_FRAGMENT,
    FRAGMENT_OFFSET,
    MINIMUM,
    MORE_FRAGMENTS,
    VERSION_IHL,
    Ip4Header,
)

if TYPE_CHECKING:
    from weft.core.engine import Engine

__all__ = [
    "DONT_FRAGMENT",
    "FRAGMENT_OFFSET",
    "MINIMUM",
    "MORE_FRAGMENTS",
    "VERSION_IHL",
    "Ip4Header",
    "checksum",
    "header_checksum",
    "register_protocol",
    "update",
]

#: By protocol, the node (``DIRECT | node``) that takes packets to this machine, ``current_data`` at the IP header.
protocol_nodes = arena.table("ip4-protocol-nodes", u32, 256)

_protocols: dict[int, str] = {}


def register_protocol(number: int, node: str) -> None:
    """Say at import which node takes a protocol's packets to this machine, ``current_data`` at the IP header."""
    if _protocols.setdefault(number, node) != node:
        raise ValueError(f"IP protocol {number} goes to {_protocols[number]}, so not to {node}")


@model
class Protocols:
    """Which node takes which protocol."""

    def __init__(self, engine: Engine) -> None:
        for number, node in _protocols.items():
            protocol_nodes[number] = DIRECT | engine.graph[node].index
