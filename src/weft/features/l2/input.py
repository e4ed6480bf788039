"""l2-input: which features a packet is to pass; l2-input-vtr: the tags of its port taken off or changed."""

from __future__ import annotations

from weft.core.buffer import L2_HDR_VALID, Buffer
from weft.core.memory import prefetch_shared
from weft.core.node import Nexts, Per, inline, node, routine
from weft.core.runtime import NodeRuntime
from weft.core.table import handle_of, hash_of, line_of
from weft.core.view import Bytes, View, times, u8
from weft.features.arp.packet import LENGTH, REQUEST, ArpHeader
from weft.features.ethernet.header import (
    ARP,
    GROUP,
    IP6,
    EthernetHeader,
    header_length,
)
from weft.features.l2.errors import BitmapError, InputError, RewriteError
from weft.features.l2.layout import BVI, EthertypeBefore, L2Meta, Port, Word, before_layer_3, fib, fib_key, ports
from weft.features.l2.pipeline import (
    ARP_TERM,
    ARP_UFWD,
    FWD,
    UU_FLOOD,
    UU_FWD,
    VTR,
    XCONNECT,
    first_input_feature,
    next_input_feature,
)
from weft.features.l2.rewrite import rewrite_tags
from weft.features.l2.trace import trace_bitmap_drop, trace_input, trace_rewrite

ICMP6 = 58
NEIGHBOR_SOLICITATION = 135


class SolicitationHeader(View):
    """Of an IPv6 packet without extension headers (RFC 8200 3) what tells a neighbor solicitation (RFC 4861 4.3)."""

    before: Bytes = times(6)
    next_header: u8
    between: Bytes = times(33)
    icmp_type: u8


SOLICITATION_SIZE = SolicitationHeader.size


class InputNext(Nexts):
    DROP = "error-drop"


@node("l2-input", next=InputNext, trace=trace_input, counts=InputError.L2INPUT, per=Per.RX)
def l2_input(rt: NodeRuntime, pkt: Buffer) -> int:
    """Give a packet of a bridged or cross-connected interface its features, and ask for the memory where the L2 FIB
    has its addresses. Frames with L2_HDR_VALID have been measured (``l2_len``), others are measured here.
    """
    port = ports[pkt.rx_sw_if_index]
    if pkt.flags & L2_HDR_VALID == 0 and measure(pkt) == 0:
        return pkt.fail(InputError.DROP, InputNext.DROP)
    meta = L2Meta(pkt.opaque)
    context = port.context_word
    Word(meta.context.address).value = context
    features = port.features
    next = port.first_node
    if features & XCONNECT:
        pkt.tx_sw_if_index = port.output_sw_if_index
    else:
        frame = EthernetHeader(pkt.data)
        destination = frame.destination
        where = fib.where
        line = line_of(where, hash_of(fib_key(frame.source, context)))
        prefetch_shared(line)
        meta.source = handle_of(line)
        line = line_of(where, hash_of(fib_key(destination, context)))
        meta.destination = handle_of(line)
        prefetch_shared(line)
        if destination & GROUP:
            features = group_features(pkt, port, features)
            next = first_input_feature(features)
    meta.features = features
    return next


@routine
def measure(pkt: Buffer) -> int:
    """Put the length of a frame's header with its tags into ``l2_len``; 0 if it is cut off."""
    length = header_length(EthernetHeader(pkt.data), pkt.current_length)
    if length != 0:
        pkt.l2_len = length
        pkt.l2_hdr_offset = pkt.current_data
        pkt.flags = pkt.flags | L2_HDR_VALID
    return length


@routine
def group_features(pkt: Buffer, port: Port, features: int) -> int:
    """The features of a packet to many: flooded, unless it is ARP that is answered or sent elsewhere."""
    last = before_layer_3(pkt)
    features &= ~(FWD | UU_FLOOD | UU_FWD)
    asks = asks_for_neighbor(last, pkt.current_length - pkt.l2_len)
    if last.ethertype != ARP:
        features &= ~(ARP_UFWD if asks else ARP_TERM | ARP_UFWD)
    if port.flags & BVI and asks == 0:
        # What layer 3 sends to many goes to everybody but its own split-horizon group; its questions go everywhere.
        L2Meta(pkt.opaque).context.shg = port.shg
    return features


@inline
def asks_for_neighbor(last: EthertypeBefore, length: int) -> int:
    """Whether what follows is an ARP request or a neighbor solicitation."""
    if last.ethertype == ARP:
        return length >= LENGTH and ArpHeader(last.payload).opcode == REQUEST
    if last.ethertype == IP6 and length >= SOLICITATION_SIZE:
        ip6 = SolicitationHeader(last.payload)
        return ip6.next_header == ICMP6 and ip6.icmp_type == NEIGHBOR_SOLICITATION
    return False


@node("l2-input-vtr", next=InputNext, trace=trace_rewrite, per=Per.RX)
def l2_input_vtr(rt: NodeRuntime, pkt: Buffer) -> int:
    """Rewrite the tags as the port that the packet came in by asks for."""
    if rewrite_tags(pkt, ports[pkt.rx_sw_if_index].input_rewrite) == 0:
        return pkt.fail(RewriteError.DROP, InputNext.DROP)
    return next_input_feature(pkt, VTR)


@node("feature-bitmap-drop", next=InputNext, trace=trace_bitmap_drop)
def feature_bitmap_drop(rt: NodeRuntime, pkt: Buffer) -> int:
    """Where packets go for which no feature is left: their bridge domain neither forwards nor floods them."""
    return pkt.fail(BitmapError.NO_FORWARDING, InputNext.DROP)
