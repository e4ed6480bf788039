"""VirtualEthernet0/0/N-tx: packets go into the buffers that a guest offers."""

from __future__ import annotations

from weft.core.buffer import NEXT_PRESENT, OFFLOAD, Buffer, buffer_at, lock, unlock
from weft.core.memory import atomic_load, copy
from weft.core.node import Errors, Kind, node, routine
from weft.core.runtime import Frame, NodeRuntime, drop_frame
from weft.core.trace import Entry
from weft.features.interface.model import sw_interfaces, tx_error
from weft.features.vhost_user.chains import (
    BAD,
    EMPTY,
    STOPPED,
    begin,
    begin_packet,
    commit,
    fetch,
    give_back,
    untake,
)
from weft.features.vhost_user.memory import log_pieces, push, rewind
from weft.features.vhost_user.model import Area, Ring, areas, devices
from weft.features.vhost_user.notify import LOCK, owe
from weft.features.vhost_user.single import HEADER_ROOM, look, owe_nothing, use
from weft.features.virtio.model import VirtioNetHeader
from weft.features.virtio.nodes import clear_header, give_offload
from weft.features.vlib.format import format_buffer


class TxError(Errors, of="vhost-user-tx"):
    NOT_READY = "vhost vring not ready"
    NO_ROOM = "tx packet drops (no available descriptors)"
    NO_MERGE = "tx packet drops (cannot merge descriptors)"
    MMAP_FAIL = "mmap failure"
    BROKEN = "vring broken by the guest"
    BAD = "tx packet cannot be sent"


def _trace_tx(entry: Entry) -> str:
    return "\n".join(format_buffer(entry))


@node("vhost-user-tx", kind=Kind.FRAME, template=True, trace=_trace_tx)
def vhost_user_tx(rt: NodeRuntime, frame: Frame) -> int:
    """Copy each packet into the guest's memory, then tell it once."""
    sending = devices[sw_interfaces[rt.data].device].sending[rt.worker.index]
    sent = 0
    if sending == 0 or atomic_load(sending) == 0:  # ``running``
        rt.count(TxError.NOT_READY, frame.n)
    else:
        sent = fill(rt, Ring(sending), frame)
    if sent < frame.n:
        tx_error.add(rt.worker, rt.data, frame.n - sent)
    return drop_frame(rt, frame)


@routine
def fill(rt: NodeRuntime, ring: Ring, frame: Frame) -> int:
    """Put a frame's packets into a ring: how many the guest got."""
    area = areas[rt.worker.index]
    lock(ring.address + LOCK)  # other threads may fill it too
    begin(ring, area)
    sent = 0
    if ring.broken:
        rt.count(TxError.BROKEN, frame.n)
    else:
        for i in range(frame.n):
            pkt = buffer_at(frame.vector[i])
            length = pkt.current_length
            if pkt.flags & (OFFLOAD | NEXT_PRESENT) == 0:
                host = look(ring, area, 1)
                if host and area.length >= max(length + ring.header, HEADER_ROOM):
                    owe_nothing(host)
                    copy(host + ring.header, pkt.data, length)
                    use(ring, area, length + ring.header)
                    sent += 1
                    continue
            sent += put(rt, ring, area, pkt)
        given = area.batch
        if given and commit(ring, area):
            owe(rt, ring, area, given)
        ring.packets = ring.packets + sent
    unlock(ring.address + LOCK)
    return sent


@routine
def put(rt: NodeRuntime, ring: Ring, area: Area, pkt: Buffer) -> int:
    """Put a packet into one chain, or more of them if they may be merged. 0 if it is lost."""
    total = pkt.total_length + ring.header
    next, wrap = ring.next, ring.wrap
    begin_packet(area)
    clear_header(VirtioNetHeader(area.header.address))
    if pkt.flags & OFFLOAD and give_offload(pkt, VirtioNetHeader(area.header.address)) == 0:
        rt.count(TxError.BAD, 1)
        return 0
    while True:
        found = fetch(ring, area, 1)
        if found == BAD:
            return return_unused(rt, ring, area)
        error = 0
        if found == STOPPED:
            error = TxError.BROKEN
        elif found == EMPTY:
            error = TxError.NO_ROOM
        elif area.length >= total:
            break
        elif ring.merge == 0:
            error = TxError.NO_MERGE  # the packet is too long for this buffer, and the next one may be as short
        if error:
            untake(ring, area, next, wrap)
            rt.count(error, 1)
            return 0
    area.header.num_buffers = area.chains_used
    rewind(area)
    push(area, area.header.address, ring.header)
    piece = pkt
    while True:
        push(area, piece.data, piece.current_length)
        if piece.flags & NEXT_PRESENT == 0:
            break
        piece = buffer_at(piece.next_buffer)
    if ring.memory.log:
        log_pieces(ring.memory, area, total)
    for i in range(area.chains_used):
        chain = area.chains[i]
        part = min(chain.room, total)
        give_back(ring, area, chain, part)
        total -= part
    return 1


@routine
def return_unused(rt: NodeRuntime, ring: Ring, area: Area) -> int:
    """Give back the chains that were taken for a packet: one of them is not what it should be."""
    for i in range(area.chains_used):
        give_back(ring, area, area.chains[i], 0)
    rt.count(TxError.MMAP_FAIL, 1)
    return 0
