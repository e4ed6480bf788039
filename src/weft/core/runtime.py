"""What a thread works with: its node runtimes, its frames, and how packets get from node to node.

A *frame* is a vector of up to 256 buffer indices waiting for one node. A node has at most one frame that is still being
filled in each thread (``open``); it waits in the thread's ring of pending frames like the full ones. Frames are never
short: their number is bounded by that of nodes and of buffers.
"""

from __future__ import annotations

from weft.core import arena
from weft.core.buffer import TRACED, BufferCache, buffer_at, free_many, u32_at
from weft.core.memory import call, clock, copy
from weft.core.node import inline, routine
from weft.core.view import Array, Fixed, Ref, Rows, View, i64, times, u8, u32

MAX_THREADS = 33  #: the main thread and 32 workers
MAX_NODES = 1 << 15  #: instances
MAX_NEXTS = 64  #: ways out of a node, without those that are a node's index
FRAME_SIZE = 256
MAX_FRAMES = 1 << 16  #: more than one for each node and one for each 256 buffers
MAX_ERRORS = 1 << 12

#: A node's result with this bit is the index of the next node itself, not the slot of a declared way out.
DIRECT = 1 << 16
#: The node has kept or freed the packet.
CONSUMED = (1 << 20) - 1
#: Nodes that are compiled as one leave above these bits of a packet's way which of them it has gone from.
STAGE_SHIFT = 20
MOST_STAGES = 8


class Frame(View, apart=True):
    """Packets on their way to a node."""

    n: u32
    node: u32
    next_free: i64
    pad: Array[i64] = times(6)
    vector: Array[u32] = times(FRAME_SIZE)


class NodeRuntime(View, apart=True):
    """One node in one thread. ``rt`` in every node function."""

    function: i64
    worker: Fixed[Ref[Worker]]
    open: i64
    index: Fixed[u32]
    next_count: u32
    data: Fixed[i64]  # an instance's own: the sw_if_index of ``loop0-output``, for one
    errors: Fixed[Rows[i64]]
    trace_wanted: i64  # so many more packets are to be traced from this node on
    fusions: i64  # what is compiled together with the nodes behind it, if ``function`` is ``fusing.code.run``
    calls: i64
    vectors: i64
    clocks: i64
    max_clocks: i64
    max_vectors: i64
    mixed: i64  # the last frame was of many interfaces: the next goes the plain way
    pad2: Array[i64] = times(2)
    nexts: Array[u32] = times(MAX_NEXTS)
    next_vectors: Array[i64] = times(MAX_NEXTS)

    def count(self, error: int, packets: int) -> None:
        """Count an error, or something else worth counting, without dropping anything."""
        self.errors[error] = self.errors[error] + packets

    def send(self, index: int, next: int) -> None:
        """Send a packet that this node has made to one of the ways out."""
        append(self, index, next)


class Queue(View):
    """A receive queue placed on a thread: the input node that reads it and the device's own record of it."""

    runtime: Ref[NodeRuntime]
    device: i64
    polling: i64  # cannot wake a sleeping thread: always look
    active: i64


MAX_QUEUES = 4096

# Worker.probing
NOT, WANTED, FOLLOWING, DONE = range(4)
MOST_STEPS = 32


class Step(View):
    """Where a packet that is followed has been, what then stood in it, and where it went. See ``fusing/probe.py``."""

    node: u32
    next: u32
    rx_sw_if_index: u32
    tx_sw_if_index: u32


class Worker(View, apart=True):
    """A thread that forwards. Thread 0 is the main thread."""

    # what the main thread says
    stop: i64
    barrier: i64
    wakeup_fd: i64
    epoll_fd: i64
    queue_count: i64
    queues: Rows[Queue]
    pad0: Array[i64] = times(2)
    # what the worker says
    loops: i64
    parked: i64
    sleeping: i64
    pad1: Array[i64] = times(5)
    # its own
    now: i64  # clocks, at the start of this round
    longest_round: i64  # clocks between two looks at the queues; whoever measures may set it to 0
    runtimes: Fixed[Rows[NodeRuntime]]
    pending: Fixed[Rows[i64]]
    pending_head: i64
    pending_tail: i64
    free_frames: i64
    frames: Fixed[Rows[Frame]]
    frames_used: i64
    frame_shortage: i64
    tracing: i64
    idle: i64
    nothing: i64
    cache: Fixed[Ref[BufferCache]]
    errors: Fixed[Rows[i64]]
    trace: Rows[TraceRecord]
    trace_used: i64
    trace_capacity: i64
    trace_packets: i64
    punt: i64
    inject: i64
    random: i64
    scratch: i64
    probing: i64
    probed: i64  # the index of the packet that is followed
    steps_used: i64
    pad2: Array[i64] = times(6)
    nexts: Array[u32] = times(FRAME_SIZE)
    spare: Array[u32] = times(FRAME_SIZE)
    ways: Array[u32] = times(FRAME_SIZE)  # as ``nexts``, of nodes that are compiled as one
    left: Array[i64] = times(MOST_STAGES + 1)  # packets by the stage that they have gone from; the last: of none
    steps: Array[Step] = times(MOST_STEPS)
    pad3: Array[i64] = times(7)

    @property
    def index(self) -> int:
        """Its number. Computed, so that what depends on it costs nothing in the loop over packets."""
        return (self.address - workers.address) >> WORKER_SHIFT


WORKER_SHIFT = 12
assert Worker.size == 1 << WORKER_SHIFT


TRACE_BEFORE = 64  #: bytes kept in front of where the packet starts after the node ...
TRACE_DATA = 192  #: ... and in all


class TraceRecord(View):
    """What a traced packet looked like after a node had it (before, for nodes that take a whole frame)."""

    packet: u32
    node: u32
    clock: i64
    buffer: u32
    next: u32
    note: i64  # what the node itself has to say; 0: nothing
    metadata: Array[u8] = times(128)
    data: Array[u8] = times(TRACE_DATA)


workers = arena.table("workers", Worker, MAX_THREADS)
queues = arena.table("queues", Queue, MAX_THREADS * MAX_QUEUES)
runtimes = arena.table("node-runtimes", NodeRuntime, MAX_THREADS * MAX_NODES)
_frames = arena.table("frames", Frame, MAX_THREADS * MAX_FRAMES)
_pending = arena.table("pending-frames", i64, MAX_THREADS * MAX_FRAMES)
_caches = arena.table("buffer-caches", BufferCache, MAX_THREADS)

_in_use: list[int] = [0]


def threads_in_use() -> list[int]:
    """The indices of all threads that may forward."""
    return _in_use


def setup(threads: int) -> None:
    """Lay out what each of so many threads works with. The arena is mapped and empty."""
    _in_use[:] = range(threads)
    for thread in _in_use:
        worker = workers[thread]
        worker.runtimes = runtimes[thread * MAX_NODES].address
        worker.pending = _pending.address + 8 * thread * MAX_FRAMES
        worker.cache = _caches[thread]
        worker.queues = queues[thread * MAX_QUEUES].address
        worker.random = 0x2545F4914F6CDD1D + thread
        worker.frames = _frames[thread * MAX_FRAMES].address


@inline
def get_frame(worker: Worker) -> Frame:
    """An empty frame."""
    address = worker.free_frames
    if address == 0:
        return Frame(new_frame(worker))
    frame = Frame(address)
    worker.free_frames = frame.next_free
    return frame


@routine
def new_frame(worker: Worker) -> int:
    """The address of a frame that has never been used."""
    address = worker.frames[worker.frames_used].address
    worker.frames_used = worker.frames_used + 1
    return address


@inline
def put_frame(worker: Worker, frame: Frame) -> None:
    frame.n = 0
    frame.next_free = worker.free_frames
    worker.free_frames = frame.address


@inline
def push(worker: Worker, target: NodeRuntime, frame: Frame) -> None:
    """Make ``frame`` the one that ``target`` is being filled, and let it wait for its turn."""
    frame.node = target.index
    target.open = frame.address
    tail = worker.pending_tail
    worker.pending[tail & (MAX_FRAMES - 1)] = frame.address
    worker.pending_tail = tail + 1


@inline
def open_frame(worker: Worker, target: NodeRuntime) -> Frame:
    """A frame for ``target`` with room for one packet at least."""
    if target.open != 0:
        frame = Frame(target.open)
        if frame.n < FRAME_SIZE:
            return frame
    fresh = get_frame(worker)
    fresh.n = 0
    push(worker, target, fresh)
    return fresh


@inline
def target_of(rt: NodeRuntime, next: int) -> NodeRuntime:
    """The runtime of the node that a result names."""
    if next & DIRECT:
        return rt.worker.runtimes[next & (DIRECT - 1)]
    return rt.worker.runtimes[rt.nexts[next]]


@inline
def book(rt: NodeRuntime, next: int, packets: int) -> None:
    """Count packets that went a declared way."""
    if next & DIRECT == 0:
        rt.next_vectors[next] = rt.next_vectors[next] + packets


@routine
def append(rt: NodeRuntime, index: int, next: int) -> int:
    """Put one packet into the frame of a next node."""
    worker = rt.worker
    book(rt, next, 1)
    frame = open_frame(worker, target_of(rt, next))
    frame.vector[frame.n] = index
    frame.n = frame.n + 1
    return 0


@routine
def append_many(rt: NodeRuntime, indices: int, count: int, next: int) -> int:
    """Put ``count`` packets, whose indices (u32) stand at ``indices``, into frames of one next node."""
    worker = rt.worker
    target = target_of(rt, next)
    book(rt, next, count)
    while count > 0:
        frame = open_frame(worker, target)
        take = min(FRAME_SIZE - frame.n, count)
        copy(frame.vector.address + 4 * frame.n, indices, 4 * take)
        frame.n = frame.n + take
        indices += 4 * take
        count -= take
    return 0


@routine
def deliver(rt: NodeRuntime, indices: int, count: int, next: int) -> int:
    """What an input node does with the packets that it has made: trace them if asked, and send them on."""
    if rt.worker.tracing:
        for i in range(count):
            index = u32_at(indices + 4 * i)
            start_trace(rt, index)
            if buffer_at(index).flags & TRACED:
                trace_packet(rt, index, next)
    if rt.worker.probing == WANTED and count > 0:
        start_probe(rt, indices, count, next)
    return append_many(rt, indices, count, next)


@routine
def hand_on(rt: NodeRuntime, frame: Frame, next: int) -> int:
    """Send all packets of a frame one way. If nothing else waits there, it is the frame itself that goes."""
    worker = rt.worker
    n = frame.n
    target = target_of(rt, next)
    if target.open == 0:
        book(rt, next, n)
        push(worker, target, frame)
        return n
    append_many(rt, frame.vector.address, n, next)
    put_frame(worker, frame)
    return n


@routine
def scatter(rt: NodeRuntime, frame: Frame) -> int:
    """Send each packet of a frame where the thread's ``nexts`` say; the frame is used up."""
    worker = rt.worker
    n = frame.n
    nexts = worker.nexts
    first = nexts[0]
    different = 0
    for i in range(n):
        different |= nexts[i] ^ first
    if different == 0 and first != CONSUMED:
        return hand_on(rt, frame, first)
    start = 0
    vector, spare = frame.vector, worker.spare
    while start < n:
        next = nexts[start]
        if next == CONSUMED:
            start += 1
            continue
        count = 0
        for i in range(start, n):
            # Without branches: which way a packet goes is not to be guessed.
            way = nexts[i]
            same = int(way == next)
            nexts[i] = way | CONSUMED & -same
            spare[count] = vector[i]
            count += same
        append_many(rt, spare.address, count, next)
        start += 1
    put_frame(worker, frame)
    return n


@routine
def drop_frame(rt: NodeRuntime, frame: Frame) -> int:
    """Free all packets of a frame, and the frame."""
    worker = rt.worker
    free_many(worker.cache, frame.vector.address, frame.n)
    put_frame(worker, frame)
    return 0


@routine
def dispatch(worker: Worker) -> int:
    """Run nodes until no frame is pending. Returns the number of frames that were processed."""
    done = 0
    before = clock()
    while worker.pending_head != worker.pending_tail:
        frame = Frame(worker.pending[worker.pending_head & (MAX_FRAMES - 1)])
        worker.pending_head = worker.pending_head + 1
        rt = worker.runtimes[frame.node]
        if rt.open == frame.address:
            rt.open = 0
        n = frame.n
        call(rt.function, rt.address, frame.address, n)
        after = clock()
        note(rt, n, after - before)
        before = after
        done += 1
    return done


@inline
def note(rt: NodeRuntime, vectors: int, clocks: int) -> None:
    """Book a call of a node."""
    rt.calls = rt.calls + 1
    rt.vectors = rt.vectors + vectors
    rt.clocks = rt.clocks + clocks
    if clocks > rt.max_clocks:
        rt.max_clocks = clocks
        rt.max_vectors = vectors


# --- tracing --------------------------------------------------------------------------------------------------------


@routine
def trace_packet(rt: NodeRuntime, index: int, next: int) -> int:
    """Add a record of a traced packet to the thread's trace."""
    worker = rt.worker
    if worker.trace_used >= worker.trace_capacity:
        return 0
    record = worker.trace[worker.trace_used]
    worker.trace_used = worker.trace_used + 1
    pkt = buffer_at(index)
    record.packet = pkt.trace_id
    record.node = rt.index
    record.clock = clock()
    record.buffer = index
    record.next = next
    record.note = 0
    copy(record.metadata.address, pkt.address, 128)
    copy(record.data.address, pkt.data - TRACE_BEFORE, TRACE_DATA)
    return 1


@routine
def trace_note(rt: NodeRuntime, index: int, note: int) -> int:
    """Add a record of its own about a traced packet, with what the node's ``trace`` needs to know: not 0."""
    worker = rt.worker
    if trace_packet(rt, index, CONSUMED):
        worker.trace[worker.trace_used - 1].note = note
    return 0


@routine
def start_trace(rt: NodeRuntime, index: int) -> int:
    """Trace this packet from here on, if the user has asked for packets of this node."""
    worker = rt.worker
    pkt = buffer_at(index)
    if rt.trace_wanted > 0 and pkt.flags & TRACED == 0:
        rt.trace_wanted = rt.trace_wanted - 1
        pkt.flags = pkt.flags | TRACED
        pkt.trace_id = worker.trace_packets
        worker.trace_packets = worker.trace_packets + 1
    return 0


@routine
def trace_frame(rt: NodeRuntime, frame: Frame) -> int:
    """Record each traced packet of a frame whose ``nexts`` have been found."""
    worker = rt.worker
    for i in range(frame.n):
        index = frame.vector[i]
        start_trace(rt, index)
        if buffer_at(index).flags & TRACED:
            trace_packet(rt, index, worker.nexts[i])
    return 0


# --- following a packet, to see where packets go ---------------------------------------------------------------------


@routine
def start_probe(rt: NodeRuntime, indices: int, count: int, next: int) -> int:
    """Follow one of the packets that an input node sends on."""
    worker = rt.worker
    worker.probed = u32_at(indices + 4 * (clock() % count))
    worker.steps_used = 0
    worker.probing = FOLLOWING
    add_step(rt, worker.probed, next)
    return 0


@routine
def add_step(rt: NodeRuntime, index: int, next: int) -> int:
    """Note where the packet that is followed has been."""
    worker = rt.worker
    pkt = buffer_at(index)
    step = worker.steps[worker.steps_used]
    step.node = rt.index
    step.next = next
    step.rx_sw_if_index = pkt.rx_sw_if_index
    step.tx_sw_if_index = pkt.tx_sw_if_index
    worker.steps_used = worker.steps_used + 1
    if worker.steps_used == MOST_STEPS or next == CONSUMED:
        worker.probing = DONE
    return 0


@routine
def probe_frame(rt: NodeRuntime, frame: Frame, last: int) -> int:
    """Note it if the packet that is followed is in a frame, whose ``nexts`` have been found; or which, as ``last``
    says, is the end of its way.
    """
    worker = rt.worker
    if worker.probing == FOLLOWING:
        for i in range(frame.n):
            if frame.vector[i] == worker.probed:
                add_step(rt, worker.probed, CONSUMED if last else worker.nexts[i])
                return 1
    return 0
