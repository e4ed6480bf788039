"""All path lists: made, resolved, published, and resolved again when what they depend on changes."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

from weft.core import memory
from weft.core.model import Invalid, model
from weft.features.fib.adjacency import Adjacencies, Network, Record
from weft.features.fib.dpo import DROP, NULL_PROHIBIT, NULL_UNREACHABLE, Kind, Object, Objects
from weft.features.fib.indices import Indices
from weft.features.fib.load_balance import (
    ATTACHED,
    CONNECTED,
    DROPS,
    LOCAL,
    MAX_LOAD_BALANCES,
    RECURSIVE,
    Buckets,
    Dpo,
    assign,
    load_balances,
    spread,
)
from weft.features.fib.path import Path, PathKind, Paths, Resolve, check
from weft.features.fib.path_list import PathList
from weft.features.fib.via import Followable, Follower, Via, behind
from weft.features.interface.model import Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine

#: Kind of path -> the object that it leads to, for those that need nothing else.
SIMPLE = {
    PathKind.DROP: DROP,
    PathKind.PUNT: Object(Kind.PUNT),
    PathKind.UNREACHABLE: Object(Kind.IP_NULL, NULL_UNREACHABLE),
    PathKind.PROHIBIT: Object(Kind.IP_NULL, NULL_PROHIBIT),
    PathKind.LINK_LOCAL: Object(Kind.LINK_LOCAL),
}
#: Kind of path -> what it says of the prefix.
FLAGS = {
    PathKind.CONNECTED: CONNECTED | ATTACHED,
    PathKind.ATTACHED: ATTACHED,
    PathKind.RECEIVE: LOCAL,
    PathKind.DROP: DROPS,
}
EVERYTHING: dict[str, Network] = {"ip4": IPv4Network("0.0.0.0/0"), "ip6": IPv6Network("::/0")}


@model
class PathLists:
    """All path lists. A route holds its list by ``lock``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._adjacencies = engine[Adjacencies]
        self._objects = engine[Objects]
        self._interfaces = engine[Interfaces]
        self._indices = Indices("path lists", MAX_LOAD_BALANCES)
        self._lists: dict[tuple[str, Paths], PathList] = {}
        self._by_adjacency: dict[int, dict[PathList, None]] = {}
        self._retired: list[Callable[[], None]] = []
        self._stale: dict[PathList, None] = {}  # to be resolved again
        self._told: dict[Follower, None] = {}  # to be told, when all lists are right
        #: By family and fib_index, the tables that recursive paths go by.
        self.tables: dict[str, Mapping[int, Followable]] = {}
        self._adjacencies.watch_changed(self._adjacency_changed)
        for event in ("admin", "link"):
            self._interfaces.watch(event, self._interface_changed)
        self._interfaces.watch("removed", self._interface_removed)

    def __iter__(self) -> Iterator[PathList]:
        return iter(sorted(self._lists.values(), key=lambda each: each.index))

    def lock(self, family: str, paths: Iterable[Path]) -> PathList:
        """The list of these paths, made and resolved if it is new. Raises Invalid. The addresses that they go by have
        entries in their tables from then on.
        """
        key = (family, tuple(paths))
        found = self._lists.get(key)
        if found is None:
            check(key[1])
            found = PathList(self._indices.take(), family, key[1])
            try:
                self._attach(found)
            except Invalid:
                self._forget(found)
                raise
            self._lists[key] = found
            self._resolve(found)
        found.locks += 1
        return found

    def unlock(self, paths: PathList) -> None:
        """A route has let go of its list; nobody's lists go with ``collect``, after workers have let go, too."""
        paths.locks -= 1
        if paths.locks == 0:
            key = (paths.family, paths.paths)
            if self._lists.get(key) is paths:
                del self._lists[key]
            self._retired.append(lambda: self._forget(paths))

    def collect(self) -> None:
        """No worker can have any more what was let go before."""
        retired, self._retired = self._retired, []
        for action in retired:
            action()

    @property
    def waiting(self) -> bool:
        """Whether there is something for ``collect``."""
        return bool(self._retired)

    def _forget(self, paths: PathList) -> None:
        self._indices.give(paths.index)
        self._stale.pop(paths, None)
        row = load_balances[paths.index]
        if row.buckets:
            self._engine.arena.release(row.buckets)
            row.buckets = 0
        for index in paths.adjacency:
            if index is not None:
                self._by_adjacency.get(index, {}).pop(paths, None)
                self._adjacencies.unlock(index)
        for via in paths.via:
            if via is not None:
                via.unfollow(paths)

    # --- resolving

    def _attach(self, paths: PathList) -> None:
        """Take hold of the paths' adjacencies, and of the entries that they go by."""
        for path in paths.paths:
            index = self._adjacency(paths.family, path)
            paths.adjacency.append(index)
            if index is not None:
                self._adjacencies.lock(index)
                self._by_adjacency.setdefault(index, {})[paths] = None
            via = None
            if path.kind is PathKind.RECURSIVE:
                via = self.tables[paths.family][path.fib_index].follow(int(path.address or 0), paths)
            paths.via.append(via)

    def _adjacency(self, family: str, path: Path) -> int | None:
        if path.kind is PathKind.NEXT_HOP:
            assert path.address is not None
            return self._adjacencies.neighbor(self._interfaces[path.sw_if_index], family, path.address)
        if path.kind in (PathKind.CONNECTED, PathKind.ATTACHED):
            interface = self._interfaces[path.sw_if_index]
            if not interface.device.ethernet:
                nobody = EVERYTHING[family].network_address  # whoever is at the other end
                return self._adjacencies.neighbor(interface, family, nobody)
            return self._adjacencies.glean(interface, family, path.subnet or EVERYTHING[family])
        return None

    def _resolve(self, paths: PathList, *, only_less: bool = False) -> None:
        """Find out what the paths lead to now, and publish it; ``only_less``: no paths that were not resolved before.
        Whoever goes by it is to hear if that is something else.
        """
        before = paths.objects, paths.flags
        found = [self._object(paths, position) for position in range(len(paths.paths))]
        if only_less:
            found = [each if was else None for each, was in zip(found, paths.resolved, strict=True)]
        paths.resolved = [each is not None for each in found]
        usable = [position for position, each in enumerate(found) if each is not None]
        best = min((paths.paths[position].preference for position in usable), default=0)
        usable = [position for position in usable if paths.paths[position].preference == best]
        chosen: list[Object] = []
        for position, count in zip(
            usable, spread([paths.paths[p].weight for p in usable]) if usable else (), strict=True
        ):
            each = found[position]
            assert each is not None
            chosen += [each] * count
        paths.objects = chosen or [DROP]
        if len(set(paths.objects)) == 1:
            del paths.objects[1:]
        paths.flags = FLAGS.get(paths.paths[0].kind, 0)
        if paths.objects == [DROP]:
            paths.flags |= DROPS
        elif len(paths.objects) == 1 and paths.objects[0].kind is Kind.LOAD_BALANCE:
            paths.flags |= RECURSIVE
        if (paths.objects, paths.flags) != before:
            self._publish(paths)
            for via in paths.followed:
                self._mark(via.followers)

    def _publish(self, paths: PathList) -> None:
        """Write into the load-balance where its packets go now."""
        words = [self._objects.word(paths.family, each) for each in paths.objects]
        row = load_balances[paths.index]
        row.flags, row.sw_if_index = paths.flags, paths.sw_if_index
        old, new = row.buckets, 0
        if len(words) > 1:
            new = self._engine.arena.allocate(Buckets.size + Dpo.size * len(words))
            block = Buckets(new)
            block.mask = len(words) - 1
            memory.write(block.dpos.address, array("q", words).tobytes())
        self._engine.call(assign, paths.index, words[0], new)
        if old:
            self._engine.workers.quiesce()
            self._engine.arena.release(old)

    def _object(self, paths: PathList, position: int) -> Object | None:
        """What a path leads to; None: nowhere now."""
        path = paths.paths[position]
        simple = SIMPLE.get(path.kind)
        if simple is not None:
            return simple
        if path.kind is PathKind.RECEIVE:
            return self._objects.receive(paths.family, path.sw_if_index, int(path.address or 0))
        if path.kind is PathKind.LOOKUP:
            return Object(Kind.LOOKUP, path.fib_index)
        via = paths.via[position]
        if via is not None:
            return None if _misses(path, via) or paths.comes_back(via) else Object(Kind.LOAD_BALANCE, via.index)
        index = paths.adjacency[position]
        assert index is not None
        record = self._adjacencies[index]
        return self._objects.adjacent(index) if is_usable(record) else None

    # --- what lists depend on

    def moved(self, via: Via, before: PathList) -> None:
        """An entry that others go by is forwarded by another list from now on, though its packets are not yet. Ways
        that would lead in a circle are left at once, so that no packet ever goes round; the rest comes with
        ``converge``.
        """
        before.followed.pop(via, None)
        via.paths.followed[via] = None
        for each in behind(via):
            self._mark((each,))
            if isinstance(each, PathList) and any(below and each.comes_back(below) for below in each.via):
                self._resolve(each, only_less=True)

    def _mark(self, followers: Iterable[Follower]) -> None:
        for each in followers:
            if isinstance(each, PathList):
                self._stale[each] = None
            else:
                self._told[each] = None

    def converge(self) -> None:
        """Resolve what has to be resolved again, and tell whoever follows entries. Packets are forwarded as the tables
        say now.
        """
        while self._stale or self._told:
            if self._stale:
                paths = next(iter(self._stale))
                del self._stale[paths]
                self._resolve(paths)
            else:
                follower = next(iter(self._told))
                del self._told[follower]
                follower.via_changed()

    def _changed(self, concerned: Iterable[PathList]) -> None:
        self._mark(concerned)
        self.converge()

    def _adjacency_changed(self, record: Record) -> None:
        self._changed(self._by_adjacency.get(record.index, ()))

    def _interface_changed(self, interface: Interface) -> None:
        concerned: dict[PathList, None] = {}
        for record in self._adjacencies:
            if interface in (record.interface, record.interface.sup):
                concerned |= self._by_adjacency.get(record.index, {})
        self._changed(concerned)

    def _interface_removed(self, interface: Interface) -> None:
        """Its number may soon be another's: nobody shall find these paths any more."""
        for key in [key for key in self._lists if any(path.sw_if_index == interface.sw_if_index for path in key[1])]:
            del self._lists[key]


def is_usable(record: Record) -> bool:
    """Whether packets can leave by an adjacency's interface."""
    interface = record.interface
    return not record.gone and interface.admin_up and interface.link_up


def _misses(path: Path, via: Via) -> bool:
    """Whether an address's entry leads nowhere, or is not what its path asks for."""
    if via.paths.flags & DROPS:
        return True
    if path.resolve is Resolve.HOST:
        return via.inherits
    return path.resolve is Resolve.ATTACHED and not via.attached
