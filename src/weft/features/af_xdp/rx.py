"""af-xdp-input: the kernel has filled buffers of ours; it gets others for them."""

from __future__ import annotations

from weft.core.arena import BUFFERS_BASE
from weft.core.buffer import INDEX_SHIFT, LENT, NEXT_PRESENT, BufferCache, allocate, buffer_at, free, free_many, reset
from weft.core.memory import fence, syscall
from weft.core.node import Kind, Nexts, inline, node, routine
from weft.core.runtime import FRAME_SIZE, NodeRuntime
from weft.core.trace import Entry
from weft.features.af_xdp.errors import InputError
from weft.features.af_xdp.model import (
    BASE,
    CONTINUED,
    NEED_WAKEUP,
    OFFSET_SHIFT,
    START,
    Descriptor,
    Number,
    XdpSocket,
    address_at,
    ahead,
    descriptor_at,
)
from weft.features.interface.model import ADMIN_UP, Interfaces, rx_no_buf, sw_interfaces
from weft.features.interface.nodes import receive

SYS_RECVFROM = 45
MSG_DONTWAIT = 0x40
ENOUGH = 32  #: buffers that are lent at once


class InputNext(Nexts):
    ETHERNET = "ethernet-input"


def _trace_input(entry: Entry) -> str:
    interface = entry.engine[Interfaces].by_index.get(entry.buffer.rx_sw_if_index)
    hw_if_index = interface.hw_if_index if interface else 0
    return f"af_xdp: hw_if_index {hw_if_index} next-index {entry.record.next & 0xFFFF}"


@node("af-xdp-input", kind=Kind.INPUT, next=InputNext, trace=_trace_input)
def af_xdp_input(rt: NodeRuntime, address: int) -> int:
    """The packets that have come to a socket."""
    socket = XdpSocket(address)
    ring = socket.rx
    taken = min(ahead(ring), FRAME_SIZE)
    indices = rt.worker.spare
    count = 0
    octets = 0
    for i in range(taken):
        descriptor = descriptor_at(ring, ring.position + i)
        index = accept(socket, descriptor)
        if socket.open == 0 and descriptor.options & CONTINUED == 0:
            indices[count] = index
            count += 1
            octets += buffer_at(index).current_length
        else:
            index = join(socket, index, descriptor.options & CONTINUED)
            if index != 0:
                indices[count] = index
                count += 1
                octets += buffer_at(index).total_length
    if taken:
        ring.position = ring.position + taken
        Number(ring.ours).value = ring.position
        socket.lent = socket.lent - taken
    if socket.fill.mask + 1 - socket.lent >= ENOUGH and lend(rt.worker.cache, socket) == 0:
        rt.count(InputError.NO_BUFFERS, 1)
        rx_no_buf.add(rt.worker, socket.sw_if_index, 1)
    if sw_interfaces[socket.sw_if_index].flags & ADMIN_UP == 0:
        free_many(rt.worker.cache, indices.address, count)
        return taken
    receive(rt, indices.address, count, socket.sw_if_index, octets, InputNext.ETHERNET)
    return taken


@inline
def accept(socket: XdpSocket, descriptor: Descriptor) -> int:
    """The index of a buffer that the kernel gives back, its metadata set."""
    place = descriptor.place
    index = (place & BASE) >> INDEX_SHIFT
    pkt = buffer_at(index)
    reset(pkt, descriptor.length, socket.sw_if_index)
    pkt.current_data = (place >> OFFSET_SHIFT) - START
    return index


@routine
def join(socket: XdpSocket, index: int, more: int) -> int:
    """A piece of a packet of several buffers: the first one's index once the packet is whole, 0 until then."""
    pkt = buffer_at(index)
    if socket.open == 0:
        pkt.rest_length = 0
        socket.open = index
    else:
        first, last = buffer_at(socket.open), buffer_at(socket.last)
        last.next_buffer = index
        last.flags = last.flags | NEXT_PRESENT
        first.rest_length = first.rest_length + pkt.current_length
    socket.last = index
    if more:
        return 0
    whole = socket.open
    socket.open = 0
    return whole


@routine
def lend(cache: BufferCache, socket: XdpSocket) -> int:
    """Give the kernel buffers to receive into, as many as there is room for in its ring. How many it has then."""
    ring = socket.fill
    while socket.lent <= ring.mask:
        index = allocate(cache)
        if index == 0:
            break
        pkt = buffer_at(index)
        pkt.flags = LENT
        pkt.rx_sw_if_index = socket.number
        address_at(ring, ring.position).value = pkt.address - BUFFERS_BASE
        ring.position = ring.position + 1
        socket.lent = socket.lent + 1
    fence()
    Number(ring.ours).value = ring.position
    if Number(ring.flags).value & NEED_WAKEUP:
        syscall(SYS_RECVFROM, socket.fd, 0, 0, MSG_DONTWAIT, 0, 0)
    return socket.lent


@routine
def reclaim(cache: BufferCache, number: int, step: int, count: int) -> int:
    """Take back all buffers that the kernel had when a socket was closed."""
    found = 0
    for i in range(1, count + 1):
        pkt = buffer_at(i * step)
        if pkt.flags == LENT and pkt.rx_sw_if_index == number:
            pkt.flags = 0
            free(cache, i * step)
            found += 1
    return found
