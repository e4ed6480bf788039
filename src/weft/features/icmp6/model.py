"""ICMPv6 as packet code sees it: which node takes which type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core import arena
from weft.core.model import model
from weft.core.runtime import DIRECT
from weft.core.view import u32

if TYPE_CHECKING:
    from weft.core.engine import Engine

#: By type: the node that takes messages to this machine (DIRECT | node); 0: nobody does.
type_nodes6 = arena.table("icmp6-type-nodes", u32, 256)

_registered: dict[int, str] = {}


def register_type6(type: int, node: str) -> None:
    """Let ``ip6-icmp-input`` hand messages of this type to a node; to be called when the feature is imported."""
    if _registered.setdefault(type, node) != node:
        raise ValueError(f"ICMPv6 type {type} is taken by node {_registered[type]}, {node} cannot have it too")


@model
class Icmp6:
    """Which node takes which type."""

    def __init__(self, engine: Engine) -> None:
        for type, node in _registered.items():
            type_nodes6[type] = DIRECT | engine.graph[node].index
