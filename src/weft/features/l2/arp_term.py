"""arp-term-l2bd: ARP requests and neighbor solicitations for addresses that the bridge domain knows are answered in
their place.
"""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.node import Nexts, inline, node, routine
from weft.core.punt import punt_copy
from weft.core.runtime import NodeRuntime
from weft.core.table import lookup
from weft.features.arp.packet import ETHERNET, IP4_LENGTH, LENGTH, MAC_LENGTH, REPLY, REQUEST, ArpHeader
from weft.features.ethernet.header import ARP, GROUP, IP4, IP6, EthernetHeader
from weft.features.interface.model import rx
from weft.features.l2.bvi import to_bvi
from weft.features.l2.errors import ArpTermError, ForwardError
from weft.features.l2.events import ARP_HEARD, arp_watch
from weft.features.l2.layout import BVI, L2Meta, arp_entries, arp_key, before_layer_3, ports
from weft.features.l2.nd_term import answer_solicitation
from weft.features.l2.pipeline import ARP_TERM, next_input_feature
from weft.features.l2.trace import trace_in_domain

UNKNOWN = 0  #: no entry has this MAC address
MULTICAST = 0xE  #: the first four bits of such an IPv4 address (RFC 1112 4)


class ArpTermNext(Nexts):
    OUTPUT = "l2-output"
    DROP = "error-drop"


@node("arp-term-l2bd", next=ArpTermNext, trace=trace_in_domain)
def arp_term_l2bd(rt: NodeRuntime, pkt: Buffer) -> int:
    """Answer a request if the bridge domain has the address in its table; what makes no sense is dropped."""
    last = before_layer_3(pkt)
    if last.ethertype != ARP:
        if last.ethertype == IP6 and answer_solicitation(pkt, last.payload, L2Meta(pkt.opaque).context.bd_index):
            rt.count(ArpTermError.REPLIES_SENT, 1)
            return back(rt, pkt)
        return next_input_feature(pkt, ARP_TERM)
    if pkt.current_length < pkt.l2_len + LENGTH:
        return pkt.fail(ArpTermError.TOO_SHORT, ArpTermNext.DROP)
    arp = ArpHeader(last.payload)
    if arp.opcode != REQUEST:
        if arp_watch.wanted:
            tell(rt, pkt, arp)
        return next_input_feature(pkt, ARP_TERM)
    error = wrong(EthernetHeader(pkt.data), arp)
    if error != 0:
        return pkt.fail(error, ArpTermNext.DROP)
    if arp_watch.wanted:
        tell(rt, pkt, arp)
    key = arp_key(L2Meta(pkt.opaque).context.bd_index, arp.target)
    address = lookup(arp_entries, key, UNKNOWN)
    if address == UNKNOWN or arp.sender == arp.target:
        return next_input_feature(pkt, ARP_TERM)
    rt.count(ArpTermError.REPLIES_SENT, 1)
    answer(pkt, arp, address)
    return back(rt, pkt)


@inline
def back(rt: NodeRuntime, pkt: Buffer) -> int:
    """Send an answer to where the question came from."""
    sw_if_index = pkt.rx_sw_if_index
    if ports[sw_if_index].flags & BVI:
        # The reply's destination is the BVI, so layer 3 takes it.
        counters, destination = rx.of(rt.worker), EthernetHeader(pkt.data).destination
        bad_mac, bad_type = ForwardError.BVI_BAD_MAC, ForwardError.BVI_ETHERTYPE
        next = to_bvi(counters, pkt, destination, sw_if_index, bad_mac, bad_type)
        return next if next >= 0 else ArpTermNext.DROP
    pkt.tx_sw_if_index = sw_if_index
    return ArpTermNext.OUTPUT


@routine
def tell(rt: NodeRuntime, pkt: Buffer, arp: ArpHeader) -> int:
    """Let those know who want to that a host has spoken, if it says who it is (RFC 5227 2.1.1: a probe does not)."""
    if arp.sender != 0 and arp.sender_mac == EthernetHeader(pkt.data).source:
        punt_copy(rt.worker, pkt.index, ARP_HEARD, arp.sender)
    return 0


@routine
def wrong(frame: EthernetHeader, arp: ArpHeader) -> int:
    """What is wrong with a request: an error, or 0. (RFC 826; RFC 5227 2.1.1 for the addresses.)"""
    if arp.hardware_type != ETHERNET or arp.hardware_length != MAC_LENGTH:
        return ArpTermError.L2_TYPE_NOT_ETHERNET
    if arp.protocol_type != IP4 or arp.protocol_length != IP4_LENGTH:
        return ArpTermError.L3_TYPE_NOT_IP4
    if arp.sender_mac != frame.source or arp.sender_mac & GROUP:
        return ArpTermError.L2_ADDRESS_MISMATCH
    if arp.sender >> 28 == MULTICAST:
        return ArpTermError.L3_SRC_ADDRESS_NOT_LOCAL
    return 0


@routine
def answer(pkt: Buffer, arp: ArpHeader, address: int) -> int:
    """Make a request into its reply, in place."""
    frame = EthernetHeader(pkt.data)
    asked = arp.target
    arp.opcode = REPLY
    arp.target = arp.sender
    arp.target_mac = arp.sender_mac
    arp.sender = asked
    arp.sender_mac = address
    frame.destination = frame.source
    frame.source = address
    return 0
