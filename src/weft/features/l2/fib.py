"""The L2 FIB on the control side: entries by hand, ageing, flushing."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.buffer import lock, unlock
from weft.core.hashmap import PAIR, HashMap, Pair
from weft.core.memory import atomic_store, wrap
from weft.core.model import Invalid, model
from weft.core.node import inline, routine
from weft.core.punt import Punted, reason
from weft.core.table import (
    ADDRESS,
    EMPTY,
    FULL,
    HASH_BITS,
    SLOTS,
    Bucket,
    HashTable,
    place_of,
    put,
    value_at,
)
from weft.features.interface.address import show_mac
from weft.features.interface.model import Interface
from weft.features.l2.domain import DEFAULT_LEARN_LIMIT, BridgeDomain, BridgeDomains
from weft.features.l2.layout import (
    AGE_NOT,
    BVI_ENTRY,
    DELETED,
    FILTER,
    MISSING,
    SN_SHIFT,
    STATIC,
    SW_IF_INDEX,
    TIMESTAMP_SHIFT,
    Port,
    bridge_domains,
    domain_of,
    fib,
    fib_key,
    mac_of,
    ports,
    record,
)

if TYPE_CHECKING:
    from weft.core.engine import Engine

BUCKETS = 256  #: at the start
SLICE = 2048  #: buckets looked through while holding the lock
ANY = -1


def _grow(engine: Engine, packet: Punted) -> None:
    engine[L2Fib].table.grow_if_wanted()


#: A worker has filled the table.
GROW = reason("l2fib-full", _grow, rate=100, burst=4)


@inline
def age_of(value: int, now: int) -> int:
    """Minutes since an entry's address was seen, modulo 256."""
    return (now >> TIMESTAMP_SHIFT) - (value >> TIMESTAMP_SHIFT) & 0xFF


@inline
def outdated(key: int, value: int, now: int) -> int:
    """Whether an entry was learned before its port or bridge domain was flushed, or too long ago."""
    if value & AGE_NOT:
        return False
    if (value >> SN_SHIFT & 0xFFFF) != ports[value & SW_IF_INDEX].context.sn:
        return True
    age = bridge_domains[domain_of(key)].mac_age
    return age != 0 and age_of(value, now) >= age


@routine
def sweep(start: int, count: int, bd_index: int, sw_if_index: int, keep: int) -> int:
    """Look through some buckets, and remove what is outdated, and what is of this bridge domain and this port (ANY: of
    whichever) and has none of the flags ``keep``. How many entries were removed.
    """
    removed = 0
    lock(fib.address)
    where = fib.where
    for index in range(start, min(start + count, 1 << (HASH_BITS - (where & 63)))):
        bucket = Bucket((where & ADDRESS) + (index << 6))
        for slot in range(SLOTS):
            key = bucket.keys[slot]
            if key == EMPTY:
                continue
            value = bucket.values[slot]
            domain = domain_of(key)
            chosen = (
                value & keep == 0
                and (bd_index == ANY) | (bd_index == domain)
                and (sw_if_index == ANY) | (sw_if_index == value & SW_IF_INDEX)
            )
            if chosen or outdated(key, value, fib.now):
                atomic_store(bucket.keys.address + (slot << 3), EMPTY)
                fib.count = fib.count - 1
                forget_learned(key, value)
                removed += 1
    unlock(fib.address)
    return removed


@inline
def forget_learned(key: int, value: int) -> None:
    """An entry goes: if it was learned, there is one learned entry less."""
    if value & AGE_NOT == 0:
        fib.learned = fib.learned - 1
        domain = bridge_domains[domain_of(key)]
        domain.learned = domain.learned - 1
        record(key, value, DELETED)


@routine
def provide(table: HashTable, pairs: int, count: int) -> int:
    """``put_many`` for entries made by hand: they may stand in for learned ones."""
    done = 0
    lock(table.address)
    while done < count:
        pair = Pair(pairs + done * PAIR)
        key = pair.key
        old = value_at(place_of(table.where, key), MISSING)
        if put(table, key, pair.value) == FULL:
            break
        if old != MISSING:
            forget_learned(key, old)
        done += 1
    unlock(table.address)
    return done


@routine
def withdraw(key: int) -> int:
    """Remove an entry: 1 if there was one."""
    lock(fib.address)
    place = place_of(fib.where, key)
    if place != 0:
        old = value_at(place, MISSING)
        atomic_store(place, EMPTY)
        fib.count = fib.count - 1
        forget_learned(key, old)
    unlock(fib.address)
    return place != 0


class Entry(Struct, frozen=True):
    """An entry, for people. ``age``: minutes since it was seen; None: it does not age."""

    mac: int
    bd_index: int
    sw_if_index: int
    value: int
    age: int | None

    @property
    def static(self) -> bool:
        return bool(self.value & STATIC)

    @property
    def filter(self) -> bool:
        return bool(self.value & FILTER)

    @property
    def bvi(self) -> bool:
        return bool(self.value & BVI_ENTRY)

    @property
    def learned(self) -> bool:
        return not self.value & AGE_NOT

    @property
    def isn(self) -> int:
        return self.value >> SN_SHIFT & 0xFF

    @property
    def bsn(self) -> int:
        return self.value >> SN_SHIFT + 8 & 0xFF

    def __str__(self) -> str:
        return f"{show_mac(self.mac)} in bridge domain {self.bd_index}"


@model
class L2Fib:
    """All entries, those of all bridge domains in one table."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._domains = engine[BridgeDomains]
        self._domains.deleted.append(lambda domain: self.remove_all(bd_index=domain.index))
        self.table = HashMap(engine, fib, buckets=BUCKETS)
        fib.learn_limit = DEFAULT_LEARN_LIMIT
        #: Seconds that the last look through all entries took.
        self.scan_seconds = 0.0
        self._cursor: int | None = None
        self._minute = 0
        engine.timers.every(1, self._tick)
        self._tick()

    @property
    def learned(self) -> int:
        return fib.learned

    def __len__(self) -> int:
        return len(self.table)

    def entries(self) -> Iterator[Entry]:
        """All entries as they are now."""
        for key, value in self.table.items():
            age = None if value & AGE_NOT else age_of(value, fib.now)
            yield Entry(mac_of(key), domain_of(key), value & SW_IF_INDEX, value, age)

    def find(self, bd_index: int, mac: int) -> Entry | None:
        """The entry of an address in a bridge domain."""
        key = fib_key(mac, bd_index)
        value = self.table.get(key, MISSING)
        if value == MISSING:
            return None
        age = None if value & AGE_NOT else age_of(value, fib.now)
        return Entry(mac, bd_index, value & SW_IF_INDEX, value, age)

    # --- entries by hand

    def add_many(
        self,
        bd_id: int,
        interface: Interface | None,
        macs: Sequence[int],
        *,
        static: bool = True,
        bvi: bool = False,
    ) -> None:
        """Say behind which interface addresses are; None: frames from and to them are dropped."""
        domain = self._domains[bd_id]
        wrong = next((mac for mac in macs if mac & 1 or mac == 0), None)
        if wrong is not None:
            raise Invalid(f"{show_mac(wrong)} is no unicast MAC address")
        if interface is None:
            self.put(domain, SW_IF_INDEX, macs, STATIC | FILTER)
            return
        port = ports[interface.sw_if_index]
        if port.output_node == 0 or port.context.bd_index != domain.index:
            raise Invalid(f"{interface.name} is not in bridge domain {bd_id}")
        flags = (STATIC if static or bvi else 0) | (BVI_ENTRY if bvi else 0)
        self.put(domain, interface.sw_if_index, macs, flags)

    def put(self, domain: BridgeDomain, sw_if_index: int, macs: Sequence[int], flags: int) -> None:
        """Entries that do not age: these addresses are behind a port, or (FILTER) to be dropped."""
        if not macs:
            return
        value = wrap(sw_if_index | flags | AGE_NOT)
        pairs = array("q", bytes(16 * len(macs)))
        pairs[::2] = array("q", [fib_key(mac, domain.index) for mac in macs])
        pairs[1::2] = array("q", [value]) * len(macs)
        self.table.put_many(pairs, provide)

    def remove(self, bd_index: int, mac: int) -> bool:
        """Forget an address; whether it was there."""
        return bool(self._engine.call(withdraw, fib_key(mac, bd_index)))

    def remove_all(self, *, bd_index: int = ANY, sw_if_index: int = ANY, keep: int = 0) -> int:
        """Forget all addresses of a bridge domain, or of a port; how many there were."""
        start = time.perf_counter()
        removed = sum(
            self._engine.call(sweep, first, SLICE, bd_index, sw_if_index, keep)
            for first in range(0, self.table.buckets, SLICE)
        )
        self.scan_seconds = time.perf_counter() - start
        return removed

    # --- sequence numbers: what was learned under another one counts no more

    def flush_port(self, port: Port) -> None:
        """What was learned at a port is no longer valid, from now on."""
        context = port.context
        context.sn = context.sn & 0xFF00 | (context.sn + 1) & 0xFF

    def remove_outdated(self) -> int:
        """Remove the entries that are no longer valid; how many there were."""
        return self.remove_all(keep=-1)

    # --- ageing

    def _tick(self) -> None:
        """Every second: tell packet code the minute; in each minute look for old entries, a slice at a time."""
        minute = int(self._engine.timers.seconds // 60)
        self.table.grow_if_wanted()
        if minute == self._minute:
            return
        self._minute = minute
        fib.now = (minute & 0xFF) << TIMESTAMP_SHIFT
        if self._cursor is None:
            self._cursor, self._spent = 0, 0.0
            self._engine.timers.after(0, self._slice)

    def _slice(self) -> None:
        """Look through some of the buckets, and go on soon."""
        assert self._cursor is not None
        start = time.perf_counter()
        self._engine.call(sweep, self._cursor, SLICE, ANY, ANY, -1)
        self._spent += time.perf_counter() - start
        self._cursor += SLICE
        if self._cursor < self.table.buckets:
            self._engine.timers.after(0.001, self._slice)
        else:
            self._cursor = None
            self.scan_seconds = self._spent
