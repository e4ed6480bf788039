"""The packet code around fusions: which one a frame is for, where its packets go then, and who gets the counts."""

from __future__ import annotations

from weft.core.buffer import Buffer, buffer_at
from weft.core.memory import call, clock
from weft.core.node import Per, inline, routine
from weft.core.runtime import (
    CONSUMED,
    FOLLOWING,
    MOST_STAGES,
    STAGE_SHIFT,
    Frame,
    NodeRuntime,
    Worker,
    get_frame,
    hand_on,
    put_frame,
    scatter,
)
from weft.core.view import Array, View, i64, times, u32

MOST_FUSIONS = 16  #: that begin with one node
NOBODY = -1  #: the key of a fusion that is for no packet (any more)
NO_SLOT = 0xFFFFFFFF
MISSED = MOST_STAGES  #: the stage of packets that were not for this fusion: nothing has been done to them


class Stage(View):
    """One of the nodes that are compiled together."""

    node: u32  # the instance
    slot: u32  # the declared way out that leads to the next; NO_SLOT: none does
    counts: u32  # the error that it counts for each packet, and 1; 0: none
    weight: u32  # its part of the clocks, in relation to the others


class Row(View):
    """A fusion, for packets of one interface or of any."""

    key: i64  # the interface
    per: i64  # which of the packet's it is: ``Per``
    function: i64
    count: i64
    stages: Array[Stage] = times(MOST_STAGES)


class Fusions(View):
    """All that begin with one node."""

    plain: i64  # the node's own function
    count: i64
    rows: Array[Row] = times(MOST_FUSIONS)


@inline
def key_of(pkt: Buffer, per: int) -> int:
    """The interface of a packet's that decides."""
    if per == Per.RX:
        return pkt.rx_sw_if_index
    return pkt.tx_sw_if_index if per == Per.TX else 0


@routine
def run(rt_address: int, frame_address: int, n: int) -> int:
    """The function of a node that fusions begin with. The frame's first packet chooses; packets that are not for its
    fusion come back to the node as a frame of their own, unless they are most: then they go the plain way. So do all
    while one is traced or followed.
    """
    rt, frame = NodeRuntime(rt_address), Frame(frame_address)
    worker = rt.worker
    fusions = Fusions(rt.fusions)
    if worker.tracing == 0 and worker.probing != FOLLOWING and rt.mixed == 0:
        pkt = buffer_at(frame.vector[0])
        for i in range(fusions.count):
            row = fusions.rows[i]
            if row.key == key_of(pkt, row.per):
                before = clock()
                call(row.function, rt.address, frame.address, n)
                leave(rt, row, frame, n)
                book_stages(rt, row, n, clock() - before)
                return n
    rt.mixed = 0
    return call(fusions.plain, rt.address, frame.address, n)


@inline
def runtime_of(worker: Worker, row: Row, stage: int) -> NodeRuntime:
    """The node from which packets of a stage have gone."""
    return worker.runtimes[row.stages[0 if stage == MISSED else stage].node]


@routine
def leave(rt: NodeRuntime, row: Row, frame: Frame, n: int) -> int:
    """Send each packet of a frame where the thread's ``ways`` say; the frame is used up."""
    worker = rt.worker
    ways, left = worker.ways, worker.left
    for stage in range(MOST_STAGES + 1):
        left[stage] = 0
    first = ways[0]
    different = 0
    for i in range(n):
        different |= ways[i] ^ first
    if different == 0:
        stage = first >> STAGE_SHIFT
        left[stage] = n
        if first & CONSUMED != CONSUMED:
            return hand_on(runtime_of(worker, row, stage), frame, first & CONSUMED)
    else:
        for i in range(n):
            stage = ways[i] >> STAGE_SHIFT
            left[stage] = left[stage] + 1
    for stage in range(MOST_STAGES + 1):
        if left[stage] != 0:
            leave_stage(runtime_of(worker, row, stage), frame, stage)
    rt.mixed = int(left[MISSED] << 1 > n)
    put_frame(worker, frame)
    return n


@routine
def leave_stage(rt: NodeRuntime, frame: Frame, stage: int) -> int:
    """Send on those of a frame's packets that have gone from one stage, as a frame of their own."""
    worker = rt.worker
    own = get_frame(worker)
    ways, nexts, vector, to = worker.ways, worker.nexts, frame.vector, own.vector
    count = 0
    for i in range(frame.n):
        way = ways[i]
        to[count] = vector[i]
        nexts[count] = way & CONSUMED
        count += int(way >> STAGE_SHIFT == stage)
    own.n = count
    return scatter(rt, own)


@routine
def book_stages(rt: NodeRuntime, row: Row, n: int, clocks: int) -> int:
    """Book what each node would have booked, had it been called on its own. The clocks are shared out as the nodes took
    them before they were compiled together. Whoever called books all packets and clocks for the first: that is mended.
    """
    worker = rt.worker
    left = worker.left
    coming = n - left[MISSED]
    whole = 0
    packets = coming
    for k in range(row.count):
        whole += packets * row.stages[k].weight
        packets -= left[k]
    rt.vectors = rt.vectors - left[MISSED]
    packets = coming
    for k in range(row.count):
        stage = row.stages[k]
        if packets == 0:
            return 0
        own = worker.runtimes[stage.node]
        if stage.counts != 0:
            own.count(stage.counts - 1, packets)
        if k > 0:
            part = clocks * packets * stage.weight // whole
            own.calls = own.calls + 1
            own.vectors = own.vectors + packets
            own.clocks = own.clocks + part
            rt.clocks = rt.clocks - part
        packets -= left[k]
        if stage.slot != NO_SLOT:
            own.next_vectors[stage.slot] = own.next_vectors[stage.slot] + packets
    return 0
