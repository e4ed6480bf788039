"""Who takes packets to this machine: nodes by protocol, and by UDP port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core import arena
from weft.core.model import model
from weft.core.view import u8, u32
from weft.features.ip.protocols import Takers

if TYPE_CHECKING:
    from weft.core.engine import Engine

#: By protocol, the node (``DIRECT | node``) that takes packets to this machine; 0: nobody does.
protocol_nodes6 = arena.table("ip6-protocol-nodes", u32, 256)
#: The same by UDP destination port.
udp_nodes6 = arena.table("ip6-udp-nodes", u32, 1 << 16)
#: Ports to which datagrams without a checksum may come: those of tunnels (RFC 6936).
without_checksum = arena.table("ip6-udp-without-checksum", u8, 1 << 16)

_protocols: dict[int, str] = {}


def register_protocol6(number: int, node: str) -> None:
    """Say at import which node takes a protocol's packets to this machine, ``current_data`` at the IP header and
    ``l4_hdr_offset`` where the protocol's own is.
    """
    if _protocols.setdefault(number, node) != node:
        raise ValueError(f"IP protocol {number} goes to {_protocols[number]}, so not to {node}")


@model
class Protocols6(Takers):
    """Which node takes which protocol, and which UDP port."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, protocol_nodes6, udp_nodes6, _protocols)

    def allow_no_checksum(self, port: int, allowed: bool = True) -> None:
        """Whether datagrams to a port need no checksum (RFC 6936 4, 5)."""
        without_checksum[port] = int(allowed)
