"""Paths: the ways on that a route is given. Routes with the same paths share one path list, and what it resolves to."""

from __future__ import annotations

import enum
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, TypeAlias

from weft.core import memory
from weft.core.model import Invalid, model
from weft.features.fib.adjacency import Address, Adjacencies, Network, Record
from weft.features.fib.dpo import DROP, NULL_PROHIBIT, NULL_UNREACHABLE, Kind, Object, Objects
from weft.features.fib.indices import Indices
from weft.features.fib.load_balance import (
    ATTACHED,
    CONNECTED,
    DROPS,
    LOCAL,
    MAX_LOAD_BALANCES,
    Buckets,
    Dpo,
    assign,
    load_balances,
    spread,
)
from weft.features.interface.model import NONE, Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine

MAX_PATHS = 256  #: of one route


class PathKind(enum.Enum):
    """What a path is, with VPP's word for it."""

    NEXT_HOP = "attached-nexthop"
    ATTACHED = "attached"
    CONNECTED = "glean"
    RECEIVE = "receive"
    DROP = "drop"
    PUNT = "punt"
    UNREACHABLE = "null-send-unreach"
    PROHIBIT = "null-send-prohibit"
    LOOKUP = "deag"
    LINK_LOCAL = "ip6-ll"  # in the table of the interface's own link


@dataclass(frozen=True, slots=True)
class Path:
    """One way on. ``address`` is the next hop, or this machine's own; ``sw_if_index`` where it is; ``fib_index`` for
    LOOKUP. Of paths with different preference only the lowest that can be taken are; ``weight`` divides flows.
    """

    kind: PathKind = PathKind.NEXT_HOP
    address: Address | None = None
    sw_if_index: int = NONE
    weight: int = 1
    preference: int = 0
    subnet: Network | None = None
    fib_index: int = 0


Paths: TypeAlias = tuple[Path, ...]


def via(
    address: Address | str | None, interface: Interface | None = None, *, weight: int = 1, preference: int = 0
) -> Path:
    """A path by a next hop; without an address: to whoever is on the interface."""
    if isinstance(address, str):
        address = IPv6Address(address) if ":" in address else IPv4Address(address)
    sw_if_index = NONE if interface is None else interface.sw_if_index
    kind = PathKind.ATTACHED if address is None else PathKind.NEXT_HOP
    return Path(kind, address, sw_if_index, weight, preference)


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


@dataclass(eq=False)
class PathList:
    """Paths, and what they lead to now. ``index`` is also that of their load-balance."""

    index: int
    family: str
    paths: Paths
    adjacency: list[int | None] = field(default_factory=list)  #: of each path
    resolved: list[bool] = field(default_factory=list)
    objects: list[Object] = field(default_factory=list)  #: of each bucket
    flags: int = 0
    locks: int = 0

    sw_if_index: int = NONE  #: of the first path

    def __post_init__(self) -> None:
        self.sw_if_index = self.paths[0].sw_if_index


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
        self._adjacencies.watch_changed(self._adjacency_changed)
        for event in ("admin", "link"):
            self._interfaces.watch(event, self._interface_changed)
        self._interfaces.watch("removed", self._interface_removed)

    def __iter__(self) -> Iterator[PathList]:
        return iter(sorted(self._lists.values(), key=lambda each: each.index))

    def lock(self, family: str, paths: Iterable[Path]) -> PathList:
        """The list of these paths, made and resolved if it is new. Raises Invalid."""
        key = (family, tuple(paths))
        found = self._lists.get(key)
        if found is None:
            _check(key[1])
            found = self._lists[key] = PathList(self._indices.take(), family, key[1])
            self._attach(found)
            self._resolve(found)
        found.locks += 1
        return found

    def unlock(self, paths: PathList) -> None:
        """A route has let go of its list; nobody's lists go with ``collect``, after workers have let go, too."""
        paths.locks -= 1
        if paths.locks == 0:
            self._lists.pop((paths.family, paths.paths), None)
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
        row = load_balances[paths.index]
        if row.buckets:
            self._engine.arena.release(row.buckets)
            row.buckets = 0
        for index in paths.adjacency:
            if index is not None:
                self._by_adjacency.get(index, {}).pop(paths, None)
                self._adjacencies.unlock(index)

    # --- resolving

    def _attach(self, paths: PathList) -> None:
        """Take hold of the paths' adjacencies."""
        for path in paths.paths:
            index = self._adjacency(paths.family, path)
            paths.adjacency.append(index)
            if index is not None:
                self._adjacencies.lock(index)
                self._by_adjacency.setdefault(index, {})[paths] = None

    def _adjacency(self, family: str, path: Path) -> int | None:
        if path.kind is PathKind.NEXT_HOP:
            assert path.address is not None
            return self._adjacencies.neighbor(self._interfaces[path.sw_if_index], family, path.address)
        if path.kind in (PathKind.CONNECTED, PathKind.ATTACHED):
            interface = self._interfaces[path.sw_if_index]
            if not interface.device.ethernet:
                return self._adjacencies.neighbor(interface, family, 0)  # whoever is at the other end
            return self._adjacencies.glean(interface, family, path.subnet or _everything(family))
        return None

    def _resolve(self, paths: PathList) -> None:
        """Find out what the paths lead to now, and publish it."""
        found = [self._object(paths, position) for position in range(len(paths.paths))]
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
        self._publish(paths)

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
        index = paths.adjacency[position]
        assert index is not None
        record = self._adjacencies[index]
        return self._objects.adjacent(index) if is_usable(record) else None

    def _adjacency_changed(self, record: Record) -> None:
        for paths in list(self._by_adjacency.get(record.index, ())):
            self._resolve(paths)

    def _interface_changed(self, interface: Interface) -> None:
        concerned: dict[PathList, None] = {}
        for record in self._adjacencies:
            if interface in (record.interface, record.interface.sup):
                concerned |= self._by_adjacency.get(record.index, {})
        for paths in concerned:
            self._resolve(paths)

    def _interface_removed(self, interface: Interface) -> None:
        """Its number may soon be another's: nobody shall find these paths any more."""
        for key in [key for key in self._lists if any(path.sw_if_index == interface.sw_if_index for path in key[1])]:
            del self._lists[key]


def is_usable(record: Record) -> bool:
    """Whether packets can leave by an adjacency's interface."""
    interface = record.interface
    return not record.gone and interface.admin_up and interface.link_up


def _check(paths: Paths) -> None:
    if not 1 <= len(paths) <= MAX_PATHS:
        raise Invalid(f"a route has 1 to {MAX_PATHS} paths, not {len(paths)}")
    for path in paths:
        if not 1 <= path.weight <= 255 or not 0 <= path.preference <= 255:
            raise Invalid("a path's weight is 1 to 255 and its preference 0 to 255")


def _everything(family: str) -> Network:
    from ipaddress import IPv4Network

    return IPv4Network("0.0.0.0/0") if family == "ip4" else IPv6Network("::/0")
