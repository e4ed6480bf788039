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
from weft.features.fib.meta import BY_INTERFACE, IpMeta

__all__ = [
    "BY_INTERFACE",
    "COMPLETE",
    "GLEAN",
    "INCOMPLETE",
    "MAX_REWRITE",
    "Adjacencies",
    "Adjacency",
    "IpMeta",
    "Record",
    "adjacencies",
    "adjacency_counters",
]
