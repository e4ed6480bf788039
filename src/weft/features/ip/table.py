"""A routing table on the control side: whose sources are heard of each prefix, and what goes by which."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from weft.core.model import Invalid, model
from weft.features.fib.indices import Indices
from weft.features.fib.load_balance import ATTACHED, CONNECTED, LOCAL, MAX_ROUTES, to_counters, via_counters
from weft.features.fib.path import Path, PathKind
from weft.features.fib.path_list import PathList
from weft.features.fib.path_lists import PathLists
from weft.features.fib.source import Source
from weft.features.fib.via import Follower
from weft.features.ip.dependents import DEPENDING, Dependents
from weft.features.ip.entry import NOBODY, Entry, key_of
from weft.features.ip.family import Family, Special
from weft.features.ip.flow_hash import DEFAULT, FlowHash
from weft.features.ip.lpm import Lpm
from weft.features.ip.prefixes import Prefixes
from weft.features.ip.unnumbered import Unnumbered

if TYPE_CHECKING:
    from weft.core.engine import Engine

UNLOCKED_AT_ONCE = 64


@model
class Routes:
    """The numbers of all routes of all tables."""

    def __init__(self, engine: Engine) -> None:
        self.indices = Indices("routes", MAX_ROUTES, first=1, counters=(to_counters, via_counters))


class Table(Prefixes):
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
        super().__init__(family)
        self._engine, self._lpm = engine, lpm
        self._indices = engine[Routes].indices
        self._paths = engine[PathLists]
        self._lender = engine[Unnumbered].lender
        self.table_id, self.fib_index = table_id, lpm.fib_index
        self.name = name
        self.flow_hash = DEFAULT
        self.set_flow_hash(DEFAULT)
        #: How often each source holds the table.
        self.locks: dict[Source, int] = {}
        self._dependents = Dependents(family.bits)
        self.followers = 0  #: features that follow addresses here
        self._gone: list[int] = []
        self._start(family.special if special is None else special)

    def _start(self, special: tuple[Special, ...]) -> None:
        """Enter what the table has always."""
        routes = []
        for address, length, source, path in special:
            index, paths = self._indices.take(), self._paths.lock(self.family.name, (path,))
            entry = Entry(self, address, length, index, source, paths)
            self._add(entry)
            entry.installed = True
            routes.append((address, length, index, paths))
        self._lpm.start(self.family.bits, routes)

    @property
    def has_neighbors(self) -> bool:
        return bool(self._dependents.of(Source.ADJACENCY))

    def set_flow_hash(self, wanted: FlowHash) -> None:
        """What of a packet chooses among several paths."""
        self.flow_hash = wanted
        self.family.flow_hashes[self.fib_index] = int(wanted)

    # --- one prefix

    def say(self, address: int, length: int, source: Source, paths: Iterable[Path]) -> Entry:
        """A source says how a prefix is forwarded from now on."""
        entry = self._say(address, length, source, self._paths.lock(self.family.name, paths))
        self._review(address, length)
        self._paths.converge()
        return entry

    def _say(self, address: int, length: int, source: Source, wanted: PathList) -> Entry:
        """The same with a list that has been locked."""
        entry = self.find(address, length)
        if entry is not None:
            self._resay(entry, source, wanted)
        else:
            try:
                entry = Entry(self, address, length, self._indices.take(), source, wanted)
            except Invalid:
                self._paths.unlock(wanted)
                raise
            self._enter(entry)
        self._lpm.commit()
        return entry

    def unsay(self, address: int, length: int, source: Source) -> None:
        """A source says nothing of a prefix any more. Nothing happens if it did not."""
        entry = self.find(address, length)
        if entry is None or entry.by(source) is None:
            return
        self._withdraw(entry, source)
        self._lpm.commit()
        self._review(address, length)
        self._paths.converge()

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
                    entries[key] = entry = Entry(self, address, length, index, source, paths)
                    entry.installed = True
                    self._count(length, 1)
                    self._lpm.insert(address, length, index, paths)
                if self._lpm.full:
                    self._lpm.commit()
                self._review_rarely(address, length)
        finally:
            if paths is not None:
                self._paths.unlock(paths)
            self._indices.give_many(fresh)
            self._lpm.commit()
            self._paths.converge()
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
            self._review_rarely(address, length)
        self._lpm.commit()
        self._paths.converge()
        return total

    # --- how it is done

    def _enter(self, entry: Entry) -> None:
        self._add(entry)
        self._dependents.add(entry.source, entry.address)
        entry.idle = self._is_idle(entry)
        if not entry.idle:
            self._install(entry)

    def _install(self, entry: Entry) -> None:
        entry.installed = True
        self._lpm.insert(entry.address, entry.length, entry.index, entry.paths)

    def _uninstall(self, entry: Entry) -> None:
        entry.installed = False
        self._lpm.remove(entry.address, entry.length, entry.index, self.around(entry).index)

    def _resay(self, entry: Entry, source: Source, wanted: PathList) -> None:
        heard = entry.paths
        old = entry.say(source, wanted)
        if old is None:
            self._dependents.add(source, entry.address)
        self._heard(entry, heard)
        if old is not None:
            self._paths.unlock(old)

    def _heard(self, entry: Entry, before: PathList) -> None:
        """What is heard of an entry may have changed."""
        entry.idle = self._is_idle(entry)
        wanted = not entry.idle or len(entry.said) > 1
        if before is not entry.paths:
            if entry.installed:
                self._lpm.assign(entry.address, entry.length, entry.index, entry.paths)
            if entry.followers:
                self._paths.moved(entry, before)
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
            self._drop(entry)
            self._gone.append(entry.index)
        self._dependents.remove(source, entry.address)
        self._paths.unlock(old)

    def _is_idle(self, entry: Entry) -> bool:
        """Whether an entry would be a neighbor's that says no more than the prefix around it: unless that is attached,
        on the same interface, or on that whose addresses its interface goes by.
        """
        source, paths = entry.said[0]
        if source is not Source.ADJACENCY:
            return False
        cover = self.around(entry).paths
        own = paths.sw_if_index
        same = cover.sw_if_index in (own, self._lender.get(own, own))
        return not (cover.flags & (CONNECTED | ATTACHED) and same)

    def has_host(self, address: int, sw_if_index: int) -> bool:
        """Whether somebody has said that a host is behind an interface, by a route of its own."""
        entry = self.find(address, self.family.bits)
        return entry is not None and any(
            source not in DEPENDING and paths.sw_if_index == sw_if_index and not paths.flags & LOCAL
            for source, paths in entry.said
        )

    def _review_rarely(self, address: int, length: int) -> None:
        """``_review`` while changes are being gathered."""
        if self._dependents.within(address, length):
            self._lpm.commit()
            self._review(address, length)

    def review(self) -> None:
        """Interfaces go by other addresses: neighbors may count now, or no longer."""
        self._review(0, 0)
        self._paths.converge()
        self.settle()

    def _review(self, address: int, length: int) -> None:
        """A prefix has changed: neighbors in it may count now, or no longer; addresses that others go by are forwarded
        as it says.
        """
        for each in self._dependents.within(address, length):
            entry = self._entries[key_of(each, self.family.bits)]
            if entry.followers:
                self._inherit(entry)
            if entry.said[0][0] is Source.ADJACENCY:
                self._heard(entry, entry.paths)
        self._lpm.commit()

    # --- addresses that others go by

    def follow(self, address: int, follower: Follower) -> Entry:
        """The entry of an address, which is there from now on, with the same number until ``unfollow``."""
        entry = self.find(address, self.family.bits)
        if entry is None or entry.by(Source.RECURSIVE) is None:
            wanted = self._inherited(address)
            entry = self._say(address, self.family.bits, Source.RECURSIVE, wanted)
        if entry.followers is NOBODY:
            entry.followers = {}
        entry.followers[follower] = None
        entry.paths.followed[entry] = None
        return entry

    def unfollow(self, entry: Entry, follower: Follower) -> None:
        """An entry is gone by no more."""
        entry.followers.pop(follower, None)
        if not entry.followers:
            entry.followers = NOBODY
            entry.paths.followed.pop(entry, None)
            if self._entries.get(key_of(entry.address, entry.length)) is entry:
                self._withdraw(entry, Source.RECURSIVE)
                self._lpm.commit()

    def _inherited(self, address: int) -> PathList:
        """How the prefix around a host's address is forwarded; on a connected subnet: to that host. Locked."""
        cover = self.match(address, self.family.bits - 1).paths
        if cover.flags & (CONNECTED | ATTACHED):
            here = Path(PathKind.NEXT_HOP, self.family.address(address), cover.sw_if_index)
            return self._paths.lock(self.family.name, (here,))
        cover.locks += 1
        return cover

    def _inherit(self, entry: Entry) -> None:
        """The prefix around an entry may be forwarded another way."""
        self._resay(entry, Source.RECURSIVE, self._inherited(entry.address))

    def settle(self, *, at_once: bool = False) -> None:
        """Give back what no worker needs any more, when enough has gathered."""
        if at_once or len(self._gone) >= UNLOCKED_AT_ONCE or self._paths.waiting:
            self._engine.workers.quiesce()
            self._lpm.settle()
            self._indices.give_many(self._gone)
            self._gone = []
            self._paths.collect()

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
