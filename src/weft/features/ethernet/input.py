"""ethernet-input: from a frame to its interface, by its VLAN tags, and on to layer 2 or layer 3."""

from __future__ import annotations

from weft.core.buffer import L2_HDR_VALID, L3_HDR_VALID, VLAN_1_DEEP, Buffer
from weft.core.counters import count
from weft.core.node import Nexts, Per, inline, node, routine
from weft.core.runtime import NodeRuntime
from weft.core.trace import Entry
from weft.features.ethernet.errors import EthernetError
from weft.features.ethernet.format import format_header
from weft.features.ethernet.header import (
    ANY_VLAN,
    DOT1AD,
    DOT1Q,
    GROUP,
    HEADER,
    SMALLEST_TAG,
    TAG,
    VLAN_MASK,
    EthernetHeader,
    VlanTag,
    is_tag,
)
from weft.features.ethernet.model import VlanTable, ethertype_nodes, ports
from weft.features.interface.model import (
    ADMIN_UP,
    BRIDGED,
    PUNTED,
    UNTAGGED_ELSEWHERE,
    Interfaces,
    rx,
    sw_interfaces,
)
from weft.features.interface.secondary import is_secondary

#: From here on, some ethertypes announce a tag; below it, only 802.1Q's does.
RARE = 0x8800


class InputNext(Nexts):
    L2 = "l2-input"
    DROP = "error-drop"
    PUNT = "error-punt"


class UnknownNext(Nexts):
    PUNT = "error-punt"


def _trace_input(entry: Entry) -> str:
    pkt = entry.buffer
    interface = entry.engine[Interfaces].by_index.get(pkt.rx_sw_if_index)
    port = interface.sup or interface if interface else None
    start = pkt.l2_hdr_offset - pkt.current_data
    lines = [format_header(entry.bytes(start, pkt.current_length - start))]
    if port:
        lines.insert(0, f"frame: flags 0x1, hw-if-index {port.hw_if_index}, sw-if-index {port.sw_if_index}")
    return "\n".join(lines)


@node("ethernet-input", next=InputNext, trace=_trace_input, per=Per.RX)
def ethernet_input(rt: NodeRuntime, pkt: Buffer) -> int:
    """Find a frame's interface and its layer 3. The usual kinds of frames are dealt with here: without a tag on a port
    without an ``untagged`` sub-interface, and with one 802.1Q tag whose VLAN has a sub-interface.
    Whoever sends a packet here again has cleared its flags VLAN_..._DEEP.
    """
    counters = rx.of(rt.worker)
    frame = EthernetHeader(pkt.data)
    port = pkt.rx_sw_if_index
    start = pkt.current_data
    length = pkt.current_length
    pkt.l2_hdr_offset = start
    if length < HEADER:
        return pkt.fail(EthernetError.TOO_SHORT, InputNext.DROP)
    ethertype = frame.ethertype
    if ethertype < SMALLEST_TAG or (ethertype != DOT1Q and (ethertype < RARE or is_tag(ethertype) == 0)):
        flags = sw_interfaces[port].flags
        if flags & (ADMIN_UP | UNTAGGED_ELSEWHERE | PUNTED) == ADMIN_UP:
            pkt.l2_len = HEADER
            pkt.l3_hdr_offset = start + HEADER
            pkt.flags = pkt.flags | L2_HDR_VALID | L3_HDR_VALID
            if flags & BRIDGED:
                return InputNext.L2
            return to_layer_3(pkt, frame, port, ethertype, HEADER)
    elif ethertype == DOT1Q and length >= HEADER + TAG:
        tag = VlanTag(frame.payload)
        ethertype = tag.ethertype
        table = ports[port].dot1q
        if ethertype != DOT1Q and table.address != 0:
            sub = table.one[tag.tci & VLAN_MASK]
            flags = sw_interfaces[sub].flags
            if sub != 0 and flags & (ADMIN_UP | PUNTED) == ADMIN_UP:
                count(counters, sub, 1, pkt.total_length)
                pkt.rx_sw_if_index = sub
                pkt.l2_len = HEADER + TAG
                pkt.l3_hdr_offset = start + HEADER + TAG
                pkt.flags = pkt.flags | L2_HDR_VALID | L3_HDR_VALID | VLAN_1_DEEP
                if flags & BRIDGED:
                    return InputNext.L2
                return to_layer_3(pkt, frame, sub, ethertype, HEADER + TAG)
    return find_interface(rt, pkt)


@inline
def to_layer_3(pkt: Buffer, frame: EthernetHeader, sw_if_index: int, ethertype: int, length: int) -> int:
    """Hand a packet to its protocol if the frame is meant for us; else it is dropped at the device's interface."""
    destination = frame.destination
    itf = sw_interfaces[sw_if_index]
    if destination & GROUP == 0 and destination != itf.mac and is_secondary(itf.sup_sw_if_index, destination) == 0:
        pkt.rx_sw_if_index = itf.sup_sw_if_index
        return pkt.fail(EthernetError.L3_MAC_MISMATCH, InputNext.DROP)
    pkt.advance(length)
    return ethertype_nodes[ethertype]


@routine
def find_interface(rt: NodeRuntime, pkt: Buffer) -> int:
    """What ``ethernet-input`` does with any frame: read up to three tags, and look for the interface that they name,
    the most specific first.
    """
    frame = EthernetHeader(pkt.data)
    port = ports[pkt.rx_sw_if_index]
    ethertype = frame.ethertype
    if is_tag(ethertype) == 0:
        return enter(rt, pkt, port.untagged if port.untagged != 0 else pkt.rx_sw_if_index, ethertype, 0)
    table = port.dot1ad if ethertype == DOT1AD else port.dot1q
    if pkt.current_length < HEADER + TAG:
        return pkt.fail(EthernetError.TOO_SHORT, InputNext.DROP)
    tag = VlanTag(frame.payload)
    outer = tag.tci & VLAN_MASK
    inner = 0
    tags = 1
    ethertype = tag.ethertype
    if ethertype == DOT1Q:
        if pkt.current_length < HEADER + 2 * TAG:
            return pkt.fail(EthernetError.TOO_SHORT, InputNext.DROP)
        tag = VlanTag(tag.payload)
        inner = tag.tci & VLAN_MASK
        tags = 2
        ethertype = tag.ethertype
        if ethertype == DOT1Q:
            if pkt.current_length < HEADER + 3 * TAG:
                return pkt.fail(EthernetError.TOO_SHORT, InputNext.DROP)
            tags = 3
    sub = 0
    if table.address != 0:
        sub = look_up(table, outer, inner, tags)
        if sub == 0:
            sub = look_up(table, ANY_VLAN, inner, tags)
    if sub == 0:
        sub = port.default
    if sub == 0 and outer == 0 and tags == 1:
        # A tag for priority only: the frame counts as untagged (IEEE 802.1Q 6.9).
        sub = port.untagged if port.untagged != 0 else pkt.rx_sw_if_index
    if sub == 0 and sw_interfaces[pkt.rx_sw_if_index].flags & BRIDGED:
        # A bridged device's interface takes all that is nobody else's, whatever its tags.
        sub = pkt.rx_sw_if_index
    if sub == 0:
        return pkt.fail(EthernetError.UNKNOWN_VLAN, InputNext.DROP)
    return enter(rt, pkt, sub, ethertype, tags)


@inline
def enter(rt: NodeRuntime, pkt: Buffer, sw_if_index: int, ethertype: int, tags: int) -> int:
    """A frame is the interface's, if that is up: count it if it is a sub-interface, and send it to layer 2 or 3."""
    flags = sw_interfaces[sw_if_index].flags
    if flags & ADMIN_UP == 0:
        return pkt.fail(EthernetError.DOWN, InputNext.DROP)
    if sw_if_index != pkt.rx_sw_if_index:
        rx.add(rt.worker, sw_if_index, 1, pkt.total_length)
        pkt.rx_sw_if_index = sw_if_index
    if flags & PUNTED:
        return pkt.fail(EthernetError.PUNTED, InputNext.PUNT)
    length = HEADER + TAG * tags
    pkt.l2_len = length
    pkt.l3_hdr_offset = pkt.current_data + length
    pkt.flags = pkt.flags | L2_HDR_VALID | L3_HDR_VALID | tags * VLAN_1_DEEP
    if flags & BRIDGED:
        return InputNext.L2
    return to_layer_3(pkt, EthernetHeader(pkt.data), sw_if_index, ethertype, length)


@inline
def look_up(table: VlanTable, row: int, inner: int, tags: int) -> int:
    """The sub-interface that a row of a VLAN table gives for frames of so many tags; 0: none."""
    if tags == 1:
        return table.one[row]
    outer = table.outer[row]
    rows = outer.inner
    found = 0
    if rows.address != 0:
        found = rows[inner].two if tags == 2 else rows[inner].more
    if found == 0:
        found = outer.two if tags == 2 else outer.more
    return found


@node("ethernet-input-unknown", next=UnknownNext)
def ethernet_input_unknown(rt: NodeRuntime, pkt: Buffer) -> int:
    """Where packets go of whose protocol there is no feature."""
    return pkt.fail(EthernetError.UNKNOWN_TYPE, UnknownNext.PUNT)
