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
        self._ports: dict[int, tuple[str, int]] = {}  # who takes it, and how often it was added
        for number, node in registered.items():
            nodes[number] = DIRECT | engine.graph[node].index

    def add_port(self, port: int, node: str) -> None:
        """Let a node take UDP datagrams to a port, ``current_data`` behind the UDP header. Each needs a
        ``remove_port``. Raises Invalid.
        """
        if not 0 < port <= 0xFFFF:
            raise Invalid(f"a UDP port is 1 to 65535, not {port}")
        taker, users = self._ports.get(port, (node, 0))
        if taker != node:
            raise Invalid(f"UDP port {port} is taken by {taker}")
        self._ports[port] = node, users + 1
        self._nodes[port] = DIRECT | self._engine.graph[node].index

    def takes(self, port: int) -> bool:
        """Whether somebody takes datagrams to a port."""
        return port in self._ports

    def remove_port(self, port: int) -> None:
        """Nobody takes datagrams to a port any more, if it was not added more often."""
        node, users = self._ports.pop(port, ("", 0))
        if users > 1:
            self._ports[port] = node, users - 1
        else:
            self._nodes[port] = 0
