"""Hash tables in the arena: 64-bit keys to 64-bit values, read by all threads without a lock.

    macs = arena.root("macs", HashTable)                      # or a view that goes on after HashTable's fields
    value = lookup(macs, key, MISSING)                        # packet code
    macs_by_key = HashMap(engine, macs); macs_by_key[7] = 9   # the main thread

A bucket is a cache line: four keys and their four values. A key stands in one of two buckets, in its first one if
there was room, so most lookups read one line. Key 0 means "nothing here" and cannot be used.

Writers hold the table's spin lock; workers only ever *try* to take it. Readers see a value and check after it that the
key still stands there. An entry moves by being copied, then counted in ``moves``, then cleared: a reader that has
found nothing looks again if ``moves`` has changed. The main thread makes a full table larger: it fills the new
buckets while holding the lock, publishes them as one word, and releases the old ones when nobody can read them.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from weft.core import memory
from weft.core.arena import HEAP_BASE, HEAP_SIZE
from weft.core.buffer import lock, unlock
from weft.core.memory import atomic_load, atomic_store, atomic_swap, equal4, lowest_bit, shift_right, wrap
from weft.core.node import inline, routine
from weft.core.view import Array, View, i64, times

if TYPE_CHECKING:
    from weft.core.engine import Engine

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
assert HEAP_BASE % HEAP_SIZE == 0

HASH_BITS = 64
SCATTER = wrap(0x9E3779B97F4A7C15)  #: 2 ** 64 divided by the golden ratio
VALUES = Bucket.fields["values"].offset
MOVES = HashTable.fields["moves"].offset
ADDRESS = -64  #: the part of ``where`` that is an address
#: Buckets stand in the arena's heap; so many cache lines it has, and so few bits of an address tell which one.
LINES = HEAP_SIZE >> 6


# --- reading: any thread ----------------------------------------------------------------------------------------------


@inline
def hash_of(key: int) -> int:
    """A key scattered over 64 bits; a table takes as many of the highest as it needs (Fibonacci hashing)."""
    return wrap((key ^ shift_right(key, 32)) * SCATTER)


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
    return Bucket(HEAP_BASE | (handle & (LINES - 1)) << 6)


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
    place = bucket.address + (lowest_bit(found) << 3)
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


# --- the main thread --------------------------------------------------------------------------------------------------


class Pair(View):
    """A key and its value, as the main thread hands over many."""

    key: i64
    value: i64


@routine
def put_many(table: HashTable, pairs: int, count: int) -> int:
    """Put so many pairs; how many were done before the table was full."""
    done = 0
    lock(table.address)
    while done < count:
        pair = Pair(pairs + done * PAIR)
        if put(table, pair.key, pair.value) == FULL:
            break
        done += 1
    unlock(table.address)
    return done


PAIR = Pair.size


@routine
def put_one(table: HashTable, key: int, value: int) -> int:
    lock(table.address)
    result = put(table, key, value)
    unlock(table.address)
    return result


@routine
def remove_one(table: HashTable, key: int) -> int:
    lock(table.address)
    result = remove(table, key)
    unlock(table.address)
    return result


@routine
def get_one(table: HashTable, key: int, missing: int) -> int:
    return lookup(table, key, missing)


@routine
def refill(table: HashTable, where: int, limit: int) -> int:
    """Copy all entries into new, empty buckets and publish these: 1 done, 0 they do not fit."""
    lock(table.address)
    old = table.where
    for index in range(1 << (HASH_BITS - (old & 63))):
        bucket = Bucket((old & ADDRESS) + (index << 6))
        for slot in range(SLOTS):
            key = bucket.keys[slot]
            if key != EMPTY:
                place = free_slot(where, hash_of(key))
                if place == 0:
                    unlock(table.address)
                    return 0
                fill_slot(place, key, bucket.values[slot])
    table.limit = limit
    table.wanted = 0
    atomic_store(table.address + WHERE, where)
    unlock(table.address)
    return 1


WHERE = HashTable.fields["where"].offset


class HashMap:
    """The main thread's hold on a table: a mapping of numbers to numbers."""

    def __init__(self, engine: Engine, table: HashTable, *, buckets: int = SMALLEST) -> None:
        self._engine, self.table = engine, table
        bits = max(buckets - 1, 1).bit_length()
        table.limit = (SLOTS << bits) * LOAD // 100
        table.where = self._allocate(bits)

    def _allocate(self, bits: int) -> int:
        return self._engine.arena.allocate(Bucket.size << bits) | (HASH_BITS - bits)

    @property
    def buckets(self) -> int:
        return 1 << (HASH_BITS - (self.table.where & 63))

    def __len__(self) -> int:
        return self.table.count

    def get(self, key: int, missing: int = 0) -> int:
        return wrap(self._engine.call(get_one, self.table, wrap(key), missing))

    def __setitem__(self, key: int, value: int) -> None:
        """Raises MemoryError when the table can grow no more."""
        if key == EMPTY:
            raise ValueError("key 0 cannot be in a hash table")
        while self._engine.call(put_one, self.table, wrap(key), wrap(value)) == FULL:
            self.grow()
        self.grow_if_wanted()

    def put_many(self, pairs: array[int], routine: Callable[[HashTable, int, int], int] = put_many) -> None:
        """Set many: an array of type ``q`` of keys and values by turns. Workers may read and learn meanwhile.
        ``routine`` does it: one like the function ``put_many``.
        """
        if EMPTY in pairs[::2]:
            raise ValueError("key 0 cannot be in a hash table")
        engine, total, done = self._engine, len(pairs) // 2, 0
        room = engine.arena.allocate(max(1, len(pairs)) * 8)
        try:
            memory.write(room, pairs.tobytes())
            while done < total:
                count = min(SLICE, total - done)
                put = engine.call(routine, self.table, room + done * PAIR, count)
                done += put
                if put < count:
                    self.grow()
                else:
                    self.grow_if_wanted()
        finally:
            engine.arena.release(room)

    def __delitem__(self, key: int) -> None:
        if not self.discard(key):
            raise KeyError(key)

    def discard(self, key: int) -> bool:
        """Forget a key; whether it was there."""
        return bool(self._engine.call(remove_one, self.table, wrap(key)))

    def items(self) -> Iterator[tuple[int, int]]:
        """All keys and values, as they are now."""
        where = self.table.where
        rows = array("q")
        rows.frombytes(memory.read(where & ADDRESS, Bucket.size * self.buckets))
        for start in range(0, len(rows), 2 * SLOTS):
            for at in range(start, start + SLOTS):
                if rows[at] != EMPTY:
                    yield rows[at], rows[at + SLOTS]

    def grow_if_wanted(self) -> bool:
        """Make the table larger if that has been asked for; whether it was."""
        if not self.table.wanted:
            return False
        if self.buckets >= LARGEST:
            self.table.wanted = 0
            return False
        self.grow()
        return True

    def grow(self) -> None:
        """Twice as many buckets at least. Raises MemoryError when there are as many as can be."""
        old = self.table.where
        bits = HASH_BITS - (old & 63)
        while True:
            bits += 1
            if 1 << bits > LARGEST:
                self.table.wanted = 0
                raise MemoryError(f"a hash table has at most {LARGEST * SLOTS} slots")
            where = self._allocate(bits)
            if self._engine.call(refill, self.table, where, (SLOTS << bits) * LOAD // 100):
                break
            self._engine.arena.release(where & ADDRESS)
        self._engine.workers.quiesce()
        self._engine.arena.release(old & ADDRESS)

    def describe(self) -> list[str]:
        """How full it is, for people: buckets by their number of entries, and entries that moved."""
        where = self.table.where
        keys = memoryview(memory.read(where & ADDRESS, Bucket.size * self.buckets)).cast("q")
        full = [0] * (SLOTS + 1)
        for start in range(0, len(keys), 2 * SLOTS):
            full[sum(key != EMPTY for key in keys[start : start + SLOTS])] += 1
        return [
            f"  {self.buckets} buckets of {SLOTS}, {len(self)} entries, {self.table.moves} moved to their other bucket",
            *(f"  {count} buckets with {entries} entries" for entries, count in enumerate(full) if count),
        ]

    def __iter__(self) -> Iterator[int]:
        return (key for key, _ in self.items())

    def update(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Set many."""
        flat = array("q")
        for key, value in pairs:
            flat.append(wrap(key))
            flat.append(wrap(value))
        self.put_many(flat)


SLICE = 512  #: entries put while holding the lock
