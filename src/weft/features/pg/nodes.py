"""pg-input makes packets of streams, pg-tx captures or frees what leaves."""

from __future__ import annotations

from weft.core.buffer import (
    DATA_SIZE,
    NEXT_PRESENT,
    allocate_many,
    buffer_at,
    free,
    reset,
    u32_at,
)
from weft.core.memory import copy, prefetch
from weft.core.node import Kind, Nexts, node, routine
from weft.core.runtime import Frame, NodeRuntime, Queue, deliver, drop_frame
from weft.core.worker import allocate_packet
from weft.features.interface.model import rx, sw_interfaces
from weft.features.interface.nodes import receive
from weft.features.pcap.capture import keep
from weft.features.pg.format import trace_input, trace_tx
from weft.features.pg.model import CREDIT, LINE, PgMeta, Stream, captures

AHEAD = 8  #: packets


class PgNext(Nexts):
    ETHERNET = "ethernet-input"


@node("pg-input", kind=Kind.INPUT, next=PgNext, trace=trace_input)
def pg_input(rt: NodeRuntime, address: int) -> int:
    """The next packets of a stream that are due."""
    stream = Stream(address)
    worker = rt.worker
    want = stream.batch
    if stream.left >= 0:
        want = min(want, stream.left)
    if stream.price > 0:
        want = due(stream, worker.now, want)
    if want <= 0:
        if stream.left == 0 and stream.queue != 0:
            Queue(stream.queue).active = 0
        return 0
    indices = worker.spare.address
    got = allocate_many(worker.cache, indices, want)
    sw_if_index = stream.sw_if_index
    stride = stream.stride
    lengths = stream.lengths
    first = stream.templates
    position = stream.position
    count = stream.count
    octets = 0
    sent = 0
    template = first + position * stride
    while sent < got:
        index = u32_at(indices + 4 * sent)
        pkt = buffer_at(index)
        length = lengths[position]
        prefetch(template + AHEAD * stride)
        if length <= LINE:
            reset(pkt, length, sw_if_index)
            copy(pkt.data, template, LINE)
        elif length <= DATA_SIZE:
            reset(pkt, length, sw_if_index)
            to = pkt.data
            for at in range(0, length, LINE):
                prefetch(template + AHEAD * stride + at)
                copy(to + at, template + at, LINE)
        elif fill_chain(rt, index, template, length, sw_if_index) == 0:
            break
        octets += length
        sent += 1
        position += 1
        template += stride
        if position == count:
            position = 0
            template = first
    if sent < want:
        shorten(rt, indices, sent, got)
    stream.position = position
    stream.sent = stream.sent + sent
    if stream.left >= 0:
        stream.left = stream.left - sent
    if worker.tracing:
        mark(indices, sent, stream.number)
    if stream.frames:
        receive(rt, indices, sent, sw_if_index, octets, stream.next)
    elif sent:
        rx.add(rt.worker, sw_if_index, sent, octets)
        deliver(rt, indices, sent, stream.next)
    return sent


@routine
def due(stream: Stream, now: int, most: int) -> int:
    """How many packets a stream's rate allows now. It may catch up with a second's worth of them at the most."""
    credit = stream.credit
    if stream.last == 0:
        credit = stream.price
    else:
        credit += (now - stream.last) * CREDIT
    stream.last = now
    want = min(credit // stream.price, most)
    stream.credit = min(credit - want * stream.price, max(stream.price, CREDIT << 32))
    return want


@routine
def shorten(rt: NodeRuntime, indices: int, sent: int, got: int) -> int:
    """Buffers were short: give back those that were got in vain."""
    for i in range(sent, got):
        buffer_at(u32_at(indices + 4 * i)).flags = 0
        free(rt.worker.cache, u32_at(indices + 4 * i))
    return sent


@routine
def mark(indices: int, count: int, number: int) -> int:
    """Let each packet's trace know its stream."""
    for i in range(count):
        PgMeta(buffer_at(u32_at(indices + 4 * i)).opaque2).stream = number
    return count


@routine
def fill_chain(rt: NodeRuntime, index: int, source: int, length: int, sw_if_index: int) -> int:
    """Put a long packet into a buffer and as many behind it as it takes. 0 if buffers are short."""
    first = buffer_at(index)
    reset(first, DATA_SIZE, sw_if_index)
    rest = allocate_packet(rt.worker.cache, length - DATA_SIZE)
    if rest == 0:
        return 0
    first.flags = NEXT_PRESENT
    first.next_buffer = rest
    first.rest_length = length - DATA_SIZE
    copy(first.data, source, DATA_SIZE)
    at = DATA_SIZE
    pkt = buffer_at(rest)
    while True:
        copy(pkt.data, source + at, pkt.current_length)
        at += pkt.current_length
        if pkt.flags & NEXT_PRESENT == 0:
            return 1
        pkt = buffer_at(pkt.next_buffer)


@node("pg-tx", kind=Kind.FRAME, template=True, trace=trace_tx)
def pg_tx(rt: NodeRuntime, frame: Frame) -> int:
    """Packets that leave by a packet-generator interface: captured if that is on, then freed."""
    capture = captures[sw_interfaces[rt.data].device]
    if capture.on:
        for i in range(frame.n):
            keep(capture, buffer_at(frame.vector[i]), 0)
    return drop_frame(rt, frame)
