"""What traces show of packets at pg-input and at an interface's way out."""

from __future__ import annotations

from weft.core.trace import Entry
from weft.features.ethernet.format import format_frame, payloads
from weft.features.ethernet.header import IP4, IP6
from weft.features.pg.model import PacketGenerator, PgMeta
from weft.features.vlib.format import buffer_summary, format_buffer

#: Nodes that a stream may start at -> the ethertype of what they take; others take frames.
STARTS = {"ip4-input": IP4, "ip4-lookup": IP4, "ip6-input": IP6, "ip6-lookup": IP6}


def trace_input(entry: Entry) -> str:
    """``stream p1, 46 bytes, sw_if_index 8, next_node ethernet-input``, then the buffer and the packet."""
    pkt = entry.buffer
    name, node = entry.engine[PacketGenerator].known(PgMeta(pkt.opaque2).stream)
    shown = payloads.get(STARTS[node], _hex) if node in STARTS else format_frame
    lines = [
        f"stream {name}, {pkt.total_length} bytes, sw_if_index {pkt.rx_sw_if_index}, next_node {node}",
        buffer_summary(pkt),
        *shown(entry.bytes(0, pkt.current_length)),
    ]
    return "\n".join(lines)


def trace_tx(entry: Entry) -> str:
    """The buffer, and the frame that leaves."""
    return "\n".join([*format_buffer(entry), *format_frame(entry.bytes(0, entry.buffer.current_length))])


def _hex(data: bytes) -> list[str]:
    return [data[at : at + 32].hex() for at in range(0, len(data), 32)]
