"""loopN-tx: what leaves by a loopback interface comes in by it."""

from __future__ import annotations

from weft.core.buffer import L2_HDR_VALID, VLAN_1_DEEP, VLAN_2_DEEP, Buffer
from weft.core.counters import count
from weft.core.node import Nexts, Per, node
from weft.core.runtime import NodeRuntime
from weft.core.trace import unseen
from weft.features.ethernet.errors import EthernetError
from weft.features.ethernet.header import EthernetHeader, header_length
from weft.features.interface.model import BRIDGED, rx, sw_interfaces, tx


class LoopbackNext(Nexts):
    L2 = "l2-input"
    ETHERNET = "ethernet-input"
    DROP = "error-drop"


@node("loopback-tx-template", next=LoopbackNext, template=True, trace=unseen, per=Per.TX)
def loopback_tx(rt: NodeRuntime, pkt: Buffer) -> int:
    """A BVI's packets enter its bridge domain; VPP counts them as sent once more here. Others come in as a frame."""
    counters = tx.of(rt.worker)
    sw_if_index = pkt.tx_sw_if_index
    if sw_interfaces[sw_if_index].flags & BRIDGED:
        count(counters, sw_if_index, 1, pkt.total_length)
        pkt.rx_sw_if_index = sw_if_index
        length = header_length(EthernetHeader(pkt.data), pkt.current_length)
        if length == 0:
            return pkt.fail(EthernetError.TOO_SHORT, LoopbackNext.DROP)
        pkt.l2_len = length
        pkt.l2_hdr_offset = pkt.current_data
        pkt.flags = pkt.flags | L2_HDR_VALID
        return LoopbackNext.L2
    rx.add(rt.worker, rt.data, 1, pkt.total_length)
    pkt.rx_sw_if_index = rt.data
    pkt.flags = pkt.flags & ~(VLAN_1_DEEP | VLAN_2_DEEP)
    return LoopbackNext.ETHERNET
