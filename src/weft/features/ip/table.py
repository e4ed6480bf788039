"""A routing table on the control side: its prefixes, whose sources are heard, and what covers what."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from weft.core.model import Invalid, model
from weft.features.fib.indices import Indices
from weft.features.fib.load_balance import ATTACHED, CONNECTED, MAX_ROUTES, to_counters, via_counters
from weft.features.fib.path import Path, PathList, PathLists
from weft.features.fib.source import Source
from weft.features.ip.entry import Entry, key_of
from weft.features.ip.family import Address, Family, Special
from weft.features.ip.flow_hash import DEFAULT, FlowHash
from weft.features.ip.lpm import Lpm

if TYPE_CHECKING:
    from weft.core.engine import Engine

UNLOCKED_AT_ONCE = 64


@model
class Routes:
    """The numbers of all routes of all tables."""

    def __init__(self, engine: Engine) -> None:
        self.indices = Indices("routes", MAX_ROUTES, first=1, counters=(to_counters, via_counters))


class Table:
    """A table of routes. Changes are published at once; ``settle`` gives back what they left over."""

    def __init__(
        self,
        engine: Engine,
        family: Family,
        table_id: int,
        lpm: Lpm,
        name: str,
        special: tuple[Special, ...] | None = None,
    ) -> None:
        self._engine, self.family, self._lpm = engine, family, lpm
        self._indices = engine[Routes].indices
        self._masks = family.masks
        self._paths = engine[PathLists]
        self.table_id, self.fib_index = table_id, lpm.fib_index
        self.name = name
        self.flow_hash = DEFAULT
        self.set_flow_hash(DEFAULT)
        #: How often each source holds the table.
        self.locks: dict[Source, int] = {}
        self._entries: dict[int, Entry] = {}
        self.counts = [0] * (family.bits + 1)
        self._lengths: list[int] = []  # of which there are prefixes, the longest first
        self._neighbors: list[int] = []  # addresses with something said by ADJACENCY, in order
        self._gone: list[int] = []
        self._start(family.special if special is None else special)

    def _start(self, special: tuple[Special, ...]) -> None:
        """Enter what the table has always."""
        routes = []
        for address, length, source, path in special:
            index, paths = self._indices.take(), self._paths.lock(self.family.name, (path,))
            entry = Entry(self.family, address, length, index, source, paths)
            self._entries[key_of(address, length)] = entry
            self._count(length, 1)
            entry.installed = True
            routes.append((address, length, index, paths))
        self._lpm.start(self.family.bits, routes)

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

    def match(self, address: int, most: int = 128) -> Entry:
        """The longest prefix, of ``most`` bits at the most, that an address lies in."""
        entries, masks = self._entries, self._masks
        for length in self._lengths:
            if length <= most:
                entry = entries.get((address & masks[length]) << 8 | length)
                if entry is not None and entry.installed:
                    return entry
        raise AssertionError("a table has a default route always")

    def _count(self, length: int, more: int) -> None:
        """There are so many more prefixes of a length."""
        self.counts[length] += more
        if self.counts[length] == (1 if more > 0 else 0):
            self._lengths = [each for each in range(self.family.bits, -1, -1) if self.counts[each]]

    def set_flow_hash(self, wanted: FlowHash) -> None:
        """What of a packet chooses among several paths."""
        self.flow_hash = wanted
        self.family.flow_hashes[self.fib_index] = int(wanted)

    # --- one prefix

    def say(self, address: int, length: int, source: Source, paths: Iterable[Path]) -> Entry:
        """A source says how a prefix is forwarded from now on."""
        entry = self.find(address, length)
        index = self._indices.take() if entry is None else entry.index
        try:
            wanted = self._paths.lock(self.family.name, paths)
        except Invalid:
            if entry is None:
                self._indices.give(index)
            raise
        if entry is None:
            entry = Entry(self.family, address, length, index, source, wanted)
            self._enter(entry)
        else:
            self._resay(entry, source, wanted)
        self._lpm.commit()
        self._review(address, length)
        return entry

    def unsay(self, address: int, length: int, source: Source) -> None:
        """A source says nothing of a prefix any more. Nothing happens if it did not."""
        entry = self.find(address, length)
        if entry is None or entry.by(source) is None:
            return
        self._withdraw(entry, source)
        self._lpm.commit()
        self._review(address, length)

    # --- many prefixes

    def say_many(self, prefixes: Iterable[tuple[int, int, tuple[Path, ...]]], source: Source) -> int:
        """``say`` of many at a time; how many there were. All have been checked."""
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
                    paths, last = self._paths.lock(self.family.name, wanted), wanted
                if not fresh:
                    fresh = self._indices.take_many(max(1, min(1024, self._indices.left)))
                key = address << 8 | length
                entry = entries.get(key)
                paths.locks += 1
                total += 1
                if entry is not None:
                    self._resay(entry, source, paths)
                else:
                    index = fresh.pop()
                    entries[key] = entry = Entry(self.family, address, length, index, source, paths)
                    entry.installed = True
                    self._count(length, 1)
                    self._lpm.insert(address, length, index, paths)
                if self._lpm.full:
                    self._lpm.commit()
                if self._neighbors and self._neighbors_in(address, length):
                    self._lpm.commit()
                    self._review(address, length)
        finally:
            if paths is not None:
                self._paths.unlock(paths)
            self._indices.give_many(fresh)
            self._lpm.commit()
        return total

    def unsay_many(self, prefixes: Iterable[tuple[int, int]], source: Source) -> int:
        """``unsay`` of many at a time; how many there were."""
        entries = self._entries
        total = 0
        for address, length in prefixes:
            entry = entries.get(address << 8 | length)
            if entry is None or entry.by(source) is None:
                continue
            total += 1
            self._withdraw(entry, source)
            if self._lpm.full:
                self._lpm.commit()
            if self._neighbors and self._neighbors_in(address, length):
                self._lpm.commit()
                self._review(address, length)
        self._lpm.commit()
        return total

    # --- how it is done

    def _enter(self, entry: Entry) -> None:
        self._entries[key_of(entry.address, entry.length)] = entry
        self._count(entry.length, 1)
        if entry.source is Source.ADJACENCY:
            insort(self._neighbors, entry.address)
            if not self._refines(entry):
                return
        self._install(entry)

    def _install(self, entry: Entry) -> None:
        entry.installed = True
        self._lpm.insert(entry.address, entry.length, entry.index, entry.paths)

    def _uninstall(self, entry: Entry) -> None:
        entry.installed = False
        self._lpm.remove(entry.address, entry.length, entry.index, self.match(entry.address, entry.length - 1).index)

    def _resay(self, entry: Entry, source: Source, wanted: PathList) -> None:
        heard = entry.paths
        old = entry.say(source, wanted)
        if source is Source.ADJACENCY and old is None:
            insort(self._neighbors, entry.address)
        self._heard(entry, heard)
        if old is not None:
            self._paths.unlock(old)

    def _heard(self, entry: Entry, before: PathList) -> None:
        """What is heard of an entry may have changed."""
        wanted = entry.source is not Source.ADJACENCY or self._refines(entry)
        if entry.installed and before is not entry.paths:
            self._lpm.assign(entry.address, entry.length, entry.index, entry.paths)
        if wanted and not entry.installed:
            self._install(entry)
        elif entry.installed and not wanted:
            self._uninstall(entry)

    def _withdraw(self, entry: Entry, source: Source) -> None:
        heard = entry.paths
        if len(entry.said) > 1:
            old = entry.unsay(source)
            assert old is not None
            self._heard(entry, heard)
        else:
            old = heard
            if entry.installed:
                self._uninstall(entry)
            del self._entries[entry.address << 8 | entry.length]
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
        if length == self.family.bits:
            return []
        low = bisect_left(self._neighbors, address)
        return self._neighbors[low : bisect_left(self._neighbors, address + (1 << (self.family.bits - length)), lo=low)]

    def _review(self, address: int, length: int) -> None:
        """A prefix has changed: neighbors in it may count now, or no longer."""
        for each in self._neighbors_in(address, length):
            entry = self._entries[key_of(each, self.family.bits)]
            if entry.source is Source.ADJACENCY:
                self._heard(entry, entry.paths)
        self._lpm.commit()

    def settle(self, *, at_once: bool = False) -> None:
        """Give back what no worker needs any more, when enough has gathered."""
        if at_once or len(self._gone) >= UNLOCKED_AT_ONCE or self._paths.waiting:
            self._engine.workers.quiesce()
            self._lpm.settle()
            self._indices.give_many(self._gone)
            self._gone = []
            self._paths.collect()

    def attached(self, address: Address) -> int | None:
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
        self._engine.workers.quiesce()
        self._lpm.close()
        for entry in self._entries.values():
            self._gone.append(entry.index)
            for _, paths in entry.said:
                self._paths.unlock(paths)
        self._entries.clear()
        self.settle(at_once=True)


def _order(entry: Entry) -> int:
    return -entry.length if entry.length else -129
