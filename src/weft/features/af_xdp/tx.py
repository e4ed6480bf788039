"""IF-tx: packets are lent to the kernel, which sends them from where they stand."""

from __future__ import annotations

from weft.core.arena import BUFFERS_BASE
from weft.core.buffer import INDEX_SHIFT, LENT, NEXT_PRESENT, Buffer, BufferCache, buffer_at, free, lock, unlock
from weft.core.memory import fence, syscall
from weft.core.node import Kind, node, routine
from weft.core.runtime import Frame, NodeRuntime, put_frame
from weft.core.trace import Entry
from weft.features.af_xdp.errors import TxError
from weft.features.af_xdp.model import (
    BASE,
    CONTINUED,
    NEED_WAKEUP,
    OFFSET_SHIFT,
    START,
    Number,
    XdpSocket,
    address_at,
    ahead,
    descriptor_at,
    devices,
    sockets,
)
from weft.features.interface.model import Interfaces, sw_interfaces, tx_error

SYS_SENDTO = 44
MSG_DONTWAIT = 0x40
LOCK = XdpSocket.fields["lock"].offset
MOST_CALLS = 64  #: to let the kernel send what is in a ring; it sends 32 packets at a time at least

# negative error numbers
AGAIN = -11
BUSY = -16
NO_BUFFERS = -105
DOWN = -100


def _trace_tx(entry: Entry) -> str:
    interface = entry.engine[Interfaces].by_index.get(entry.buffer.tx_sw_if_index)
    return f"af_xdp: hw_if_index {(interface.sup or interface).hw_if_index if interface else 0}"


@node("af-xdp-tx", kind=Kind.FRAME, template=True, trace=_trace_tx)
def af_xdp_tx(rt: NodeRuntime, frame: Frame) -> int:
    """Every thread sends by one of the interface's sockets, alone or taking turns."""
    worker = rt.worker
    device = devices[sw_interfaces[rt.data].device]
    socket = sockets[device.first + worker.index % max(device.count, 1)]
    failed = 0
    lock(socket.address + LOCK)
    if socket.sending:
        collect(worker.cache, socket)
    for i in range(frame.n):
        index = frame.vector[i]
        pkt = buffer_at(index)
        pieces = 1
        if pkt.flags & NEXT_PRESENT:
            pieces = pieces_of(pkt)
        error = 0
        if pieces > socket.pieces:
            error = TxError.TOO_LONG
        elif socket.sending + pieces > socket.tx.mask + 1 and make_room(rt, socket, pieces) == 0:
            error = TxError.NO_FREE_SLOTS
        if error != 0:
            rt.count(error, 1)
            failed += 1
            free(worker.cache, index)
        else:
            put(socket, pkt)
    publish(rt, socket)
    unlock(socket.address + LOCK)
    if failed:
        tx_error.add(rt.worker, rt.data, failed)
    put_frame(worker, frame)
    return 0


@routine
def pieces_of(pkt: Buffer) -> int:
    """How many buffers a packet has."""
    count = 1
    while pkt.flags & NEXT_PRESENT:
        pkt = buffer_at(pkt.next_buffer)
        count += 1
    return count


@routine
def put(socket: XdpSocket, pkt: Buffer) -> int:
    """Lend a packet's buffers to the kernel; there is room in the ring."""
    ring = socket.tx
    while True:
        more = pkt.flags & NEXT_PRESENT
        descriptor = descriptor_at(ring, ring.position)
        descriptor.place = (pkt.address - BUFFERS_BASE) | (START + pkt.current_data) << OFFSET_SHIFT
        descriptor.length = pkt.current_length
        descriptor.options = CONTINUED if more else 0
        ring.position = ring.position + 1
        socket.sending = socket.sending + 1
        pkt.flags = LENT
        pkt.rx_sw_if_index = socket.number
        if more == 0:
            return 0
        pkt = buffer_at(pkt.next_buffer)


@routine
def collect(cache: BufferCache, socket: XdpSocket) -> int:
    """Take back the buffers that have been sent. How many there were."""
    ring = socket.completion
    count = ahead(ring)
    for i in range(count):
        index = (address_at(ring, ring.position + i).value & BASE) >> INDEX_SHIFT
        buffer_at(index).flags = 0
        free(cache, index)
    if count:
        ring.position = ring.position + count
        Number(ring.ours).value = ring.position
        socket.sending = socket.sending - count
    return count


@routine
def publish(rt: NodeRuntime, socket: XdpSocket) -> int:
    """Show the kernel what is in the ring, and let it send, as far as it can now."""
    ring = socket.tx
    fence()
    Number(ring.ours).value = ring.position
    fence()
    for _ in range(MOST_CALLS):
        if Number(ring.flags).value & NEED_WAKEUP == 0:
            break
        result = syscall(SYS_SENDTO, socket.fd, 0, 0, MSG_DONTWAIT, 0, 0)
        if result == AGAIN:
            continue
        if result < 0 and result != BUSY and result != NO_BUFFERS and result != DOWN:
            rt.count(TxError.FATAL, 1)
        break
    return 0


@routine
def make_room(rt: NodeRuntime, socket: XdpSocket, pieces: int) -> int:
    """Whether there is room for so many buffers, now that the kernel had another go."""
    publish(rt, socket)
    collect(rt.worker.cache, socket)
    return int(socket.sending + pieces <= socket.tx.mask + 1)
