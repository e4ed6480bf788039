"""From layer 2 to layer 3: a bridge domain's virtual interface (BVI) takes a packet."""

from __future__ import annotations

from weft.core.buffer import L3_HDR_VALID, NEXT_PRESENT, NO_INTERFACE, Buffer
from weft.core.counters import count
from weft.core.node import inline
from weft.features.ethernet.errors import EthernetError
from weft.features.ethernet.header import GROUP
from weft.features.ethernet.model import ethertype_nodes
from weft.features.interface.model import ADMIN_UP, sw_interfaces
from weft.features.l2.layout import before_layer_3

REFUSED = -1  #: layer 3 does not take the packet

#: No protocol has this ethertype (RFC 1701): its packets go where those go of whose protocol there is no feature.
RESERVED_ETHERTYPE = 0xFFFF


@inline
def to_bvi(counters: int, pkt: Buffer, destination: int, sw_if_index: int, bad_mac: int, bad_ethertype: int) -> int:
    """Let a packet come in by a BVI at layer 3: its next node, or REFUSED, with its error set. It is counted in
    ``counters``, the thread's ``rx``.
    """
    bvi = sw_interfaces[sw_if_index]
    if bvi.flags & ADMIN_UP == 0:
        return pkt.fail(EthernetError.DOWN, REFUSED)
    if destination & GROUP == 0 and destination != bvi.mac:
        return pkt.fail(bad_mac, REFUSED)
    next = ethertype_nodes[before_layer_3(pkt).ethertype]
    if next == ethertype_nodes[RESERVED_ETHERTYPE]:
        return pkt.fail(bad_ethertype, REFUSED)
    length = pkt.l2_len
    start = pkt.current_data + length
    octets = pkt.current_length - length
    flags = pkt.flags
    pkt.current_data = start
    pkt.l3_hdr_offset = start
    pkt.current_length = octets
    pkt.flags = flags | L3_HDR_VALID
    pkt.rx_sw_if_index = sw_if_index
    pkt.tx_sw_if_index = NO_INTERFACE
    if flags & NEXT_PRESENT:
        octets += pkt.rest_length
    count(counters, sw_if_index, 1, octets)
    return next
