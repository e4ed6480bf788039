"""What show trace says of a packet at a layer-2 node, as VPP."""

from __future__ import annotations

from weft.core.trace import Entry
from weft.features.ethernet.header import HEADER
from weft.features.l2.layout import AGE_NOT, BVI_ENTRY, FILTER, MISSING, STATIC, SW_IF_INDEX, Forwarded, L2Meta
from weft.features.l2.pipeline import INPUT

FLAGS = {STATIC: "static", AGE_NOT: "age-not", BVI_ENTRY: "bvi", FILTER: "filter"}
NO_RESULT = (1 << 64) - 1  #: how VPP shows that there is no entry


def _addresses(entry: Entry) -> str:
    pkt = entry.buffer
    frame = entry.bytes(pkt.l2_hdr_offset - pkt.current_data, HEADER)
    return f"dst {frame[:6].hex(':')} src {frame[6:12].hex(':')}"


def trace_input(entry: Entry) -> str:
    features = "".join(f"{name} " for name in INPUT.names(L2Meta(entry.buffer.opaque).features))
    return f"l2-input: sw_if_index {entry.buffer.rx_sw_if_index} {_addresses(entry)} [{features}]"


def _data(entry: Entry) -> str:
    """Twelve bytes from the ethertype or the first tag on."""
    return entry.bytes(HEADER - 2, 12).hex(" ")


def trace_rewrite(entry: Entry) -> str:
    return f"l2-input-vtr: sw_if_index {entry.buffer.rx_sw_if_index} {_addresses(entry)} data {_data(entry)}"


def trace_output(entry: Entry) -> str:
    return f"l2-output: sw_if_index {entry.buffer.tx_sw_if_index} {_addresses(entry)} data {_data(entry)}"


def trace_in_domain(entry: Entry) -> str:
    pkt = entry.buffer
    bd_index = L2Meta(pkt.opaque).context.bd_index
    return f"{entry.node}: sw_if_index {pkt.rx_sw_if_index} {_addresses(entry)} bd_index {bd_index}"


def trace_flood(entry: Entry) -> str:
    pkt = entry.buffer
    sw_if_index = Forwarded(pkt.opaque).rx_sw_if_index
    bd_index = L2Meta(pkt.opaque).context.bd_index
    return f"l2-flood: sw_if_index {sw_if_index} {_addresses(entry)} bd_index {bd_index}"


def trace_forward(entry: Entry) -> str:
    pkt = entry.buffer
    forwarded = Forwarded(pkt.opaque)
    result = forwarded.result & NO_RESULT
    sw_if_index = forwarded.rx_sw_if_index if result & BVI_ENTRY else pkt.rx_sw_if_index
    words = "".join(f" {word}" for flag, word in FLAGS.items() if result & flag) or " none"
    to = result & SW_IF_INDEX
    if result == MISSING or to == SW_IF_INDEX:
        result, to = result or NO_RESULT, -1
    return (
        f"l2-fwd:   sw_if_index {sw_if_index} {_addresses(entry)} bd_index {L2Meta(pkt.opaque).context.bd_index}"
        f" result [0x{result:x}, {to}]{words}"
    )


def trace_bitmap_drop(entry: Entry) -> str:
    return f"feat-bitmap-drop: feature bitmap 0x{L2Meta(entry.buffer.opaque).features:08x}"
