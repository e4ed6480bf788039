"""A routing table on the control side: its prefixes, whose sources are heard, and what covers what."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from weft.core import memory
from weft.core.model import Invalid
from weft.features.fib.indices import Indices
from weft.features.fib.load_balance import ATTACHED, CONNECTED
from weft.features.fib.path import Path, PathKind, PathList, PathLists
from weft.features.fib.source import Source
from weft.features.ip4 import mtrie
from weft.features.ip4.batch import Batch
from weft.features.ip4.entry import MASKS, Entry, key_of
from weft.features.ip4.flow_hash import DEFAULT, FlowHash, flow_hashes

if TYPE_CHECKING:
    from weft.core.engine import Engine

DROP_PATHS = (Path(PathKind.DROP),)
#: What every table has, as VPP's do: address, length, source.
SPECIAL = (
    (0, 0, Source.DEFAULT_ROUTE),
    (0, 32, Source.SPECIAL),
    (0xE0000000, 4, Source.SPECIAL),
    (0xF0000000, 4, Source.SPECIAL),
    (0xFFFFFFFF, 32, Source.SPECIAL),
)
UNLOCKED_AT_ONCE = 64


class Table:
    """A table of routes. Changes are published at once; ``settle`` gives back what they left over."""

    def __init__(self, engine: Engine, indices: Indices, table_id: int, fib_index: int, name: str) -> None:
        self._engine, self._indices = engine, indices
        self._paths = engine[PathLists]
        self.table_id, self.fib_index = table_id, fib_index
        self.name = name or f"ipv4-VRF:{table_id}"
        self.flow_hash = DEFAULT
        self.set_flow_hash(DEFAULT)
        #: How often each source holds the table.
        self.locks: dict[Source, int] = {}
        self._entries: dict[int, Entry] = {}
        self.counts = [0] * 33
        self._lengths: list[int] = []  # of which there are prefixes, the longest first
        self._neighbors: list[int] = []  # addresses with something said by ADJACENCY, in order
        self._gone: list[int] = []
        self._start()

    def _start(self) -> None:
        """Enter what every table has. The short prefixes fill the root as a whole."""
        lists = [self._paths.lock("ip4", DROP_PATHS) for _ in SPECIAL]
        numbers = self._indices.take_many(len(SPECIAL))
        root = array("i", [numbers[0]]) * mtrie.ROOT
        batch = Batch(self._engine, self.fib_index)
        for (address, length, source), index, paths in zip(SPECIAL, numbers, lists, strict=True):
            self._enter(Entry(address, length, index, source, paths), batch)
            if length <= 16:
                first, count = address >> 16, 1 << (16 - length)
                root[first : first + count] = array("i", [index]) * count
        memory.write(mtrie.roots.address + 4 * mtrie.ROOT * self.fib_index, root.tobytes())
        batch.commit()

    @property
    def has_neighbors(self) -> bool:
        return bool(self._neighbors)

    def __iter__(self) -> Iterator[Entry]:
        """By address and length, as VPP lists them: of equal addresses the longest prefix after /0 last."""
        return iter(sorted(self._entries.values(), key=lambda entry: (entry.address, _order(entry))))

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, address: int, length: int) -> Entry | None:
        """The entry of just this prefix."""
        return self._entries.get(key_of(address, length))

    def match(self, address: int, most: int = 32) -> Entry:
        """The longest prefix, of ``most`` bits at the most, that an address lies in."""
        entries = self._entries
        for length in self._lengths:
            if length <= most:
                entry = entries.get((address & MASKS[length]) << 6 | length)
                if entry is not None and entry.installed:
                    return entry
        raise AssertionError("a table has a default route always")

    def _count(self, length: int, more: int) -> None:
        """There are so many more prefixes of a length."""
        self.counts[length] += more
        if self.counts[length] == (1 if more > 0 else 0):
            self._lengths = [each for each in range(32, -1, -1) if self.counts[each]]

    def set_flow_hash(self, wanted: FlowHash) -> None:
        """What of a packet chooses among several paths."""
        self.flow_hash = wanted
        flow_hashes[self.fib_index] = int(wanted)

    # --- one prefix

    def say(self, address: int, length: int, source: Source, paths: Iterable[Path]) -> Entry:
        """A source says how a prefix is forwarded from now on."""
        entry = self.find(address, length)
        index = self._indices.take() if entry is None else entry.index
        try:
            wanted = self._paths.lock("ip4", paths)
        except Invalid:
            if entry is None:
                self._indices.give(index)
            raise
        batch = Batch(self._engine, self.fib_index)
        if entry is None:
            entry = Entry(address, length, index, source, wanted)
            self._enter(entry, batch)
        else:
            self._resay(entry, source, wanted, batch)
        batch.commit()
        self._review(address, length)
        return entry

    def unsay(self, address: int, length: int, source: Source) -> None:
        """A source says nothing of a prefix any more. Nothing happens if it did not."""
        entry = self.find(address, length)
        if entry is None or entry.by(source) is None:
            return
        batch = Batch(self._engine, self.fib_index)
        self._withdraw(entry, source, batch)
        batch.commit()
        self._review(address, length)

    # --- many prefixes

    def say_many(self, prefixes: Iterable[tuple[int, int, tuple[Path, ...]]], source: Source) -> int:
        """``say`` of many at a time; how many there were. All have been checked."""
        batch = Batch(self._engine, self.fib_index)
        entries = self._entries
        last: tuple[Path, ...] | None = None
        paths: PathList | None = None
        fresh: list[int] = []
        total = 0
        try:
            for address, length, wanted in prefixes:
                if wanted is not last or paths is None:
                    if paths is not None:
                        self._paths.unlock(paths)
                    paths, last = self._paths.lock("ip4", wanted), wanted
                if not fresh:
                    fresh = self._indices.take_many(max(1, min(1024, self._indices.left)))
                key = address << 6 | length
                entry = entries.get(key)
                paths.locks += 1
                total += 1
                if entry is not None:
                    self._resay(entry, source, paths, batch)
                else:
                    index = fresh.pop()
                    entries[key] = entry = Entry(address, length, index, source, paths)
                    entry.installed = True
                    self._count(length, 1)
                    batch.insert(address, length, index, paths)
                if batch.full:
                    batch.commit()
                if self._neighbors and self._neighbors_in(address, length):
                    batch.commit()
                    self._review(address, length)
        finally:
            if paths is not None:
                self._paths.unlock(paths)
            self._indices.give_many(fresh)
            batch.commit()
        return total

    def unsay_many(self, prefixes: Iterable[tuple[int, int]], source: Source) -> int:
        """``unsay`` of many at a time; how many there were."""
        batch = Batch(self._engine, self.fib_index)
        entries = self._entries
        total = 0
        for address, length in prefixes:
            entry = entries.get(address << 6 | length)
            if entry is None or entry.by(source) is None:
                continue
            total += 1
            self._withdraw(entry, source, batch)
            if batch.full:
                batch.commit()
            if self._neighbors and self._neighbors_in(address, length):
                batch.commit()
                self._review(address, length)
        batch.commit()
        return total

    # --- how it is done

    def _enter(self, entry: Entry, batch: Batch) -> None:
        self._entries[key_of(entry.address, entry.length)] = entry
        self._count(entry.length, 1)
        if entry.source is Source.ADJACENCY:
            insort(self._neighbors, entry.address)
            if not self._refines(entry):
                return
        self._install(entry, batch)

    def _install(self, entry: Entry, batch: Batch) -> None:
        entry.installed = True
        batch.insert(entry.address, entry.length, entry.index, entry.paths)

    def _uninstall(self, entry: Entry, batch: Batch) -> None:
        entry.installed = False
        batch.remove(entry.address, entry.length, entry.index, self.match(entry.address, entry.length - 1).index)

    def _resay(self, entry: Entry, source: Source, wanted: PathList, batch: Batch) -> None:
        heard = entry.paths
        old = entry.say(source, wanted)
        if source is Source.ADJACENCY and old is None:
            insort(self._neighbors, entry.address)
        self._heard(entry, heard, batch)
        if old is not None:
            self._paths.unlock(old)

    def _heard(self, entry: Entry, before: PathList, batch: Batch) -> None:
        """What is heard of an entry may have changed."""
        wanted = entry.source is not Source.ADJACENCY or self._refines(entry)
        if entry.installed and before is not entry.paths:
            batch.assign(entry.address, entry.length, entry.index, entry.paths)
        if wanted and not entry.installed:
            self._install(entry, batch)
        elif entry.installed and not wanted:
            self._uninstall(entry, batch)

    def _withdraw(self, entry: Entry, source: Source, batch: Batch) -> None:
        heard = entry.paths
        if len(entry.said) > 1:
            old = entry.unsay(source)
            assert old is not None
            self._heard(entry, heard, batch)
        else:
            old = heard
            if entry.installed:
                self._uninstall(entry, batch)
            del self._entries[entry.address << 6 | entry.length]
            self._count(entry.length, -1)
            self._gone.append(entry.index)
        if source is Source.ADJACENCY:
            del self._neighbors[bisect_left(self._neighbors, entry.address)]
        self._paths.unlock(old)

    def _refines(self, entry: Entry) -> bool:
        """Whether a neighbor's entry says more than the prefix around it: that is attached, on the same interface."""
        cover = self.match(entry.address, entry.length - 1)
        same = cover.paths.sw_if_index == entry.paths.sw_if_index
        return bool(cover.paths.flags & (CONNECTED | ATTACHED)) and same

    def _neighbors_in(self, address: int, length: int) -> list[int]:
        """The neighbors that a prefix has around it."""
        if length == 32:
            return []
        low = bisect_left(self._neighbors, address)
        return self._neighbors[low : bisect_left(self._neighbors, address + (1 << (32 - length)), lo=low)]

    def _review(self, address: int, length: int) -> None:
        """A prefix has changed: neighbors in it may count now, or no longer."""
        batch = Batch(self._engine, self.fib_index)
        for each in self._neighbors_in(address, length):
            entry = self._entries[key_of(each, 32)]
            if entry.source is Source.ADJACENCY:
                self._heard(entry, entry.paths, batch)
        batch.commit()

    def settle(self, *, at_once: bool = False) -> None:
        """Give back what no worker needs any more, when enough has gathered."""
        if at_once or len(self._gone) >= UNLOCKED_AT_ONCE or self._paths.waiting:
            self._engine.workers.quiesce()
            self._engine.call(mtrie.recycle)
            self._indices.give_many(self._gone)
            self._gone = []
            self._paths.collect()

    def attached(self, address: IPv4Address) -> int | None:
        """The sw_if_index on which an address is reached without a router."""
        entry = self.match(int(address))
        if entry.paths.flags & (CONNECTED | ATTACHED) or entry.source is Source.ADJACENCY:
            return entry.paths.sw_if_index
        return None

    def flush(self, source: Source) -> None:
        """A source says nothing any more."""
        self.unsay_many([(e.address, e.length) for e in list(self._entries.values()) if e.by(source)], source)
        self.settle()

    def close(self) -> None:
        """The table goes; nobody looks in it any more."""
        engine = self._engine
        engine.workers.quiesce()
        engine.call(mtrie.empty, self.fib_index)
        engine.arena.static.clear(mtrie.roots.address + 4 * mtrie.ROOT * self.fib_index, 4 * mtrie.ROOT)
        for entry in self._entries.values():
            self._gone.append(entry.index)
            for _, paths in entry.said:
                self._paths.unlock(paths)
        self._entries.clear()
        self.settle(at_once=True)


def _order(entry: Entry) -> int:
    return -entry.length if entry.length else -33
