"""The forwarding table's protocol-independent parts, as other features use them."""

from weft.features.fib.adjacency import (
    COMPLETE,
    GLEAN,
    INCOMPLETE,
    MAX_REWRITE,
    Adjacencies,
    Adjacency,
    Record,
    adjacencies,
    adjacency_counters,
)
from weft.features.fib.load_balance import ATTACHED, CONNECTED, DROPS, LOCAL, route_balance
from weft.features.fib.meta import BY_INTERFACE, IpMeta
from weft.features.fib.path import Path, PathKind, Resolve, via
from weft.features.fib.path_list import PathList
from weft.features.fib.path_lists import PathLists
from weft.features.fib.source import Source

__all__ = [
    "ATTACHED",
    "BY_INTERFACE",
    "COMPLETE",
    "CONNECTED",
    "DROPS",
    "GLEAN",
    "INCOMPLETE",
    "LOCAL",
    "MAX_REWRITE",
    "Adjacencies",
    "Adjacency",
    "IpMeta",
    "Path",
    "PathKind",
    "PathList",
    "PathLists",
    "Record",
    "Resolve",
    "Source",
    "adjacencies",
    "adjacency_counters",
    "route_balance",
    "via",
]
