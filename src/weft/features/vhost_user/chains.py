"""Taking chains of descriptors from a ring, and giving them back: the same for split and packed rings.

Everything that a guest has written is read once, into a variable, and checked before use. A chain that is wrong in
itself is given back unused (``BAD``); a ring that breaks its own rules rests until it is started anew (``STOPPED``).
"""

from __future__ import annotations

import enum

from weft.core.memory import atomic_load, fence
from weft.core.node import inline, routine
from weft.features.vhost_user.memory import add_pieces, log_write, translate
from weft.features.vhost_user.model import (
    DESC_AVAIL,
    DESC_INDIRECT,
    DESC_NEXT,
    DESC_USED,
    DESC_WRITE,
    EVENTS_DESC,
    EVENTS_DISABLE,
    EVENTS_ENABLE,
    MAX_CHAINS,
    MAX_PIECES,
    NO_INTERRUPT,
    NO_NOTIFY,
    Area,
    GuestMemory,
    Ring,
    Taken,
)
from weft.features.vhost_user.ring import (
    REST,
    AvailableRing,
    DescriptorTable,
    Event,
    EventSuppression,
    InflightPacked,
    InflightSplit,
    PackedRing,
    UsedRing,
)
from weft.features.vhost_user.single import offered, step

# What ``fetch`` finds.
EMPTY, TAKEN, BAD, STOPPED = 0, 1, 2, 3

DESCRIPTOR, USED_ELEMENT = 16, 8  #: bytes
MAX_TABLE = 32768  #: descriptors in an indirect table


class Fault(enum.IntEnum):
    """How a guest has broken a ring."""

    JUMP = 1
    HEAD = 2
    ENDLESS = 3


FAULT_TEXT = {
    Fault.JUMP: "its index jumped by more than the ring's size",
    Fault.HEAD: "it offers a descriptor that is not in the ring",
    Fault.ENDLESS: "a chain of descriptors has no end",
}


@inline
def begin(ring: Ring, area: Area) -> None:
    """Start a batch."""
    area.batch = 0
    area.place = ring.next
    area.seen = ring.next
    forget(area)


@inline
def forget(area: Area) -> None:
    """Look again at what was looked at, and has not been taken."""
    area.single = 0
    area.singles_used = 0


@inline
def begin_packet(area: Area) -> None:
    """Start to collect chains for a packet."""
    area.pieces_used = 0
    area.chains_used = 0
    area.length = 0


@routine
def fetch(ring: Ring, area: Area, writable: int) -> int:
    """Take the next chain: its buffers and itself are added to what the thread collects. ``writable``: whether the
    guest is to receive in it.
    """
    if area.chains_used == MAX_CHAINS:
        return BAD
    if area.single != area.singles_used:
        return fetch_single(ring, area)
    if ring.packed:
        return fetch_packed(ring, area, writable)
    return fetch_split(ring, area, writable)


@routine
def fetch_single(ring: Ring, area: Area) -> int:
    """What has been looked at already (``single.py``)."""
    single = area.singles[area.single]
    area.single = area.single + 1
    chain = area.chains[area.chains_used]
    area.chains_used = area.chains_used + 1
    chain.id, chain.slots, chain.room = single.id, 1, single.length
    chain.place, chain.wrap = ring.next, ring.wrap
    step(ring)
    if area.pieces_used == MAX_PIECES:
        return BAD
    piece = area.pieces[area.pieces_used]
    piece.host, piece.length = single.host, single.length
    area.pieces_used = area.pieces_used + 1
    area.length = area.length + single.length
    return TAKEN


@routine
def fetch_split(ring: Ring, area: Area, writable: int) -> int:
    next = ring.next
    if next == area.seen:
        area.seen = offered(ring)
        if next == area.seen:
            return EMPTY
        if (area.seen - next) & 0xFFFF > ring.entries:
            return stop(ring, Fault.JUMP)
    head = AvailableRing(ring.driver).ring[next & (ring.entries - 1)]
    if head >= ring.entries:
        return stop(ring, Fault.HEAD)
    chain = area.chains[area.chains_used]
    chain.id = head
    area.chains_used = area.chains_used + 1
    ring.next = next + 1 & 0xFFFF
    before = area.length
    good = walk(ring.memory, area, ring.descriptors, ring.entries, head, writable)
    chain.room = area.length - before
    return TAKEN if good else BAD


@routine
def walk(memory: GuestMemory, area: Area, table: int, size: int, index: int, writable: int) -> int:
    """Collect the buffers of a chain in a split ring. 0 if it is impossible (virtio 1.2, 2.7.5)."""
    left = size
    direct = 1
    while True:
        row = DescriptorTable(table).rows[index]
        guest = atomic_load(row.address)
        rest = atomic_load(row.address + REST)
        length = rest & 0xFFFFFFFF
        flags = rest >> 32 & 0xFFFF
        if flags & DESC_INDIRECT:
            size = length // DESCRIPTOR
            if direct == 0 or flags & DESC_NEXT or size == 0 or size > MAX_TABLE or length % DESCRIPTOR:
                return 0
            table = translate(memory, guest, length)
            if table == 0:
                return 0
            direct = 0
            left = size
            index = 0
            continue
        if (flags & DESC_WRITE != 0) != writable or add_pieces(memory, area, guest, length) == 0:
            return 0
        if flags & DESC_NEXT == 0:
            return 1
        left -= 1
        index = rest >> 48 & 0xFFFF
        if left == 0 or index >= size:
            return 0


@routine
def fetch_packed(ring: Ring, area: Area, writable: int) -> int:
    place, wrap = ring.next, ring.wrap
    table = DescriptorTable(ring.descriptors)
    rest = atomic_load(table.rows[place].address + REST)
    flags = rest >> 48 & 0xFFFF
    if (flags & DESC_AVAIL != 0) != wrap or (flags & DESC_USED != 0) == wrap:
        return EMPTY
    chain = area.chains[area.chains_used]
    chain.place = place
    chain.wrap = wrap
    before = area.length
    good = 1
    slots = 0
    while True:
        guest = atomic_load(table.rows[place].address)
        length = rest & 0xFFFFFFFF
        if flags & DESC_INDIRECT:
            if slots or flags & DESC_NEXT or walk_packed(ring.memory, area, guest, length, writable) == 0:
                good = 0
        elif (flags & DESC_WRITE != 0) != writable or add_pieces(ring.memory, area, guest, length) == 0:
            good = 0
        slots += 1
        place += 1
        if place == ring.entries:
            place = 0
            wrap ^= 1
        if flags & DESC_NEXT == 0:
            break
        if slots == ring.entries:
            return stop(ring, Fault.ENDLESS)
        rest = atomic_load(table.rows[place].address + REST)
        flags = rest >> 48 & 0xFFFF
    chain.id = rest >> 32 & 0xFFFF
    chain.slots = slots
    chain.room = area.length - before
    area.chains_used = area.chains_used + 1
    ring.next = place
    ring.wrap = wrap
    return TAKEN if good else BAD


@routine
def walk_packed(memory: GuestMemory, area: Area, guest: int, length: int, writable: int) -> int:
    """Collect the buffers of an indirect table of a packed ring, one after the other (virtio 1.2, 2.8.7)."""
    size = length // DESCRIPTOR
    if size == 0 or size > MAX_TABLE or length % DESCRIPTOR:
        return 0
    table = translate(memory, guest, length)
    if table == 0:
        return 0
    for i in range(size):
        row = DescriptorTable(table).rows[i]
        rest = atomic_load(row.address + REST)
        flags = rest >> 48 & 0xFFFF
        if flags & DESC_INDIRECT or (flags & DESC_WRITE != 0) != writable:
            return 0
        if add_pieces(memory, area, atomic_load(row.address), rest & 0xFFFFFFFF) == 0:
            return 0
    return 1


@routine
def stop(ring: Ring, fault: int) -> int:
    """Let a ring rest: what the guest says makes no sense."""
    ring.broken = fault
    return STOPPED


@inline
def untake(ring: Ring, area: Area, next: int, wrap: int) -> None:
    """Put back what was taken since the ring was at this place: it has not been used."""
    ring.next = next
    ring.wrap = wrap
    area.chains_used = 0
    forget(area)


@routine
def give_back(ring: Ring, area: Area, chain: Taken, length: int) -> int:
    """Return a chain with ``length`` bytes written to it; the guest sees it with ``commit``."""
    if ring.packed:
        if ring.inflight:
            keep(ring, area, chain)
        row = PackedRing(ring.descriptors).rows[chain.place]
        row.id = chain.id
        row.length = length
        flags = DESC_AVAIL | DESC_USED if chain.wrap else 0
        if length:
            flags |= DESC_WRITE
        if area.batch == 0:
            area.flags = flags
        else:
            row.flags = flags
        log_at = chain.place * DESCRIPTOR
    else:
        slot = area.place + area.batch & (ring.entries - 1)
        element = UsedRing(ring.device).ring[slot]
        element.id = chain.id
        element.length = length
        log_at = element.address - ring.device
    area.batch = area.batch + 1
    if ring.log_device >= 0:
        log_write(ring.memory, ring.log_device + log_at, USED_ELEMENT)
    return 0


@routine
def keep(ring: Ring, area: Area, chain: Taken) -> int:
    """Write down what stands where a chain is given back (packed), before it is overwritten."""
    rest = atomic_load(DescriptorTable(ring.descriptors).rows[chain.place].address + REST)
    state = InflightPacked(ring.inflight).states[chain.place]
    state.length = rest & 0xFFFFFFFF
    state.id = rest >> 32 & 0xFFFF
    state.flags = rest >> 48 & 0xFFFF
    state.slots = chain.slots
    if area.batch == 0:
        fence()
        state.inflight = 1
    fence()
    return 0


@routine
def commit(ring: Ring, area: Area) -> int:
    """Let the guest see what was given back. Whether it wants to be interrupted for that."""
    fence()
    if ring.packed:
        if ring.inflight:
            inflight = InflightPacked(ring.inflight)
            inflight.used_index = ring.next
            inflight.used_wrap = ring.wrap
            fence()
        PackedRing(ring.descriptors).rows[area.place].flags = area.flags
        if ring.inflight:
            fence()
            inflight = InflightPacked(ring.inflight)
            inflight.states[area.place].inflight = 0
            fence()
            inflight.old_used_index = ring.next
            inflight.old_used_wrap = ring.wrap
    else:
        UsedRing(ring.device).index = ring.next
        if ring.inflight:
            InflightSplit(ring.inflight).used_index = ring.next
    if ring.log_device >= 0:
        log_at = area.place * DESCRIPTOR if ring.packed else 0
        log_write(ring.memory, ring.log_device + log_at, DESCRIPTOR)
    fence()
    wanted = wants_call(ring, area.place)
    begin(ring, area)
    return wanted


@inline
def passed(event: int, new: int, old: int) -> int:
    """Whether an index that went from ``old`` to ``new`` has passed ``event`` (virtio 1.2, 2.7.7.1)."""
    return (new - event - 1 & 0xFFFF) < (new - old & 0xFFFF)


@routine
def wants_call(ring: Ring, before: int) -> int:
    """Whether the guest wants an interrupt, now that the ring has moved on from ``before``."""
    if ring.packed:
        events = EventSuppression(ring.driver)
        flags = events.flags & 3
        if flags != EVENTS_DESC or ring.event_index == 0:
            return flags != EVENTS_DISABLE
        place = events.place
        event = place & 0x7FFF
        old = before
        if ring.next <= before:
            old -= ring.entries
        if place >> 15 != ring.wrap:
            event -= ring.entries
        return passed(event, ring.next, old)
    available = AvailableRing(ring.driver)
    if ring.event_index:
        return passed(available.ring[ring.entries], ring.next, before)
    return available.flags & NO_INTERRUPT == 0


@routine
def arm(ring: Ring) -> int:
    """Ask the guest to notify us of what it offers from now on."""
    ring.armed = 1
    if ring.packed:
        EventSuppression(ring.device).flags = EVENTS_ENABLE
    else:
        used = UsedRing(ring.device)
        if ring.event_index:
            Event(used.ring[ring.entries].address).index = ring.next
        used.flags = 0
    fence()
    return 0


@routine
def disarm(ring: Ring) -> int:
    """We look by ourselves: notifications are only work."""
    ring.armed = 0
    if ring.packed:
        EventSuppression(ring.device).flags = EVENTS_DISABLE
    elif ring.event_index == 0:  # otherwise the event index is passed already
        UsedRing(ring.device).flags = NO_NOTIFY
    return 0
