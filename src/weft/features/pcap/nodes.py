"""Features that copy the packets which pass by into the capture of `pcap trace`."""

from __future__ import annotations

from weft.core.buffer import L2_HDR_VALID, Buffer
from weft.core.graph import feature, next_feature
from weft.core.node import node
from weft.core.runtime import NodeRuntime
from weft.core.trace import unseen
from weft.features.pcap.capture import keep
from weft.features.pcap.model import ANY_ERROR, PLACES, tracing


@node("pcap-trace-rx", trace=unseen)
def pcap_trace_rx(rt: NodeRuntime, pkt: Buffer) -> int:
    """What an interface receives."""
    keep(tracing.capture, pkt, 0)
    return next_feature(pkt)


@node("pcap-trace-tx", trace=unseen)
def pcap_trace_tx(rt: NodeRuntime, pkt: Buffer) -> int:
    """What leaves by an interface."""
    keep(tracing.capture, pkt, 0)
    return next_feature(pkt)


@node("pcap-trace-drop", trace=unseen)
def pcap_trace_drop(rt: NodeRuntime, pkt: Buffer) -> int:
    """What is dropped, with the layer-2 header in front that it came with."""
    wanted = tracing.error
    if wanted == ANY_ERROR or wanted == pkt.error:
        start = 0
        if pkt.flags & L2_HDR_VALID and pkt.l2_hdr_offset < pkt.current_data:
            start = pkt.l2_hdr_offset - pkt.current_data
        keep(tracing.capture, pkt, start)
    return next_feature(pkt)


for _arc, _node in PLACES.values():
    feature(_arc, _node)
