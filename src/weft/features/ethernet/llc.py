"""Frames that carry a length in the ethertype's place: LLC (IEEE 802.2) and SNAP (RFC 1042)."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.node import Errors, Nexts, node
from weft.core.runtime import NodeRuntime
from weft.features.ethernet.errors import EthernetError
from weft.features.ethernet.header import FIRST_TYPE, LlcHeader, SnapHeader
from weft.features.ethernet.model import ethertype_nodes

SNAP = 0xAA
UNNUMBERED = 0x03
LENGTH_SIZE = 2
LLC_SIZE = 3
SNAP_SIZE = 5


class LlcError(Errors, of="llc-input"):
    UNKNOWN_PROTOCOL = "unknown llc ssap/dsap"
    UNKNOWN_CONTROL = "control != 0x3"


class SnapError(Errors, of="snap-input"):
    UNKNOWN_PROTOCOL = "unknown oui/snap protocol"


class LlcNext(Nexts):
    SNAP = "snap-input"
    DROP = "error-drop"


class SnapNext(Nexts):
    DROP = "error-drop"


@node("llc-input", next=LlcNext)
def llc_input(rt: NodeRuntime, pkt: Buffer) -> int:
    """The packet starts at its LLC header; of the protocols there, only SNAP is known."""
    llc = LlcHeader(pkt.data - LENGTH_SIZE)
    if llc.length > pkt.total_length or llc.length < LLC_SIZE or pkt.current_length < LLC_SIZE:
        return pkt.fail(EthernetError.BAD_LLC_LENGTH, LlcNext.DROP)
    if llc.dsap != SNAP or llc.ssap != SNAP:
        return pkt.fail(LlcError.UNKNOWN_PROTOCOL, LlcNext.DROP)
    if llc.control != UNNUMBERED:
        return pkt.fail(LlcError.UNKNOWN_CONTROL, LlcNext.DROP)
    if llc.length < LLC_SIZE + SNAP_SIZE or pkt.current_length < LLC_SIZE + SNAP_SIZE:
        return pkt.fail(EthernetError.BAD_LLC_LENGTH, LlcNext.DROP)
    pkt.advance(LLC_SIZE)
    return LlcNext.SNAP


@node("snap-input", next=SnapNext)
def snap_input(rt: NodeRuntime, pkt: Buffer) -> int:
    """SNAP with the OUI of nobody names a protocol by its ethertype."""
    snap = SnapHeader(pkt.data)
    if snap.oui_high != 0 or snap.oui_low != 0 or snap.ethertype < FIRST_TYPE:
        return pkt.fail(SnapError.UNKNOWN_PROTOCOL, SnapNext.DROP)
    pkt.advance(SNAP_SIZE)
    pkt.l3_hdr_offset = pkt.current_data
    return ethertype_nodes[snap.ethertype]
