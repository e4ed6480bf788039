"""virtio-input reads what Linux sends by a tap, tapN-tx writes what Linux is to receive."""

from __future__ import annotations

from weft.core.buffer import DATA_SIZE, NEXT_PRESENT, OFFLOAD, Buffer, allocate, buffer_at, free, reset
from weft.core.memory import copy, syscall
from weft.core.node import Errors, Kind, Nexts, node, routine
from weft.core.runtime import FRAME_SIZE, Frame, NodeRuntime, drop_frame
from weft.core.trace import Entry
from weft.core.worker import allocate_packet
from weft.features.interface.model import (
    ADMIN_UP,
    Interfaces,
    rx_error,
    rx_no_buf,
    sw_interfaces,
    tx_error,
)
from weft.features.interface.nodes import receive
from weft.features.tap.model import MAX_FRAME, MAX_PIECES, Area, TapQueue, areas, tap_devices
from weft.features.virtio.layer3 import receive_ip
from weft.features.virtio.model import HEADER_SIZE, VirtioNetHeader, VirtioNetWords
from weft.features.virtio.nodes import clear_header, give_offload, take_offload
from weft.features.vlib.format import format_buffer

SYS_WRITE, SYS_READV, SYS_WRITEV = 1, 19, 20
AGAIN = -11  # as a negative error number
#: The lowest place where a packet may start that still has room for a header in front.
LOWEST = HEADER_SIZE - 128


class InputError(Errors, of="virtio-input"):
    NO_BUFFERS = "buffer alloc error"
    BAD_HEADER = "bad virtio header"
    TRUNCATED = "truncated packet"


class TxError(Errors, of="tap-tx"):
    FAILED = "tx packet refused by Linux"
    BAD = "tx packet cannot be sent"


class InputNext(Nexts):
    ETHERNET = "ethernet-input"
    DROP = "error-drop"


def _trace_input(entry: Entry) -> str:
    pkt = entry.buffer
    interface = entry.engine[Interfaces].by_index.get(pkt.rx_sw_if_index)
    header = VirtioNetHeader(entry.data - HEADER_SIZE)
    return (
        f"virtio: hw_if_index {interface.hw_if_index if interface else 0} next-index {entry.record.next & 0xFFFF} "
        f"vring 0 len {pkt.total_length}\n"
        f"  hdr: flags 0x{header.flags:02x} gso_type 0x{header.gso_type:02x} hdr_len {header.hdr_len} "
        f"gso_size {header.gso_size} csum_start {header.csum_start} csum_offset {header.csum_offset} num_buffers 1"
    )


@node("virtio-input", kind=Kind.INPUT, next=InputNext, trace=_trace_input)
def virtio_input(rt: NodeRuntime, address: int) -> int:
    """What Linux has sent by a queue of a tap, a system call for each packet."""
    queue = TapQueue(address)
    worker = rt.worker
    area = areas[worker.index]
    vectors = area.vectors
    vectors[1].base = area.spill
    vectors[1].length = MAX_FRAME - DATA_SIZE
    up = sw_interfaces[queue.sw_if_index].flags & ADMIN_UP
    indices = worker.spare
    count = 0
    octets = 0
    taken = 0
    while taken < FRAME_SIZE:
        index = allocate(worker.cache)
        if index == 0:
            lose(rt, queue, area)
            break
        pkt = buffer_at(index)
        reset(pkt, 0, queue.sw_if_index)
        vectors[0].base = pkt.data - HEADER_SIZE
        vectors[0].length = DATA_SIZE + HEADER_SIZE
        length = syscall(SYS_READV, queue.fd, vectors.address, 2, 0, 0, 0) - HEADER_SIZE
        if length <= 0:
            free(worker.cache, index)
            if length + HEADER_SIZE != AGAIN:
                queue.failures = queue.failures + 1
            break
        taken += 1
        pkt.current_length = min(length, DATA_SIZE)
        header = VirtioNetHeader(pkt.data - HEADER_SIZE)
        keep = up
        if length > DATA_SIZE and keep:
            keep = extend(rt, queue, pkt, area, length - DATA_SIZE)
        if VirtioNetWords(header.address).kind and keep:
            keep = owe(rt, queue, pkt, header)
        if keep:
            indices[count] = index
            count += 1
            octets += length
        else:
            free(worker.cache, index)
    if queue.layer3:
        receive_ip(rt, count, queue.sw_if_index, octets, InputNext.DROP)
        return taken
    receive(rt, indices.address, count, queue.sw_if_index, octets, InputNext.ETHERNET)
    return taken


@routine
def lose(rt: NodeRuntime, queue: TapQueue, area: Area) -> int:
    """There are no buffers: a frame that waits is lost."""
    area.vectors[0].base = area.spill
    area.vectors[0].length = MAX_FRAME
    if syscall(SYS_READV, queue.fd, area.vectors.address, 1, 0, 0, 0) > 0:
        rt.count(InputError.NO_BUFFERS, 1)
        rx_no_buf.add(rt.worker, queue.sw_if_index, 1)
    return 0


@routine
def extend(rt: NodeRuntime, queue: TapQueue, pkt: Buffer, area: Area, more: int) -> int:
    """Put the rest of a long frame behind its first buffer. 0 if it is lost."""
    if more >= MAX_FRAME - DATA_SIZE:
        rt.count(InputError.TRUNCATED, 1)
        rx_error.add(rt.worker, queue.sw_if_index, 1)
        return 0
    index = allocate_packet(rt.worker.cache, more)
    if index == 0:
        rt.count(InputError.NO_BUFFERS, 1)
        rx_no_buf.add(rt.worker, queue.sw_if_index, 1)
        return 0
    pkt.flags = pkt.flags | NEXT_PRESENT
    pkt.next_buffer = index
    pkt.rest_length = more
    source = area.spill
    piece = buffer_at(index)
    while True:
        copy(piece.data, source, piece.current_length)
        source += piece.current_length
        if piece.flags & NEXT_PRESENT == 0:
            return 1
        piece = buffer_at(piece.next_buffer)


@routine
def owe(rt: NodeRuntime, queue: TapQueue, pkt: Buffer, header: VirtioNetHeader) -> int:
    """Note what a packet owes. 0 if its header is impossible."""
    if take_offload(pkt, header, 0):
        return 1
    rt.count(InputError.BAD_HEADER, 1)
    rx_error.add(rt.worker, queue.sw_if_index, 1)
    return 0


def _trace_tx(entry: Entry) -> str:
    return "\n".join(format_buffer(entry))


@node("tap-tx", kind=Kind.FRAME, template=True, trace=_trace_tx)
def tap_tx(rt: NodeRuntime, frame: Frame) -> int:
    """Write each packet to Linux."""
    device = tap_devices[sw_interfaces[rt.data].device]
    fd = device.fds[rt.worker.index]
    failed = 0
    for i in range(frame.n):
        pkt = buffer_at(frame.vector[i])
        if pkt.flags & (OFFLOAD | NEXT_PRESENT) == 0 and pkt.current_data >= LOWEST:
            start = pkt.data - HEADER_SIZE
            clear_header(VirtioNetHeader(start))
            sent = syscall(SYS_WRITE, fd, start, pkt.current_length + HEADER_SIZE, 0, 0, 0)
        else:
            sent = write_large(rt, pkt, fd)
        if sent < 0:
            rt.count(TxError.FAILED, 1)
        failed += sent <= 0
    if failed:
        tx_error.add(rt.worker, rt.data, failed)
    return drop_frame(rt, frame)


@routine
def write_large(rt: NodeRuntime, pkt: Buffer, fd: int) -> int:
    """Write a packet that owes something, or has several buffers. What the system call says; 0 if it cannot be."""
    area = areas[rt.worker.index]
    clear_header(area.header)
    if pkt.flags & OFFLOAD and give_offload(pkt, area.header) == 0:
        rt.count(TxError.BAD, 1)
        return 0
    area.vectors[0].base = area.header.address
    area.vectors[0].length = HEADER_SIZE
    pieces = 1
    while True:
        if pieces == MAX_PIECES:
            rt.count(TxError.BAD, 1)
            return 0
        area.vectors[pieces].base = pkt.data
        area.vectors[pieces].length = pkt.current_length
        pieces += 1
        if pkt.flags & NEXT_PRESENT == 0:
            return syscall(SYS_WRITEV, fd, area.vectors.address, pieces, 0, 0, 0)
        pkt = buffer_at(pkt.next_buffer)
