"""What ip4-rewrite and ip6-rewrite have in common: the header that is put in front, and their trace."""

from __future__ import annotations

from weft.core.buffer import HEADROOM, Buffer
from weft.core.memory import copy
from weft.core.node import inline, routine
from weft.core.runtime import NodeRuntime
from weft.core.trace import Entry
from weft.features.fib.adjacency import COUNTED, ETHERNET, PLAIN, REWRITE_END, Adjacencies
from weft.features.fib.dpo import format_adjacency
from weft.features.fib.model import Adjacency, IpMeta, adjacency_counters

FINE = 1 << 40  #: no result of a node: the packet goes on
WORD = 8
SHOWN = 60  #: bytes of the packet in a trace
PER_LINE = 32


@inline
def put_in_front(rt: NodeRuntime, pkt: Buffer, adjacency: Adjacency, index: int) -> int:
    """Put an adjacency's header in front of a packet; 0 if there is no room for it."""
    start = pkt.current_data - ETHERNET
    if adjacency.flags & PLAIN and start >= -HEADROOM:
        # Fourteen bytes, as two words that overlap.
        header = adjacency.address + (REWRITE_END - ETHERNET)
        to = pkt.data - ETHERNET
        pkt.current_data = start
        pkt.current_length = pkt.current_length + ETHERNET
        copy(to, header, WORD)
        copy(to + (ETHERNET - WORD), header + (ETHERNET - WORD), WORD)
        return 1
    length = adjacency.rewrite_length
    if pkt.current_data < length - HEADROOM:
        return 0
    rare(rt, pkt, adjacency, index)
    pkt.advance(-length)
    return 1


@routine
def rare(rt: NodeRuntime, pkt: Buffer, adjacency: Adjacency, index: int) -> int:
    """Headers with tags, counting."""
    length = adjacency.rewrite_length
    copy(pkt.data - length, adjacency.address + REWRITE_END - length, length)
    if adjacency.flags & COUNTED:
        adjacency_counters.add(rt.worker, index, 1, pkt.total_length + length)
    return 0


def trace_rewrite(entry: Entry) -> str:
    meta = IpMeta(entry.buffer.opaque)
    adjacencies = entry.engine[Adjacencies]
    way = format_adjacency(adjacencies[meta.adj_index]) if meta.adj_index in adjacencies else "unknown adjacency"
    row = adjacencies[meta.adj_index].row if meta.adj_index in adjacencies else None
    data = entry.bytes(0, min(entry.buffer.current_length, SHOWN))
    lines = [
        f"tx_sw_if_index {row.sw_if_index if row else entry.buffer.tx_sw_if_index} dpo-idx {meta.adj_index} : "
        f"{way} flow hash: 0x{meta.flow_hash:08x}"
    ]
    lines += [f"{at:08x}: {data[at : at + PER_LINE].hex()}" for at in range(0, len(data), PER_LINE)]
    return "\n".join(lines)
