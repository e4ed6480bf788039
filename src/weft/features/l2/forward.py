"""l2-fwd: to the port behind which the destination is; l2-uu-fwd: to the one for those that nobody knows."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.node import Nexts, Per, node, routine
from weft.core.runtime import NodeRuntime
from weft.core.table import bucket_at, lookup_in
from weft.features.ethernet.header import EthernetHeader
from weft.features.interface.model import rx
from weft.features.l2.bvi import to_bvi
from weft.features.l2.errors import ForwardError, UnknownUnicastError
from weft.features.l2.layout import (
    AGE_NOT,
    BVI_ENTRY,
    FILTER,
    MISSING,
    SN_SHIFT,
    SW_IF_INDEX,
    Forwarded,
    L2Meta,
    bridge_domains,
    fib,
    fib_key,
    ports,
)
from weft.features.l2.pipeline import FWD, UU_FLOOD, UU_FWD, next_input_feature
from weft.features.l2.trace import trace_forward, trace_in_domain


class ForwardNext(Nexts):
    OUTPUT = "l2-output"
    DROP = "error-drop"


@node("l2-fwd", next=ForwardNext, trace=trace_forward, per=Per.RX, asked=True)
def l2_fwd(rt: NodeRuntime, pkt: Buffer) -> int:
    """Look the destination up."""
    counters = rx.of(rt.worker)
    meta = L2Meta(pkt.opaque)
    destination = EthernetHeader(pkt.data).destination
    key = fib_key(destination, ports[pkt.rx_sw_if_index].context_word)
    entry = lookup_in(fib, bucket_at(meta.destination), key, MISSING)
    Forwarded(pkt.opaque).result = entry
    if entry == MISSING:
        return unknown(pkt, ForwardError.FLOOD)
    sw_if_index = entry & SW_IF_INDEX
    if entry & AGE_NOT == 0 and entry >> SN_SHIFT & 0xFFFF != ports[sw_if_index].context.sn:
        return unknown(pkt, ForwardError.STALE_DROP)
    if sw_if_index == pkt.rx_sw_if_index:
        return pkt.fail(ForwardError.REFLECT_DROP, ForwardNext.DROP)
    if entry & (FILTER | BVI_ENTRY):
        if entry & FILTER:
            return pkt.fail(ForwardError.FILTER_DROP, ForwardNext.DROP)
        Forwarded(pkt.opaque).rx_sw_if_index = pkt.rx_sw_if_index
        bad_mac, bad_type = ForwardError.BVI_BAD_MAC, ForwardError.BVI_ETHERTYPE
        next = to_bvi(counters, pkt, destination, sw_if_index, bad_mac, bad_type)
        return next if next >= 0 else ForwardNext.DROP
    pkt.tx_sw_if_index = sw_if_index
    return ForwardNext.OUTPUT


@routine
def unknown(pkt: Buffer, error: int) -> int:
    """Nobody knows the destination, or somebody knew it once: to whatever the bridge domain does with such packets."""
    if L2Meta(pkt.opaque).features & (UU_FLOOD | UU_FWD):
        return next_input_feature(pkt, FWD)
    return pkt.fail(error, ForwardNext.DROP)


@node("l2-uu-fwd", next=ForwardNext, trace=trace_in_domain, counts=UnknownUnicastError.L2_UU_FWD)
def l2_uu_fwd(rt: NodeRuntime, pkt: Buffer) -> int:
    """To the bridge domain's interface for what nobody knows."""
    to = bridge_domains[L2Meta(pkt.opaque).context.bd_index].uu_fwd_sw_if_index
    if to == pkt.rx_sw_if_index:
        return pkt.fail(ForwardError.REFLECT_DROP, ForwardNext.DROP)
    pkt.tx_sw_if_index = to
    return ForwardNext.OUTPUT
