"""The main thread's side of hash tables: a mapping, many entries at once, growth."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from weft.core import memory
from weft.core.arena import layout
from weft.core.buffer import lock, unlock
from weft.core.memory import atomic_store, wrap
from weft.core.node import routine
from weft.core.table import (
    ADDRESS,
    EMPTY,
    FULL,
    HASH_BITS,
    LARGEST,
    LOAD,
    SLOTS,
    SMALLEST,
    Bucket,
    HashTable,
    fill_slot,
    free_slot,
    hash_of,
    lookup,
    put,
    remove,
)
from weft.core.view import View, i64

if TYPE_CHECKING:
    from weft.core.engine import Engine


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
        engine.hash_maps.append(self)

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

    @property
    def name(self) -> str:
        """As the arena names its root."""
        return next(name for name, (address, _) in layout.items() if address == self.table.address)

    def fill(self) -> list[int]:
        """How many buckets have no entry, one, two, ..."""
        where = self.table.where
        keys = memoryview(memory.read(where & ADDRESS, Bucket.size * self.buckets)).cast("q")
        full = [0] * (SLOTS + 1)
        for start in range(0, len(keys), 2 * SLOTS):
            full[sum(key != EMPTY for key in keys[start : start + SLOTS])] += 1
        return full

    def describe(self) -> list[str]:
        """How full it is, for people: buckets by their number of entries, and entries that moved."""
        return [
            f"  {self.buckets} buckets of {SLOTS}, {len(self)} entries, {self.table.moves} moved to their other bucket",
            *(f"  {count} buckets with {entries} entries" for entries, count in enumerate(self.fill()) if count),
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
