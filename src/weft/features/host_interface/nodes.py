"""af-packet-input takes frames out of a ring of AF_PACKET; what goes out is in ``tx.py``."""

from __future__ import annotations

from weft.core.buffer import DATA_SIZE, allocate, buffer_at, free, reset
from weft.core.memory import atomic_load, atomic_store, copy, move
from weft.core.node import Kind, Nexts, inline, node, routine
from weft.core.runtime import FRAME_SIZE, NodeRuntime
from weft.core.trace import Entry
from weft.core.view import View, be16
from weft.features.host_interface import tx as tx
from weft.features.host_interface.large import InputError, discard, refuse, take_large
from weft.features.host_interface.model import (
    COPY,
    SLOT_SIZE,
    SLOTS,
    USER,
    VLAN_TPID_VALID,
    VLAN_VALID,
    MacAddresses,
    PacketQueue,
    Tpacket2,
)
from weft.features.interface.model import ADMIN_UP, Interfaces, rx_error, sw_interfaces
from weft.features.interface.nodes import receive
from weft.features.virtio.layer3 import receive_ip
from weft.features.virtio.model import HEADER_SIZE, VirtioNetHeader, VirtioNetWords, show_header
from weft.features.virtio.nodes import take_offload

DOT1Q = 0x8100
ADDRESSES = MacAddresses.size
SLOT_HEADER = Tpacket2.size
TAG = 4  #: bytes
#: Where a traced packet's slot header is kept, counted from the end of the headroom: in front of any tag.
KEPT = -64


class InputNext(Nexts):
    ETHERNET = "ethernet-input"
    DROP = "error-drop"


class Tag(View):
    """A VLAN tag (IEEE 802.1Q 9.3)."""

    tpid: be16
    tci: be16


def _trace_input(entry: Entry) -> str:
    at = entry.data - entry.buffer.current_data + KEPT
    slot, header = Tpacket2(at), VirtioNetHeader(at + SLOT_HEADER)
    interface = entry.engine[Interfaces].by_index.get(entry.buffer.rx_sw_if_index)
    lines = [
        f"af_packet: hw_if_index {interface.hw_if_index if interface else 0} next-index {entry.record.next & 0xFFFF}",
        "  tpacket2_hdr:",
        f"    status 0x{slot.status:x} len {slot.length} snaplen {slot.snap_length} mac {slot.mac} net {slot.net}",
        f"    sec 0x{slot.seconds:x} nsec 0x{slot.nanoseconds:x} vlan {slot.vlan_tci} vlan_tpid {slot.vlan_tpid}",
        "  vnet-hdr:",
        *(f"    {line}" for line in show_header(header).splitlines()),
    ]
    return "\n".join(lines)


@node("af-packet-input", kind=Kind.INPUT, next=InputNext, trace=_trace_input)
def af_packet_input(rt: NodeRuntime, address: int) -> int:
    """What has come to a queue's ring. Frames are copied into buffers, so the ring is free again at once."""
    queue = PacketQueue(address)
    position = queue.position
    slot = Tpacket2(queue.ring + position * SLOT_SIZE)
    if atomic_load(slot.address) & USER == 0:
        return 0
    worker = rt.worker
    up = sw_interfaces[queue.sw_if_index].flags & ADMIN_UP
    indices = worker.spare
    count = 0
    octets = 0
    taken = 0
    while taken < FRAME_SIZE and atomic_load(slot.address) & USER:
        index = 0
        if up:
            index = take(rt, queue, slot)
        elif slot.status & COPY:
            discard(rt, queue)
        if index != 0:
            indices[count] = index
            count += 1
            octets += buffer_at(index).total_length
        atomic_store(slot.address, 0)
        position += 1
        if position == SLOTS:
            position = 0
        slot = Tpacket2(queue.ring + position * SLOT_SIZE)
        taken += 1
    queue.position = position
    if queue.layer3:
        receive_ip(rt, count, queue.sw_if_index, octets, InputNext.DROP)
        return taken
    receive(rt, indices.address, count, queue.sw_if_index, octets, InputNext.ETHERNET)
    return taken


@inline
def take(rt: NodeRuntime, queue: PacketQueue, slot: Tpacket2) -> int:
    """Make a packet of a slot's frame: its index, 0 if it had to be dropped."""
    status = slot.status
    length = slot.snap_length
    if status & COPY or length != slot.length or length > DATA_SIZE:
        large = take_large(rt, queue, slot)
        if large == 0:
            return 0
        return adorn(rt, queue, slot, large, VirtioNetHeader(buffer_at(large).data - HEADER_SIZE))
    index = allocate(rt.worker.cache)
    if index == 0:
        return refuse(rt, queue)
    pkt = buffer_at(index)
    frame = slot.address + slot.mac
    reset(pkt, length, queue.sw_if_index)
    copy(pkt.data, frame, length)
    header = VirtioNetHeader(frame - HEADER_SIZE)
    if status & VLAN_VALID or VirtioNetWords(header.address).kind or rt.worker.tracing:
        return adorn(rt, queue, slot, index, header)
    return index


@routine
def adorn(rt: NodeRuntime, queue: PacketQueue, slot: Tpacket2, index: int, header: VirtioNetHeader) -> int:
    """Give a packet what stands beside its frame: its outermost tag, and what it owes. Its index, 0 if that is bad.

    The kernel's offsets count from the frame without the tag, whose start is the end of the headroom in any case.
    """
    pkt = buffer_at(index)
    kind = VirtioNetWords(header.address).kind
    if rt.worker.tracing:
        copy(pkt.address + 256 + KEPT, slot.address, SLOT_HEADER)
        copy(pkt.address + 256 + KEPT + SLOT_HEADER, header.address, HEADER_SIZE)
    if kind and take_offload(pkt, header, 0) == 0:
        free(rt.worker.cache, index)
        rt.count(InputError.BAD_HEADER, 1)
        rx_error.add(rt.worker, queue.sw_if_index, 1)
        return 0
    if slot.status & VLAN_VALID and pkt.current_length >= ADDRESSES:
        frame = pkt.data
        pkt.advance(-TAG)
        move(pkt.data, frame, ADDRESSES)
        tag = Tag(pkt.data + ADDRESSES)
        tag.tpid = slot.vlan_tpid if slot.status & VLAN_TPID_VALID else DOT1Q
        tag.tci = slot.vlan_tci
    return index
