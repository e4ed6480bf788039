"""The neighbor table in the arena: packet code looks neighbors up and refreshes them; the main thread adds and removes.

A chained hash table. An entry is filled before it is linked, and used again only after the workers have let go of it.
"""

from __future__ import annotations

from collections.abc import Callable

from weft.core import arena, memory
from weft.core.memory import mix
from weft.core.node import inline, routine
from weft.core.view import View, i64, mac, u8, u32

MAX_NEIGHBORS = 1 << 20
BUCKETS = 1 << 18

# NeighborEntry.family
IP4 = 4
IP6 = 6
BRIDGED6 = 0x86  #: IPv6 in a bridge domain, whose index stands in ``sw_if_index``: see ``l2/nd_term.py``

# NeighborEntry.flags
STATIC = 1 << 0
DYNAMIC = 1 << 1
NO_FIB_ENTRY = 1 << 2


class NeighborEntry(View):
    """One neighbor. One cache line. An IPv4 address stands in ``low``, as a number."""

    high: i64
    low: i64
    sw_if_index: u32
    next: u32  # in the chain; 0: the last
    mac: mac
    family: u8
    flags: u8
    updated: i64  # milliseconds, when it was last heard of
    changed: i64  # milliseconds, when it last got another MAC address; 0: never
    reserved2: i64
    reserved3: i64


assert NeighborEntry.size == 64

#: Entry 0 is never used: 0 means "none".
entries = arena.table("neighbors", NeighborEntry, MAX_NEIGHBORS + 1)
_buckets = arena.table("neighbor-buckets", u32, BUCKETS)


@inline
def bucket_of(sw_if_index: int, high: int, low: int) -> int:
    return mix(mix(high + (sw_if_index << 32)) + (low << 8)) & (BUCKETS - 1)


@routine
def find(family: int, sw_if_index: int, high: int, low: int) -> int:
    """The index of a neighbor's entry, 0 if it is not known."""
    index = _buckets[bucket_of(sw_if_index, high, low)]
    while index != 0:
        entry = entries[index]
        if entry.low == low and entry.high == high and entry.sw_if_index == sw_if_index and entry.family == family:
            return index
        index = entry.next
    return 0


class EntryTable:
    """The main thread's hold on the table."""

    def __init__(self, quiesce: Callable[[], None]) -> None:
        self._quiesce = quiesce
        self._used = 0
        self._free: list[int] = []
        #: Unlinked, but perhaps still read by a worker.
        self._unlinked: list[int] = []

    def add(self, family: int, sw_if_index: int, high: int, low: int, mac: int, flags: int, updated: int) -> int:
        """Enter a neighbor that is not there; its entry's index. Raises MemoryError when the table is full."""
        index = self._take()
        entry = entries[index]
        entry.family, entry.sw_if_index, entry.high, entry.low = family, sw_if_index, high, low
        entry.mac, entry.flags, entry.updated, entry.changed = mac, flags, updated, 0
        bucket = bucket_of(sw_if_index, high, low)
        entry.next = _buckets[bucket]
        memory.fence()
        _buckets[bucket] = index
        return index

    def remove(self, index: int) -> None:
        """Take an entry out."""
        gone = entries[index]
        bucket = bucket_of(gone.sw_if_index, gone.high, gone.low)
        at = _buckets[bucket]
        if at == index:
            _buckets[bucket] = gone.next
        else:
            while entries[at].next != index:
                at = entries[at].next
            entries[at].next = gone.next
        self._unlinked.append(index)

    def _take(self) -> int:
        if len(self._unlinked) >= 1024 or (self._unlinked and self._used == MAX_NEIGHBORS and not self._free):
            self._quiesce()
            self._free += self._unlinked
            self._unlinked.clear()
        if self._free:
            return self._free.pop()
        if self._used == MAX_NEIGHBORS:
            raise MemoryError(f"there are {MAX_NEIGHBORS} neighbors already")
        self._used += 1
        return self._used
