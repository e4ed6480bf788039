"""arp-input: the checks that need no knowledge of the interface."""

from __future__ import annotations

from weft.core.buffer import L3_HDR_VALID, Buffer
from weft.core.node import Nexts, node
from weft.core.runtime import NodeRuntime
from weft.core.trace import Entry
from weft.features.arp.errors import ArpDisabledError, ArpInputError
from weft.features.arp.format import format_arp
from weft.features.arp.model import arp_arc
from weft.features.arp.packet import ETHERNET, IP4_LENGTH, LENGTH, MAC_LENGTH, ArpHeader
from weft.features.ethernet.format import payloads
from weft.features.ethernet.model import ARP, IP4


class InputNext(Nexts):
    DROP = "error-drop"
    DISABLED = "arp-disabled"


class DisabledNext(Nexts):
    DROP = "error-drop"


def trace_arp(entry: Entry) -> str:
    """The ARP packet that the record starts with."""
    return "\n".join(format_arp(entry.bytes(0, LENGTH)))


@node("arp-input", next=InputNext, trace=trace_arp)
def arp_input(rt: NodeRuntime, pkt: Buffer) -> int:
    """Take ARP for IPv4 over Ethernet only, from senders that say who they are."""
    if pkt.current_length < LENGTH:
        return pkt.fail(ArpInputError.TOO_SHORT, InputNext.DROP)
    arp = ArpHeader(pkt.data)
    if arp.hardware_type != ETHERNET or arp.hardware_length != MAC_LENGTH:
        return pkt.fail(ArpInputError.L2_TYPE_NOT_ETHERNET, InputNext.DROP)
    if arp.protocol_type != IP4 or arp.protocol_length != IP4_LENGTH:
        return pkt.fail(ArpInputError.L3_TYPE_NOT_IP4, InputNext.DROP)
    if arp.sender == 0:
        return pkt.fail(ArpInputError.L3_DST_ADDRESS_UNSET, InputNext.DROP)
    pkt.l3_hdr_offset = pkt.current_data
    pkt.flags = pkt.flags | L3_HDR_VALID
    return arp_arc.start(pkt, pkt.rx_sw_if_index, InputNext.DISABLED)


@node("arp-disabled", next=DisabledNext, trace=trace_arp)
def arp_disabled(rt: NodeRuntime, pkt: Buffer) -> int:
    """ARP on an interface that has no IPv4 address."""
    return pkt.fail(ArpDisabledError.DISABLED, DisabledNext.DROP)


payloads[ARP] = format_arp
