"""Hash tables in the arena: 64-bit keys to 64-bit values, read by all threads without a lock.

    macs = arena.root("macs", HashTable)                      # or a view that goes on after HashTable's fields
    value = lookup(macs, key, MISSING)                        # packet code
    numbers = HashMap(engine, macs); numbers[7] = 9           # the main thread: see ``hashmap.py``

A bucket is a cache line: four keys and their four values. A key stands in one of two buckets, in its first one if
there was room, so most lookups read one line. Key 0 means "nothing here" and cannot be used.

Writers hold the table's spin lock; workers only ever *try* to take it. Readers see a value and check after it that the
key still stands there. An entry moves by being copied, then counted in ``moves``, then cleared: a reader that has
found nothing looks again if ``moves`` has changed. The main thread makes a full table larger: it fills the new
buckets while holding the lock, publishes them as one word, and releases the old ones when nobody can read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.arena import HEAP_BASE, HEAP_SIZE
from weft.core.memory import atomic_load, atomic_store, atomic_swap, equal4, lowest_bit, opaque, shift_right, wrap
from weft.core.node import inline, routine
from weft.core.view import Array, View, i64, times

if TYPE_CHECKING:
    pass

SLOTS = 4  #: of a bucket
EMPTY = 0  #: the key of a free slot
SMALLEST = 256  #: buckets
LARGEST = 1 << 24  #: buckets
LOAD = 60  #: per cent of the slots in use, and the table should grow

ADDED, REPLACED, FULL = 1, 0, -1  #: what ``put`` says

# HashTable.wanted
CONTENT = 0
WANTED = 1
ASKED_FOR = 2  #: whoever saw that it is wanted has told the main thread


class Bucket(View):
    """One cache line of a table."""

    keys: Array[i64] = times(SLOTS)
    values: Array[i64] = times(SLOTS)


class HashTable(View):
    """A table's root. What readers need is the last field, so that a view which goes on after it has its own hot
    fields in the same cache line.
    """

    lock: i64
    count: i64  # entries
    limit: i64  # with so many entries the table should grow
    wanted: i64  # should it grow?
    moves: i64  # entries moved to their other bucket, ever
    pad: Array[i64] = times(3)
    where: i64  # the address of the buckets, and in its low six bits by how much a hash is shifted right


assert HashTable.fields["where"].offset == 64

HASH_BITS = 64
#: Odd, and without a pattern in any part: multiplied by it, each bit of a key changes many of the highest bits, also
#: where keys differ by their highest bytes alone, as MAC addresses in a row do.
SCATTER = wrap(0xD6E8FEB86659FD93)
VALUES = Bucket.fields["values"].offset
MOVES = HashTable.fields["moves"].offset
ADDRESS = -64  #: the part of ``where`` that is an address
#: What addresses of buckets have in common, which stand in the arena's heap: all but what a handle of 32 bits says.
FAR = HEAP_BASE >> 38 << 38

assert FAR <= HEAP_BASE and HEAP_BASE + HEAP_SIZE <= FAR + (1 << 38)


# --- reading: any thread ----------------------------------------------------------------------------------------------


@inline
def hash_of(key: int) -> int:
    """A key scattered over 64 bits; a table takes as many of the highest as it needs (multiplicative hashing)."""
    return wrap(key * SCATTER)


@inline
def other_hash(hash: int) -> int:
    """The hash of a key's second bucket."""
    return hash_of(wrap(hash + 1))


@inline
def line_of(where: int, hash: int) -> int:
    """An address in a hash's bucket, for ``prefetch_shared`` and ``handle_of`` some packets ahead."""
    return where + (shift_right(hash, where & 63) << 6)


@inline
def bucket_of(where: int, hash: int) -> Bucket:
    """A hash's bucket."""
    return Bucket(line_of(where, hash) & ADDRESS)


@inline
def handle_of(line: int) -> int:
    """A bucket as a number of which 32 bits will do, to be kept with a packet while it is processed, no longer."""
    return line >> 6


@inline
def bucket_at(handle: int) -> Bucket:
    """The bucket of a handle."""
    return Bucket(opaque(FAR) + (handle << 6))


@inline
def slots_of(bucket: Bucket, key: int) -> int:
    """A bit for each slot of a bucket in which a key stands (at most one, but for free slots)."""
    return equal4(bucket.address, key)


@inline
def lookup(table: HashTable, key: int, missing: int) -> int:
    """The value of a key, or ``missing``."""
    return lookup_in(table, bucket_of(table.where, hash_of(key)), key, missing)


@inline
def lookup_in(table: HashTable, bucket: Bucket, key: int, missing: int) -> int:
    """The same where the key's first bucket is known, since its memory has been asked for."""
    found = slots_of(bucket, key)
    if found == 0:
        return search(table, key, missing)
    place = opaque(bucket.address) + (lowest_bit(found) << 3)  # so that it is added up in the loads themselves
    value = atomic_load(place + VALUES)
    if atomic_load(place) != key:
        return search(table, key, missing)
    return value


@routine
def search(table: HashTable, key: int, missing: int) -> int:
    """``lookup`` for keys that are not, or no longer, in their first bucket."""
    while True:
        moves = atomic_load(table.address + MOVES)
        place = place_of(table.where, key)
        if place != 0:
            value = atomic_load(place + VALUES)
            if atomic_load(place) == key:
                return value
        elif atomic_load(table.address + MOVES) == moves:
            return missing


@routine
def place_of(where: int, key: int) -> int:
    """The address of a key's slot, 0 if it has none. Certain only for who holds the lock."""
    hash = hash_of(key)
    bucket = bucket_of(where, hash)
    found = slots_of(bucket, key)
    if found == 0:
        bucket = bucket_of(where, other_hash(hash))
        found = slots_of(bucket, key)
        if found == 0:
            return 0
    return bucket.address + (lowest_bit(found) << 3)


@inline
def value_at(place: int, missing: int) -> int:
    """The value at what ``place_of`` has found. For who holds the lock."""
    if place == 0:
        return missing
    return Bucket(place).values[0]


# --- writing: whoever holds the lock ----------------------------------------------------------------------------------


@inline
def try_lock(table: HashTable) -> int:
    """Take the lock if it is free: 1 if it was."""
    return atomic_swap(table.address, 0, 1)


@inline
def fill_slot(place: int, key: int, value: int) -> None:
    atomic_store(place + VALUES, value)
    atomic_store(place, key)


@routine
def put(table: HashTable, key: int, value: int) -> int:
    """Set a key's value: ADDED, REPLACED, or FULL if there is no room. The lock is held."""
    where = table.where
    place = place_of(where, key)
    if place != 0:
        atomic_store(place + VALUES, value)
        return REPLACED
    hash = hash_of(key)
    place = free_slot(where, hash)
    if place == 0:
        place = make_room(table, hash)
        if place == 0:
            ask(table)
            return FULL
    fill_slot(place, key, value)
    table.count = table.count + 1
    if table.count >= table.limit:
        ask(table)
    return ADDED


@inline
def ask(table: HashTable) -> None:
    """Say that the table should grow."""
    if table.wanted == CONTENT:
        table.wanted = WANTED


@routine
def free_slot(where: int, hash: int) -> int:
    """A free slot for a hash, in its first bucket if possible; 0 if both are full."""
    bucket = bucket_of(where, hash)
    free = slots_of(bucket, EMPTY)
    if free == 0:
        bucket = bucket_of(where, other_hash(hash))
        free = slots_of(bucket, EMPTY)
        if free == 0:
            return 0
    return bucket.address + (lowest_bit(free) << 3)


@routine
def make_room(table: HashTable, hash: int) -> int:
    """Move an entry of a hash's two full buckets to where it can stand too: the slot that this frees, or 0."""
    where = table.where
    for _ in range(2):
        bucket = bucket_of(where, hash)
        for slot in range(SLOTS):
            key = bucket.keys[slot]
            first = hash_of(key)
            other = bucket_of(where, first)
            if other.address == bucket.address:
                other = bucket_of(where, other_hash(first))
            free = slots_of(other, EMPTY)
            if free:
                fill_slot(other.address + (lowest_bit(free) << 3), key, bucket.values[slot])
                atomic_store(table.address + MOVES, table.moves + 1)
                place = bucket.address + (slot << 3)
                atomic_store(place, EMPTY)
                return place
        hash = other_hash(hash)
    return 0


@routine
def remove(table: HashTable, key: int) -> int:
    """Forget a key; 1 if it was there. The lock is held."""
    place = place_of(table.where, key)
    if place == 0:
        return 0
    atomic_store(place, EMPTY)
    table.count = table.count - 1
    return 1
