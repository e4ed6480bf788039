"""Who takes packets to this machine: nodes by protocol, and by UDP port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core import arena
from weft.core.model import Invalid, model
from weft.core.runtime import DIRECT
from weft.core.view import u32

if TYPE_CHECKING:
    from weft.core.engine import Engine

#: By protocol, the node (``DIRECT | node``) that takes packets to this machine; 0: nobody does.
protocol_nodes = arena.table("ip4-protocol-nodes", u32, 256)
#: The same by UDP destination port.
udp_nodes = arena.table("ip4-udp-nodes", u32, 1 << 16)

_protocols: dict[int, str] = {}


def register_protocol(number: int, node: str) -> None:
    """Say at import which node takes a protocol's packets to this machine, ``current_data`` at the IP header."""
    if _protocols.setdefault(number, node) != node:
        raise ValueError(f"IP protocol {number} goes to {_protocols[number]}, so not to {node}")


@model
class Protocols:
    """Which node takes which protocol, and which UDP port."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ports: dict[int, str] = {}
        for number, node in _protocols.items():
            protocol_nodes[number] = DIRECT | engine.graph[node].index

    def add_port(self, port: int, node: str) -> None:
        """Let a node take UDP datagrams to a port, ``current_data`` behind the UDP header."""
        if not 0 < port <= 0xFFFF:
            raise Invalid(f"a UDP port is 1 to 65535, not {port}")
        if self._ports.setdefault(port, node) != node:
            raise Invalid(f"UDP port {port} is taken by {self._ports[port]}")
        udp_nodes[port] = DIRECT | self._engine.graph[node].index

    def remove_port(self, port: int) -> None:
        """Nobody takes datagrams to a port any more."""
        self._ports.pop(port, None)
        udp_nodes[port] = 0
