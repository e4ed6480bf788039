"""Frames that do not fit into a slot of the ring: they wait at the socket, in the order of their slots."""

from __future__ import annotations

from weft.core.buffer import DATA_SIZE, NEXT_PRESENT, allocate_many, buffer_at, free, free_many, reset
from weft.core.memory import syscall
from weft.core.node import Errors, routine
from weft.core.runtime import NodeRuntime
from weft.features.host_interface.model import COPY, MAX_LARGE, PacketQueue, Tpacket2, receiving
from weft.features.interface.model import rx_error, rx_no_buf
from weft.features.virtio.model import HEADER_SIZE

SYS_RECVMSG = 47
MSG_TRUNC = 0x20
MSG_DONTWAIT = 0x40


class InputError(Errors, of="af-packet-input"):
    PARTIAL = "partial packet"
    BAD_HEADER = "bad virtio header"
    NO_BUFFERS = "no buffers"


@routine
def take_large(rt: NodeRuntime, queue: PacketQueue, slot: Tpacket2) -> int:
    """Receive a slot's frame into a chain of buffers, its virtio header in front of it. The packet's index, or 0."""
    worker = rt.worker
    length = slot.length
    count = (length + DATA_SIZE - 1) // DATA_SIZE
    if slot.status & COPY == 0 or count == 0 or count > MAX_LARGE:
        return lose(rt, queue, slot.status & COPY)
    area = receiving[worker.index]
    indices = area.indices
    got = allocate_many(worker.cache, indices.address, count)
    for i in range(got):
        buffer_at(indices[i]).flags = 0
    if got < count:
        free_many(worker.cache, indices.address, got)
        discard(rt, queue)
        return refuse(rt, queue)
    left = length
    for i in range(count):
        pkt = buffer_at(indices[i])
        take = min(left, DATA_SIZE)
        left -= take
        reset(pkt, take, queue.sw_if_index)
        pkt.rest_length = left
        if i + 1 < count:
            pkt.flags = NEXT_PRESENT
            pkt.next_buffer = indices[i + 1]
        area.vectors[i].base = pkt.data
        area.vectors[i].length = take
    area.vectors[0].base = area.vectors[0].base - HEADER_SIZE
    area.vectors[0].length = area.vectors[0].length + HEADER_SIZE
    message = area.message
    message.vectors = area.vectors.address
    message.vector_count = count
    received = syscall(SYS_RECVMSG, queue.fd, message.address, MSG_DONTWAIT, 0, 0, 0)
    if received != length + HEADER_SIZE or message.flags & MSG_TRUNC:
        free(worker.cache, indices[0])
        return lose(rt, queue, 0)
    return indices[0]


@routine
def lose(rt: NodeRuntime, queue: PacketQueue, waiting: int) -> int:
    """The kernel has only a part of the frame, or it is too large."""
    if waiting:
        discard(rt, queue)
    rt.count(InputError.PARTIAL, 1)
    rx_error.add(rt.worker, queue.sw_if_index, 1)
    return 0


@routine
def refuse(rt: NodeRuntime, queue: PacketQueue) -> int:
    """There are no buffers: the frame is lost."""
    rt.count(InputError.NO_BUFFERS, 1)
    rx_no_buf.add(rt.worker, queue.sw_if_index, 1)
    return 0


@routine
def discard(rt: NodeRuntime, queue: PacketQueue) -> int:
    """Throw away the frame that waits at the socket."""
    message = receiving[rt.worker.index].message
    message.vector_count = 0
    return syscall(SYS_RECVMSG, queue.fd, message.address, MSG_DONTWAIT, 0, 0, 0)
