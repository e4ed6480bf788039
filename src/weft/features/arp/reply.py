"""arp-reply: answers for the interface's own addresses, and learns who is asking and who answers."""

from __future__ import annotations

from weft.core.buffer import L2_HDR_VALID, LOCAL, Buffer
from weft.core.graph import feature, next_feature
from weft.core.node import inline, node, routine
from weft.core.punt import punt_copy
from weft.core.runtime import NodeRuntime
from weft.core.timers import now
from weft.core.trace import Entry
from weft.core.view import View, mac
from weft.features.arp.errors import ArpReplyError
from weft.features.arp.format import format_arp
from weft.features.arp.model import LEARN
from weft.features.arp.packet import LENGTH, REPLY, REQUEST, ArpHeader
from weft.features.arp.table import ArpInterface, arp_interfaces, is_behind, is_local, write_arp
from weft.features.ethernet.model import HEADER, EthernetHeader
from weft.features.interface.model import sw_interfaces
from weft.features.neighbor.table import IP4, STATIC, entries, find

#: The sender of a VRRP router's replies need not be the frame's (RFC 5798 7.3): 00:00:5e:00:01:xx.
VRRP_PREFIX = 0x01_00_5E_00_00
VRRP_MASK = 0xFF_FF_FF_FF_FF

#: Two who fight over an address: who has got it keeps it so many milliseconds.
HOLD = 1000


class ArpMeta(View):
    """In ``pkt.opaque2``, for the trace: what stood in a request's target address."""

    asked: mac


def _trace_reply(entry: Entry) -> str:
    """The packet as it came, also if it has been made an answer."""
    if entry.next is None or not entry.next.endswith("-output"):
        return "\n".join(format_arp(entry.bytes(0, LENGTH)))
    answer = entry.bytes(entry.buffer.l3_hdr_offset - entry.buffer.current_data, LENGTH)
    asked = ArpMeta(entry.buffer.opaque2).asked.to_bytes(6, "little")
    request = answer[:6] + REQUEST.to_bytes(2, "big") + answer[18:28] + asked + answer[14:18]
    return "\n".join(format_arp(request))


@node("arp-reply", trace=_trace_reply)
def arp_reply(rt: NodeRuntime, pkt: Buffer) -> int:
    """Answer a request for an address of the interface. Learn senders of such requests, and of replies to us; refresh
    whom we know when they announce themselves.
    """
    sw_if_index = pkt.rx_sw_if_index
    arp = ArpHeader(pkt.data)
    block = ArpInterface(arp_interfaces[sw_if_index])
    if block.address == 0:
        return pkt.fail(ArpReplyError.INTERFACE_NOT_IP_ENABLED, next_feature(pkt))
    sender = arp.sender
    target = arp.target
    opcode = arp.opcode
    if is_local(sw_if_index, sender):
        return pkt.fail(ArpReplyError.L3_SRC_ADDRESS_IS_LOCAL, next_feature(pkt))
    if is_behind(sw_if_index, sender) == 0:
        return pkt.fail(ArpReplyError.L3_SRC_ADDRESS_NOT_LOCAL, next_feature(pkt))
    if is_from_sender(pkt, arp) == 0:
        return pkt.fail(ArpReplyError.L2_ADDRESS_MISMATCH, next_feature(pkt))
    if opcode != REQUEST and opcode != REPLY:
        return pkt.fail(ArpReplyError.OPCODE_NOT_REQUEST, next_feature(pkt))
    if sender == target:
        if find(IP4, sw_if_index, 0, sender) == 0:
            return pkt.fail(ArpReplyError.GRATUITOUS_ARP, next_feature(pkt))
        learn(rt, pkt, arp)
        return pkt.fail(ArpReplyError.L3_SRC_ADDRESS_LEARNED, next_feature(pkt))
    if is_local(sw_if_index, target) == 0:
        return pkt.fail(ArpReplyError.L3_DST_ADDRESS_NOT_LOCAL, next_feature(pkt))
    learn(rt, pkt, arp)
    if opcode == REPLY:
        return pkt.fail(ArpReplyError.REPLIES_RECEIVED, next_feature(pkt))
    rt.count(ArpReplyError.REPLIES_SENT, 1)
    return answer(pkt, block)


@routine
def is_from_sender(pkt: Buffer, arp: ArpHeader) -> int:
    """Whether the frame came from the MAC address that the packet names, or the packet is a VRRP router's reply."""
    if pkt.flags & L2_HDR_VALID == 0 or pkt.l2_hdr_offset + HEADER > pkt.current_data:
        return 0
    source = EthernetHeader(pkt.data + pkt.l2_hdr_offset - pkt.current_data).source
    if source == arp.sender_mac:
        return 1
    return (arp.opcode == REPLY) & (arp.sender_mac & VRRP_MASK == VRRP_PREFIX)


@routine
def learn(rt: NodeRuntime, pkt: Buffer, arp: ArpHeader) -> int:
    """Note that the sender has been heard of; what is new about it is for the main thread to enter."""
    index = find(IP4, pkt.rx_sw_if_index, 0, arp.sender)
    if index != 0:
        entry = entries[index]
        if entry.mac == arp.sender_mac:
            entry.updated = now.milliseconds
            return 0
        if entry.flags & STATIC or (entry.changed != 0 and now.milliseconds - entry.changed < HOLD):
            return 0
    return punt_copy(rt.worker, pkt.index, LEARN, 0)


@inline
def answer(pkt: Buffer, block: ArpInterface) -> int:
    """Make the request a reply from the interface that it came by, and send it out there."""
    arp = ArpHeader(pkt.data)
    ArpMeta(pkt.opaque2).asked = arp.target_mac
    asker = arp.sender_mac
    write_arp(pkt, block, asker, REPLY, arp.target, asker, arp.sender)
    pkt.flags = pkt.flags | LOCAL
    pkt.tx_sw_if_index = pkt.rx_sw_if_index
    return sw_interfaces[pkt.tx_sw_if_index].output_node


feature("arp", "arp-reply", before=("arp-proxy",))
