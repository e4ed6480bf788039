"""gso-segment and checksum-finish: what a packet still owes when it leaves by a device that cannot do it."""

from __future__ import annotations

from weft.core.buffer import Buffer, free
from weft.core.node import Errors, Nexts, Severity, node
from weft.core.runtime import CONSUMED, NodeRuntime, append
from weft.core.trace import Entry
from weft.features.gso.checksum import settle
from weft.features.gso.segment import cut_out, cuts, survey
from weft.features.interface.model import NO_ETHERNET, sw_interfaces

__all__ = ["settle"]


class SegmentError(Errors, of="gso-segment"):
    NO_BUFFERS = "no buffers to segment GSO"
    UNHANDLED = "unhandled gso type"
    SEGMENTS = "segments made", Severity.INFO


class ChecksumError(Errors, of="checksum-finish"):
    BAD = "checksum is out of the packet"


class OffloadNext(Nexts):
    DROP = "error-drop"


def _trace_segment(entry: Entry) -> str:
    pkt = entry.buffer
    start = pkt.csum_start - pkt.current_data
    return f"gso_sz {pkt.gso_size} gso_type {pkt.gso_type} total_length {pkt.total_length} l4-hdr-offset {start}"


@node("gso-segment", next=OffloadNext, trace=_trace_segment)
def gso_segment(rt: NodeRuntime, pkt: Buffer) -> int:
    """Cut a large packet into segments with complete checksums, which leave in its place."""
    itf = sw_interfaces[pkt.tx_sw_if_index]
    cut = cuts[rt.worker.index]
    if survey(pkt, cut, itf.flags & NO_ETHERNET == 0) == 0:
        return pkt.fail(SegmentError.UNHANDLED, OffloadNext.DROP)
    number = 0
    while cut.left > 0 or number == 0:
        segment = cut_out(rt, pkt, cut, number)
        if segment == 0:
            return pkt.fail(SegmentError.NO_BUFFERS, OffloadNext.DROP)
        append(rt, segment, itf.output_node)
        number += 1
    rt.count(SegmentError.SEGMENTS, number)
    free(rt.worker.cache, pkt.index)
    return CONSUMED


def _trace_checksum(entry: Entry) -> str:
    pkt = entry.buffer
    return f"csum_start {pkt.csum_start - pkt.current_data} csum_offset {pkt.csum_offset}"


@node("checksum-finish", next=OffloadNext, trace=_trace_checksum)
def checksum_finish(rt: NodeRuntime, pkt: Buffer) -> int:
    """Compute the checksum that a packet owes, and let it leave."""
    if settle(pkt) == 0:
        return pkt.fail(ChecksumError.BAD, OffloadNext.DROP)
    return sw_interfaces[pkt.tx_sw_if_index].output_node
