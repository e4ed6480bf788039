"""Interrupting guests. Which of them want it, ``chains.py`` finds out.

As in VPP, a guest is interrupted once for many chains: when more than ``coalesce-frames`` have been given back since
the last time, or ``coalesce-time`` has passed since then. What is put off, the thread that has done so looks after; it
does not wait for so long if its rounds are short, as they are when there is little to do.
"""

from __future__ import annotations

from weft.core.buffer import lock, unlock
from weft.core.memory import atomic_load, syscall
from weft.core.node import Kind, node, routine
from weft.core.runtime import NodeRuntime
from weft.features.vhost_user.model import MAX_DEFERRED, NO_INTERRUPT, Area, Ring, areas, coalescing
from weft.features.vhost_user.ring import AvailableRing

SYS_WRITE = 1
WORD = 8
#: Looks of a thread after which nothing is put off any longer. Without packets, it looks more often before it sleeps.
PATIENCE = 500

ONE = Area.fields["one"].offset
LOCK = Ring.fields["lock"].offset


@routine
def interrupt(ring: Ring, area: Area, now: int) -> int:
    """Let the guest look at a ring. The thread has the ring's lock."""
    ring.owed = 0
    ring.due = now + coalescing.clocks
    fd = ring.call
    if fd >= 0:
        area.one = 1
        syscall(SYS_WRITE, fd, area.address + ONE, WORD, 0, 0, 0)
        ring.calls = ring.calls + 1
    return 0


@routine
def owe(rt: NodeRuntime, ring: Ring, area: Area, chains: int) -> int:
    """The guest wants to be interrupted for so many chains: now or later. The thread has the ring's lock."""
    now = rt.worker.now
    before = ring.owed
    ring.owed = before + chains
    room = area.deferring and area.deferred_count < MAX_DEFERRED
    if ring.owed > coalescing.frames or now >= ring.due or (before == 0 and room == 0):
        return interrupt(ring, area, now)
    if before == 0:
        area.deferred[area.deferred_count] = ring.address
        area.deferred_count = area.deferred_count + 1
        area.looks = 0
    return 0


@node("vhost-user-send-interrupt-process", kind=Kind.INPUT)
def vhost_user_send_interrupt_process(rt: NodeRuntime, device: int) -> int:
    """Interrupt those whose time has come."""
    area = areas[rt.worker.index]
    count = area.deferred_count
    if count == 0:
        return 0
    area.looks = area.looks + 1
    now = rt.worker.now
    kept = 0
    for i in range(count):
        ring = Ring(area.deferred[i])
        lock(ring.address + LOCK)
        if ring.owed and atomic_load(ring.address):  # ``running``
            if area.looks < PATIENCE and now < ring.due:
                area.deferred[kept] = ring.address
                kept += 1
            elif ring.packed or ring.event_index or AvailableRing(ring.driver).flags & NO_INTERRUPT == 0:
                interrupt(ring, area, now)
            else:
                ring.owed = 0  # it has begun to look by itself
        unlock(ring.address + LOCK)
    area.deferred_count = kept
    return 0
