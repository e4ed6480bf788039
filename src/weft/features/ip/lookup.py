"""What the lookups of IPv4 and IPv6 have in common."""

from __future__ import annotations

from collections.abc import Callable

from weft.core.node import inline
from weft.core.trace import Entry
from weft.features.fib.model import IpMeta

MOST_LOOKUPS = 4  #: in tables that lead to one another, as VPP
SHOWN = 128  #: bytes of the packet in a trace


@inline
def look_elsewhere(meta: IpMeta) -> int:
    """The route says: look in another table, that of ``adj_index``. ``flags`` counts how often a packet was told so; 0:
    too often.
    """
    if meta.flags >= MOST_LOOKUPS:
        return 0
    meta.flags = meta.flags + 1
    meta.fib_index = meta.adj_index
    return 1


def lookup_trace(format: Callable[[bytes], list[str]]) -> Callable[[Entry], str]:
    """What the nodes of a family show, whose packets are described by ``format``."""

    def trace(entry: Entry) -> str:
        meta = IpMeta(entry.buffer.opaque)
        first = f"fib {meta.fib_index} dpo-idx {meta.adj_index} flow hash: 0x{meta.flow_hash:08x}"
        return "\n".join([first, *format(entry.bytes(0, min(entry.buffer.current_length, SHOWN)))])

    return trace
