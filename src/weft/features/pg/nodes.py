"""pg-input makes packets of streams, pg-tx captures or frees what leaves."""

from __future__ import annotations

from weft.core.buffer import (
    DATA_SIZE,
    NEXT_PRESENT,
    Buffer,
    allocate_many,
    buffer_at,
    free,
    reset,
    u32_at,
)
from weft.core.memory import atomic_add, copy, prefetch
from weft.core.node import Kind, Nexts, node, routine
from weft.core.runtime import Frame, NodeRuntime, drop_frame
from weft.core.worker import allocate_packet
from weft.features.interface.model import sw_interfaces
from weft.features.interface.nodes import receive
from weft.features.pg.model import Capture, Record, Stream, Template, captures


class PgNext(Nexts):
    ETHERNET = "ethernet-input"


@node("pg-input", kind=Kind.INPUT, next=PgNext)
def pg_input(rt: NodeRuntime, address: int) -> int:
    """The next packets of a stream that are due."""
    stream = Stream(address)
    worker = rt.worker
    want = stream.batch
    if stream.left >= 0:
        want = min(want, stream.left)
    if stream.clocks > 0:
        if stream.due == 0:
            stream.due = worker.now
        due = (worker.now - stream.due) // stream.clocks + 1
        want = max(0, min(want, due))
        stream.due = stream.due + want * stream.clocks
    if want <= 0:
        return 0
    indices = worker.spare.address
    got = allocate_many(worker.cache, indices, want)
    position = stream.position
    octets = 0
    sent = 0
    for i in range(got):
        index = u32_at(indices + 4 * i)
        template = Template(stream.templates + position * stream.stride)
        prefetch(template.address + 4 * stream.stride)
        pkt = buffer_at(index)
        length = template.length
        if length <= DATA_SIZE:
            reset(pkt, length, stream.sw_if_index)
            copy(pkt.data, template.data.address, length)
        elif fill_chain(rt, index, template, stream.sw_if_index) == 0:
            break
        octets += length
        sent += 1
        position += 1
        if position == stream.count:
            position = 0
    for i in range(sent, got):
        free(worker.cache, u32_at(indices + 4 * i))
    stream.position = position
    stream.sent = stream.sent + sent
    if stream.left >= 0:
        stream.left = stream.left - sent
    receive(rt, indices, sent, stream.sw_if_index, octets, stream.next)
    return sent


@routine
def fill_chain(rt: NodeRuntime, index: int, template: Template, sw_if_index: int) -> int:
    """Put a long packet into a buffer and as many behind it as it takes. 0 if buffers are short."""
    first = buffer_at(index)
    reset(first, DATA_SIZE, sw_if_index)
    length = template.length
    rest = allocate_packet(rt.worker.cache, length - DATA_SIZE)
    if rest == 0:
        first.flags = 0
        return 0
    first.flags = NEXT_PRESENT
    first.next_buffer = rest
    first.rest_length = length - DATA_SIZE
    source = template.data.address
    copy(first.data, source, DATA_SIZE)
    at = DATA_SIZE
    pkt = buffer_at(rest)
    while True:
        copy(pkt.data, source + at, pkt.current_length)
        at += pkt.current_length
        if pkt.flags & NEXT_PRESENT == 0:
            return 1
        pkt = buffer_at(pkt.next_buffer)


@node("pg-tx", kind=Kind.FRAME, template=True)
def pg_tx(rt: NodeRuntime, frame: Frame) -> int:
    """Packets that leave by a packet-generator interface: captured if that is on, then freed."""
    capture = captures[sw_interfaces[rt.data].device]
    if capture.on:
        for i in range(frame.n):
            keep(capture, buffer_at(frame.vector[i]))
    return drop_frame(rt, frame)


@routine
def keep(capture: Capture, pkt: Buffer) -> int:
    """Copy a packet into the capture, if there is room."""
    length = pkt.total_length
    size = RECORD_SIZE + (length + 7) // 8 * 8
    offset = atomic_add(capture.address + USED, size)
    if offset + size > capture.room:
        atomic_add(capture.address + USED, -size)
        capture.missed = capture.missed + 1
        return 0
    record = Record(capture.at + offset)
    record.length = length
    to = record.address + RECORD_SIZE
    while True:
        copy(to, pkt.data, pkt.current_length)
        to += pkt.current_length
        if pkt.flags & NEXT_PRESENT == 0:
            return 1
        pkt = buffer_at(pkt.next_buffer)


USED = Capture.fields["used"].offset
RECORD_SIZE = Record.size
