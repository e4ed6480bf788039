"""pg-input makes packets of streams, pg-tx captures or frees what leaves."""

from __future__ import annotations

from weft.core.buffer import (
    CHECKSUM_GOOD,
    DATA_SIZE,
    L3_HDR_VALID,
    NEXT_PRESENT,
    OFFLOAD,
    allocate_many,
    buffer_at,
    free,
    reset,
    u32_at,
)
from weft.core.memory import copy, prefetch
from weft.core.node import Kind, Nexts, inline, node, routine
from weft.core.runtime import Frame, NodeRuntime, Queue, deliver, drop_frame, put_frame
from weft.core.worker import allocate_packet
from weft.features.gso.coalesce import offer
from weft.features.interface.model import rx, sw_interfaces
from weft.features.interface.nodes import receive
from weft.features.pcap.capture import Capture, keep
from weft.features.pg.coalescing import Coalescing, captures, coalescings, leave, leave_expired
from weft.features.pg.format import trace_input, trace_tx
from weft.features.pg.stream import CREDIT, FRAMES, LINE, PACKETS, PgMeta, Stream

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
    lengths = stream.lengths
    start = position = stream.position
    octets = 0
    sent = 0
    while sent < got:
        run = min(got - sent, stream.count - position)
        made = make(rt, stream, indices + 4 * sent, position, run)
        for i in range(position, position + made):
            octets += lengths[i]
        sent += made
        position += made
        if made < run:
            break
        if position == stream.count:
            position = 0
    if sent < want:
        shorten(rt, indices, sent, got)
    stream.position = position
    stream.sent = stream.sent + sent
    if stream.left >= 0:
        stream.left = stream.left - sent
    if worker.tracing:
        mark(indices, sent, stream.number)
    if stream.owed.address != 0:
        owe(stream, indices, sent, start)
    if stream.start == PACKETS:
        begin_layer_3(indices, sent)
    if stream.start == FRAMES:
        receive(rt, indices, sent, sw_if_index, octets, stream.next)
    elif sent:
        rx.add(rt.worker, sw_if_index, sent, octets)
        deliver(rt, indices, sent, stream.next)
    return sent


@inline
def make(rt: NodeRuntime, stream: Stream, indices: int, position: int, count: int) -> int:
    """Fill so many buffers with a stream's packets, which follow one another in its table; how many it was possible to
    fill.
    """
    sw_if_index = stream.sw_if_index
    lengths = stream.lengths
    stride = stream.stride
    template = stream.templates + position * stride
    if stride == LINE:
        return make_short(stream, indices, position, count, LINE)
    if stride == 2 * LINE:
        return make_short(stream, indices, position, count, 2 * LINE)
    for i in range(count):
        index = u32_at(indices + 4 * i)
        pkt = buffer_at(index)
        length = lengths[position + i]
        if length <= DATA_SIZE:
            reset(pkt, length, sw_if_index)
            to = pkt.data
            for at in range(0, length, LINE):
                prefetch(template + AHEAD * stride + at)
                copy(to + at, template + at, LINE)
        elif fill_chain(rt, index, template, length, sw_if_index) == 0:
            return i
        template += stride
    return count


@inline
def make_short(stream: Stream, indices: int, position: int, count: int, stride: int) -> int:
    """The same for packets that are so short that each is copied with all the room it has in the table."""
    sw_if_index = stream.sw_if_index
    lengths = stream.lengths
    template = stream.templates + position * stride
    for i in range(count):
        pkt = buffer_at(u32_at(indices + 4 * i))
        prefetch(template + AHEAD * stride)
        if stride > LINE:
            prefetch(template + AHEAD * stride + LINE)
        reset(pkt, lengths[position + i], sw_if_index)
        copy(pkt.data, template, stride)
        template += stride
    return count


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
def owe(stream: Stream, indices: int, count: int, position: int) -> int:
    """Note what packets owe, of which the first is the stream's at ``position``."""
    for i in range(count):
        owed = stream.owed[position]
        if owed.csum_start != 0:
            pkt = buffer_at(u32_at(indices + 4 * i))
            pkt.flags = pkt.flags | OFFLOAD | CHECKSUM_GOOD
            pkt.csum_start = owed.csum_start
            pkt.csum_offset = owed.csum_offset
            pkt.gso_size = owed.gso_size
            pkt.gso_type = owed.gso_type
            pkt.gso_flags = 0
        position += 1
        if position == stream.count:
            position = 0
    return count


@routine
def begin_layer_3(indices: int, count: int) -> int:
    """Packets without layer 2 start with layer 3."""
    for i in range(count):
        pkt = buffer_at(u32_at(indices + 4 * i))
        pkt.l3_hdr_offset = pkt.current_data
        pkt.flags = pkt.flags | L3_HDR_VALID
    return count


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
    number = sw_interfaces[rt.data].device
    capture = captures[number]
    if coalescings[number].flows.address != 0:
        return put_together(rt, frame, capture, coalescings[number])
    if capture.on:
        for i in range(frame.n):
            keep(capture, buffer_at(frame.vector[i]), 0)
    return drop_frame(rt, frame)


@routine
def put_together(rt: NodeRuntime, frame: Frame, capture: Capture, coalescing: Coalescing) -> int:
    """The same by way of GRO."""
    worker = rt.worker
    flows = coalescing.flows[worker.index]
    leave_expired(worker, capture, flows, worker.now - coalescing.patience)
    for i in range(frame.n):
        for ready in range(offer(flows, frame.vector[i], worker.now)):
            leave(worker, capture, flows.ready[ready])
    put_frame(worker, frame)
    return 0
