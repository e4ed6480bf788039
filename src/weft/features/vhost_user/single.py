"""Chains as they mostly are: one descriptor, within one region. So many of them are looked at together that the memory
of all is under way before the first is copied; and they need not be collected piece by piece.

What is read of them is read once, and checked, as in ``chains.py``; whatever is not so simple is left to that.
"""

from __future__ import annotations

from weft.core.memory import atomic_load, prefetch, prefetch_shared, wrap
from weft.core.node import inline, routine
from weft.features.vhost_user.memory import Word64, translate
from weft.features.vhost_user.model import (
    DESC_AVAIL,
    DESC_INDIRECT,
    DESC_NEXT,
    DESC_USED,
    DESC_WRITE,
    MAX_SINGLES,
    Area,
    GuestMemory,
    HeaderWords,
    Ring,
    Single,
)
from weft.features.vhost_user.ring import REST, AvailableRing, DescriptorTable, PackedRing, UsedRing

KIND = DESC_AVAIL | DESC_USED | DESC_WRITE | DESC_NEXT | DESC_INDIRECT
ONE_BUFFER = 1 << 16  #: num_buffers, behind csum_offset
HEADER_ROOM = HeaderWords.size  #: bytes, that ``owe_nothing`` needs


@inline
def offered(ring: Ring) -> int:
    """The guest's index in a split ring: read once, and nothing after it is read earlier."""
    return atomic_load(ring.driver) >> 16 & 0xFFFF


@inline
def locate(memory: GuestMemory, guest: int, length: int) -> int:
    """``translate``; most of a guest's memory is in one region."""
    region = memory.regions[0]
    offset = wrap(guest - region.guest)
    if memory.count and offset >= 0 and offset < region.length and length <= region.length - offset:
        return region.host + offset
    return translate(memory, guest, length)


@inline
def look(ring: Ring, area: Area, writable: int) -> int:
    """Where the buffer of the next chain is here, its length in ``area.length``; the chain is not taken yet. 0: it is
    none of these, or there is none. ``writable``: whether the guest is to receive in it.
    """
    if area.single == area.singles_used and gather(ring, area, writable) == 0:
        return 0
    single = area.singles[area.single]
    area.length = single.length
    return single.host


@routine
def gather(ring: Ring, area: Area, writable: int) -> int:
    """Look at the next chains, as far as they are such: how many they are."""
    area.single = 0
    area.singles_used = 0
    if ring.log_device >= 0 or ring.memory.log or (ring.packed and ring.inflight):
        return 0
    if ring.packed:
        area.singles_used = gather_packed(ring, area, writable)
    else:
        area.singles_used = gather_split(ring, area, writable)
    return area.singles_used


@routine
def gather_split(ring: Ring, area: Area, writable: int) -> int:
    next = ring.next
    if next == area.seen:
        seen = offered(ring)
        if (seen - next) & 0xFFFF > ring.entries:
            return 0
        area.seen = seen
    count = min((area.seen - next) & 0xFFFF, MAX_SINGLES)
    mask = ring.entries - 1
    memory = ring.memory
    available = AvailableRing(ring.driver)
    table = DescriptorTable(ring.descriptors)
    for i in range(count):
        head = available.ring[next + i & mask]
        if head > mask:
            return i
        row = table.rows[head]
        guest = atomic_load(row.address)
        rest = atomic_load(row.address + REST)
        if rest >> 32 & 0xFFFF != writable * DESC_WRITE:
            return i
        if note(ring, memory, area.singles[i], guest, rest & 0xFFFFFFFF, head, writable) == 0:
            return i
    return count


@routine
def gather_packed(ring: Ring, area: Area, writable: int) -> int:
    place, wrap = ring.next, ring.wrap
    count = min(ring.entries, MAX_SINGLES)
    memory = ring.memory
    table = DescriptorTable(ring.descriptors)
    for i in range(count):
        row = table.rows[place]
        rest = atomic_load(row.address + REST)
        offer = DESC_AVAIL if wrap else DESC_USED
        if rest >> 48 & KIND != offer | writable * DESC_WRITE:
            return i
        guest = atomic_load(row.address)
        if note(ring, memory, area.singles[i], guest, rest & 0xFFFFFFFF, rest >> 32 & 0xFFFF, writable) == 0:
            return i
        place += 1
        if place == ring.entries:
            place = 0
            wrap ^= 1
    return count


@inline
def note(ring: Ring, memory: GuestMemory, single: Single, guest: int, length: int, id: int, writable: int) -> int:
    """Keep a chain, and ask for its memory. 0 if it is empty, or not in one region."""
    host = locate(memory, guest, length)
    if length == 0 or host == 0:
        return 0
    single.host = host
    single.length = length
    single.id = id
    if writable:
        prefetch_shared(host)
        prefetch(host + ring.header)
    else:
        prefetch_shared(host + ring.header)
    return 1


@inline
def use(ring: Ring, area: Area, length: int) -> None:
    """Take the chain that was looked at, and give it back with ``length`` bytes written to it."""
    single = area.singles[area.single]
    area.single = area.single + 1
    place = ring.next
    if ring.packed:
        flags = (DESC_AVAIL | DESC_USED) * ring.wrap | DESC_WRITE * (length != 0)
        if area.batch == 0:
            area.flags = flags
            row = PackedRing(ring.descriptors).rows[place]
            row.length = length
            row.id = single.id
        else:
            DescriptorTable(ring.descriptors).rows[place].rest = length | single.id << 32 | flags << 48
    else:
        element = UsedRing(ring.device).ring[area.place + area.batch & (ring.entries - 1)]
        Word64(element.address).value = single.id | length << 32
    area.batch = area.batch + 1
    step(ring)


@inline
def step(ring: Ring) -> None:
    """On to the next place in the ring."""
    place = ring.next + 1
    if ring.packed:
        if place == ring.entries:
            place = 0
            ring.wrap = ring.wrap ^ 1
        ring.next = place
    else:
        ring.next = place & 0xFFFF


@inline
def owe_nothing(host: int) -> None:
    """Put the header of a plain packet in one buffer at ``host``: 12 bytes, of which a short header leaves two to what
    is written next. A guest uses its buffers again and again: what stands there already is not written, so that its
    processor need not fetch it back.
    """
    words = HeaderWords(host)
    if words.owed != 0:
        words.owed = 0
    if words.rest != ONE_BUFFER:
        words.rest = ONE_BUFFER
