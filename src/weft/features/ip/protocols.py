"""Who takes packets to this machine: nodes by protocol, and by UDP port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.model import Invalid
from weft.core.runtime import DIRECT
from weft.core.view import Rows

if TYPE_CHECKING:
    from weft.core.engine import Engine


class Takers:
    """Which node takes which protocol, and which UDP port, of one family."""

    def __init__(self, engine: Engine, nodes: Rows[int], ports: Rows[int], registered: dict[int, str]) -> None:
        self._engine, self._nodes = engine, ports
        self._ports: dict[int, str] = {}
        for number, node in registered.items():
            nodes[number] = DIRECT | engine.graph[node].index

    def add_port(self, port: int, node: str) -> None:
        """Let a node take UDP datagrams to a port, ``current_data`` behind the UDP header."""
        if not 0 < port <= 0xFFFF:
            raise Invalid(f"a UDP port is 1 to 65535, not {port}")
        if self._ports.setdefault(port, node) != node:
            raise Invalid(f"UDP port {port} is taken by {self._ports[port]}")
        self._nodes[port] = DIRECT | self._engine.graph[node].index

    def remove_port(self, port: int) -> None:
        """Nobody takes datagrams to a port any more."""
        self._ports.pop(port, None)
        self._nodes[port] = 0
