"""Chains as they mostly are: one descriptor of a split ring, within one region. They need not be collected.

What is read of them is read once, and checked, as in ``chains.py``; whatever is not so simple is left to that.
"""

from __future__ import annotations

from weft.core.memory import atomic_load, prefetch, wrap
from weft.core.node import inline
from weft.features.vhost_user.memory import translate
from weft.features.vhost_user.model import DESC_WRITE, Area, GuestMemory, Ring
from weft.features.vhost_user.ring import REST, AvailableRing, DescriptorTable, UsedRing

AHEAD = 4  #: chains, of which the memory is asked for before they are looked at


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
    none of these, or none is known to be there.
    """
    next = ring.next
    if ring.packed or next == area.seen or ring.log_device >= 0 or ring.memory.log:
        return 0
    mask = ring.entries - 1
    available = AvailableRing(ring.driver)
    table = DescriptorTable(ring.descriptors)
    later = table.rows[available.ring[next + AHEAD & mask] & mask]
    prefetch(locate(ring.memory, atomic_load(later.address), 1))
    head = available.ring[next & mask]
    if head >= ring.entries:
        return 0
    row = table.rows[head]
    guest = atomic_load(row.address)
    rest = atomic_load(row.address + REST)
    length = rest & 0xFFFFFFFF
    if rest >> 32 & 0xFFFF != writable * DESC_WRITE or length == 0:
        return 0
    area.length = length
    area.chains[0].id = head
    return locate(ring.memory, guest, length)


@inline
def use(ring: Ring, area: Area, length: int) -> None:
    """Take the chain that was looked at, and give it back with ``length`` bytes written to it."""
    ring.next = ring.next + 1 & 0xFFFF
    element = UsedRing(ring.device).ring[area.place + area.batch & (ring.entries - 1)]
    element.id = area.chains[0].id
    element.length = length
    area.batch = area.batch + 1
