"""Packets that the main thread's Python is to see: what is rare and intricate.

Packet code sends a packet to the node ``punt`` with a reason (``return punt(pkt, ARP_LEARN, Next.PUNT)``) or lets
Python see a copy (``punt_copy``). Each reason has a rate limit in each worker; what is above it, or finds the ring
full, is counted and dropped, so a flood costs workers little and the main thread a bounded share.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core import arena, memory
from weft.core.buffer import L2_HDR_VALID, L3_HDR_VALID, NEXT_PRESENT, Buffer, buffer_at, free
from weft.core.memory import atomic_load, atomic_store, atomic_swap, copy, syscall
from weft.core.node import Kind, inline, node, routine
from weft.core.runtime import MAX_THREADS, Frame, NodeRuntime, Worker, put_frame, threads_in_use
from weft.core.view import Array, View, i64, times, u8, u32

if TYPE_CHECKING:
    from weft.core.engine import Engine

SLOTS = 512
SNAP = 2048 - 64  #: bytes of a packet that Python sees
MAX_REASONS = 64
SYS_WRITE = 1
NOWHERE = 0xFFFFFFFF  #: an offset that is not known


class Slot(View):
    """One packet in a worker's ring."""

    reason: u32
    length: u32
    rx_sw_if_index: u32
    tx_sw_if_index: u32
    offset_l2: u32  # where in the data the layer-2 and layer-3 headers start; all ones: not known
    offset_l3: u32
    value: i64  # the packet's own word, by reason
    pad: Array[i64] = times(4)
    data: Array[u8] = times(SNAP)


class Ring(View):
    """From one worker (``head``) to the main thread (``tail``)."""

    head: i64
    pad: Array[i64] = times(7)
    tail: i64
    pad2: Array[i64] = times(7)
    tokens: Array[i64] = times(MAX_REASONS)
    filled: Array[i64] = times(MAX_REASONS)
    punted: Array[i64] = times(MAX_REASONS)
    refused: Array[i64] = times(MAX_REASONS)
    slots: Array[Slot] = times(SLOTS)


class Limit(View):
    """How often a reason may punt in each worker."""

    clocks: i64  # for one more packet
    burst: i64


class Bell(View):
    """How a worker wakes the main thread."""

    rung: i64
    fd: i64
    one: i64


rings = arena.table("punt-rings", Ring, MAX_THREADS)
limits = arena.table("punt-limits", Limit, MAX_REASONS)
bell = arena.root("punt-bell", Bell)


class Punted(Struct, frozen=True):
    """A packet as a punt handler gets it. ``data`` starts where the packet did when it was punted, or at its
    layer-2 header if that is known; ``l3`` is the offset of the layer-3 header.
    """

    reason: str
    data: bytes
    length: int
    rx_sw_if_index: int
    tx_sw_if_index: int
    l2: int | None
    l3: int | None
    value: int


Handler = Callable[["Engine", Punted], None]


class Reason(Struct, frozen=True):
    number: int
    name: str
    handler: Handler
    rate: float
    burst: int


REASONS: list[Reason] = []


def reason(name: str, handler: Handler, *, rate: float = 1000, burst: int = 64) -> int:
    """Declare a reason to punt: its handler and how many packets a second each worker may send it."""
    if len(REASONS) == MAX_REASONS:
        raise ValueError(f"no more than {MAX_REASONS} reasons to punt")
    REASONS.append(Reason(len(REASONS), name, handler, rate, burst))
    return len(REASONS) - 1


@inline
def punt(pkt: Buffer, why: int, next: int) -> int:
    """Give the packet to Python: the result of a node, ``next`` being its way to ``punt``."""
    pkt.error = why
    return next


@routine
def punt_copy(worker: Worker, index: int, why: int, value: int) -> int:
    """Let Python see the packet, which goes its way. 1 if it will, 0 if the rate limit or the ring says no."""
    ring = rings[worker.index]
    limit = limits[why]
    new = (worker.now - ring.filled[why]) // max(limit.clocks, 1)
    if new > 0:
        ring.tokens[why] = min(ring.tokens[why] + new, limit.burst)
        ring.filled[why] = worker.now
    head = ring.head
    if ring.tokens[why] <= 0 or head - atomic_load(ring.address + 64) >= SLOTS:
        ring.refused[why] = ring.refused[why] + 1
        return 0
    ring.tokens[why] = ring.tokens[why] - 1
    ring.punted[why] = ring.punted[why] + 1
    pkt = buffer_at(index)
    slot = ring.slots[head & (SLOTS - 1)]
    start = pkt.current_data
    if pkt.flags & L2_HDR_VALID and pkt.l2_hdr_offset < start and pkt.flags & NEXT_PRESENT == 0:
        start = pkt.l2_hdr_offset
    length = pkt.current_data + pkt.current_length - start
    slot.reason = why
    slot.length = pkt.total_length + pkt.current_data - start
    slot.rx_sw_if_index = pkt.rx_sw_if_index
    slot.tx_sw_if_index = pkt.tx_sw_if_index
    slot.offset_l2 = NOWHERE
    slot.offset_l3 = NOWHERE
    if pkt.flags & L2_HDR_VALID and pkt.l2_hdr_offset >= start:
        slot.offset_l2 = pkt.l2_hdr_offset - start
    if pkt.flags & L3_HDR_VALID and pkt.l3_hdr_offset >= start:
        slot.offset_l3 = pkt.l3_hdr_offset - start
    slot.value = value
    to = slot.data.address
    room = SNAP
    copy(to, pkt.data + start - pkt.current_data, min(length, room))
    to += min(length, room)
    room -= min(length, room)
    while pkt.flags & NEXT_PRESENT and room > 0:
        pkt = buffer_at(pkt.next_buffer)
        take = min(pkt.current_length, room)
        copy(to, pkt.data, take)
        to += take
        room -= take
    atomic_store(ring.address, head + 1)
    if atomic_swap(bell.address, 0, 1):
        syscall(SYS_WRITE, bell.fd, bell.address + 16, 8, 0, 0, 0)
    return 1


@node("punt", kind=Kind.FRAME)
def punt_node(rt: NodeRuntime, frame: Frame) -> int:
    """Give each packet to Python under the reason that stands in ``error``, and free it."""
    worker = rt.worker
    for i in range(frame.n):
        index = frame.vector[i]
        punt_copy(worker, index, buffer_at(index).error, 0)
        free(worker.cache, index)
    put_frame(worker, frame)
    return 0


class Punts:
    """The main thread's end: ``fd`` is readable when something has been punted."""

    def __init__(self, engine: Engine, clocks_per_second: float) -> None:
        self._engine = engine
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        bell.fd, bell.one = self.fd, 1
        for declared in REASONS:
            limits[declared.number].clocks = int(clocks_per_second / declared.rate)
            limits[declared.number].burst = declared.burst
            for thread in threads_in_use():
                rings[thread].tokens[declared.number] = declared.burst

    def drain(self, most: int = 256) -> int:
        """Hand waiting packets to their handlers; how many there were."""
        try:
            os.eventfd_read(self.fd)
        except BlockingIOError:
            pass
        bell.rung = 0
        memory.fence()
        handled = 0
        for thread in threads_in_use():
            ring = rings[thread]
            while ring.tail < ring.head and handled < most:
                self._handle(ring.slots[ring.tail & (SLOTS - 1)])
                ring.tail = ring.tail + 1
                handled += 1
        if handled == most:
            os.eventfd_write(self.fd, 1)
        return handled

    def _handle(self, slot: Slot) -> None:
        declared = REASONS[slot.reason]
        packet = Punted(
            reason=declared.name,
            data=memory.read(slot.data.address, min(slot.length, SNAP)),
            length=slot.length,
            rx_sw_if_index=slot.rx_sw_if_index,
            tx_sw_if_index=slot.tx_sw_if_index,
            l2=None if slot.offset_l2 == NOWHERE else slot.offset_l2,
            l3=None if slot.offset_l3 == NOWHERE else slot.offset_l3,
            value=slot.value,
        )
        try:
            declared.handler(self._engine, packet)
        except Exception:
            self._engine.log.exception("handling a punted packet (%s) failed", declared.name)

    def counts(self) -> list[tuple[str, int, int]]:
        """Each reason's name, packets that were punted, and packets that were refused."""
        return [
            (
                declared.name,
                sum(rings[thread].punted[declared.number] for thread in threads_in_use()),
                sum(rings[thread].refused[declared.number] for thread in threads_in_use()),
            )
            for declared in REASONS
        ]

    def close(self) -> None:
        os.close(self.fd)
