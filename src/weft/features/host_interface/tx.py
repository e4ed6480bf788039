"""host-IF-tx: packets go to the kernel from the buffers that they stand in, many at a time."""

from __future__ import annotations

from weft.core.buffer import NEXT_PRESENT, OFFLOAD, Buffer, buffer_at
from weft.core.memory import syscall
from weft.core.node import Errors, Kind, inline, node, routine
from weft.core.runtime import Frame, NodeRuntime, drop_frame
from weft.core.trace import Entry
from weft.features.gso.model import GSO_NONE, segment_length
from weft.features.host_interface.model import (
    MAX_PIECES,
    MAX_VECTORS,
    Batch,
    PacketDevice,
    batches,
    packet_devices,
)
from weft.features.interface.model import Interfaces, sw_interfaces, tx_error
from weft.features.virtio.model import HEADER_SIZE, VirtioNetHeader
from weft.features.virtio.nodes import clear_header, give_offload

SYS_SENDMMSG = 307
MSG_DONTWAIT = 0x40

# negative error numbers
AGAIN = -11
NO_BUFFERS = -105
BAD_FD = -9
NO_DEVICE = -19
NO_SUCH_DEVICE = -6
DOWN = -100


class TxError(Errors, of="af-packet-tx"):
    AGAIN = "tx sendto temporary failure"
    FATAL = "tx sendto fatal failure"
    DOWN = "tx interface is down"
    TOO_LONG = "tx frame is longer than the MTU"
    BAD = "tx frame cannot be sent"


def _trace_tx(entry: Entry) -> str:
    pkt = entry.buffer
    interface = entry.engine[Interfaces].by_index.get(pkt.tx_sw_if_index)
    hw_if_index = (interface.sup or interface).hw_if_index if interface else 0
    lines = [f"af_packet: hw_if_index {hw_if_index} tx-queue 0"]
    if pkt.flags & OFFLOAD:
        lines.append(
            f"  owes: gso_type {pkt.gso_type} gso_size {pkt.gso_size} "
            f"csum_start {pkt.csum_start - pkt.current_data} csum_offset {pkt.csum_offset}"
        )
    return "\n".join(lines)


@node("af-packet-tx", kind=Kind.FRAME, template=True, trace=_trace_tx)
def af_packet_tx(rt: NodeRuntime, frame: Frame) -> int:
    """Hand a frame's packets to the kernel, which has copied them when the call returns."""
    batch = batches[rt.worker.index]
    device = packet_devices[sw_interfaces[rt.data].device]
    batch.count = 0
    batch.used = 0
    batch.failed = 0
    for i in range(frame.n):
        pkt = buffer_at(frame.vector[i])
        if batch.used + MAX_PIECES > MAX_VECTORS:
            flush(rt, batch, device)
        write_message(rt, batch, device, pkt)
    flush(rt, batch, device)
    if batch.failed:
        tx_error.add(rt.worker, rt.data, batch.failed)
    return drop_frame(rt, frame)


@inline
def write_message(rt: NodeRuntime, batch: Batch, device: PacketDevice, pkt: Buffer) -> None:
    """Put one more packet into the batch."""
    at = batch.used
    header = VirtioNetHeader(batch.headers[batch.count].address)
    clear_header(header)
    batch.vectors[at].base = header.address
    batch.vectors[at].length = HEADER_SIZE
    batch.vectors[at + 1].base = pkt.data
    batch.vectors[at + 1].length = pkt.current_length
    pieces = 2
    if pkt.flags & (OFFLOAD | NEXT_PRESENT):
        pieces = write_large(rt, batch, device, pkt, header)
    if pieces:
        message = batch.messages[batch.count]
        message.vectors = batch.vectors[at].address
        message.vector_count = pieces
        batch.count = batch.count + 1
        batch.used = at + pieces


@routine
def write_large(rt: NodeRuntime, batch: Batch, device: PacketDevice, pkt: Buffer, header: VirtioNetHeader) -> int:
    """The same for what a packet owes, and for the rest of a chain: how many stretches it has, 0 if it cannot go."""
    if pkt.flags & OFFLOAD:
        if give_offload(pkt, header) == 0:
            return refuse(rt, batch, TxError.BAD)
        # The kernel sends segments of any length.
        if pkt.gso_type != GSO_NONE and segment_length(pkt) > device.max_frame:
            return refuse(rt, batch, TxError.TOO_LONG)
    pieces = 2
    piece = pkt
    while piece.flags & NEXT_PRESENT:
        if pieces == MAX_PIECES:
            return refuse(rt, batch, TxError.BAD)
        piece = buffer_at(piece.next_buffer)
        batch.vectors[batch.used + pieces].base = piece.data
        batch.vectors[batch.used + pieces].length = piece.current_length
        pieces += 1
    return pieces


@routine
def refuse(rt: NodeRuntime, batch: Batch, error: int) -> int:
    """Count a packet that cannot be sent."""
    rt.count(error, 1)
    batch.failed = batch.failed + 1
    return 0


@inline
def lasting(result: int) -> int:
    """Whether the next packet would meet the same error."""
    return (result == DOWN) | (result == NO_DEVICE) | (result == NO_SUCH_DEVICE) | (result == BAD_FD)


@routine
def flush(rt: NodeRuntime, batch: Batch, device: PacketDevice) -> int:
    """Send the batch. The call stops at a packet that the kernel refuses: that one is counted and left out."""
    sent = 0
    while sent < batch.count:
        waiting = batch.count - sent
        result = syscall(SYS_SENDMMSG, device.fd, batch.messages[sent].address, waiting, MSG_DONTWAIT, 0, 0)
        if result > 0:
            sent += result
            continue
        lost = 1
        error = TxError.FATAL
        if result == AGAIN:
            error = TxError.AGAIN
            lost = waiting
        elif result == NO_BUFFERS:
            error = TxError.AGAIN
        elif lasting(result):
            error = TxError.DOWN
            lost = waiting
        rt.count(error, lost)
        batch.failed = batch.failed + lost
        sent += lost
    batch.count = 0
    batch.used = 0
    return 0
