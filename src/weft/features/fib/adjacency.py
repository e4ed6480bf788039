"""Adjacencies: how a packet gets to a next hop on an interface, or what is to be done to find that out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, TypeAlias

from weft.core import arena, memory
from weft.core.counters import combined
from weft.core.graph import MAX_INTERFACES
from weft.core.model import Invalid, model
from weft.core.runtime import DIRECT, MAX_NODES
from weft.core.view import Bytes, View, i64, times, u8, u16
from weft.features.fib.indices import Indices
from weft.features.interface.model import Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

MAX_ADJACENCIES = 1 << 20
MAX_REWRITE = 56

# Adjacency.kind
INCOMPLETE, COMPLETE, GLEAN = 1, 2, 3

# Adjacency.flags
COUNTED = 1 << 0  #: packets and bytes are counted in ``adjacency_counters``
PLAIN = 1 << 1  #: the header is that of Ethernet without tags, and nothing else is to be done

ETHERNET = 14  #: bytes of a header without tags


class Adjacency(View):
    """A next hop on an interface. All that forwarding reads is in the first cache line."""

    node: u16  # the interface's output node
    sw_if_index: u16
    mtu: u16  # of layer 3
    rewrite_length: u8
    flags: u8
    rewrite: Bytes = times(MAX_REWRITE)  # the header to be put in front; it ends where this area ends
    next_hop: i64  # the neighbor's address as a number, IPv6: the low half
    next_hop_high: i64
    kind: u8
    family: u8  # 4, 6
    pad: u16
    pad2: u16
    pad3: u16
    reserved: Bytes = times(40)

    @property
    def next(self) -> int:
        """Where ``ip4-rewrite`` sends packets: a node's result."""
        return DIRECT | self.node


assert Adjacency.size == 128 and MAX_INTERFACES <= 1 << 16 and MAX_NODES <= 1 << 16

adjacencies = arena.table("adjacencies", Adjacency, MAX_ADJACENCIES)
adjacency_counters = combined("/net/adjacency", MAX_ADJACENCIES)

REWRITE_END = Adjacency.fields["rewrite"].offset + MAX_REWRITE

#: What a key is made of: kind (a neighbor's or a glean's), sw_if_index, family, address, prefix length.
Key: TypeAlias = tuple[str, int, str, int, int]
FAMILIES = ("ip4", "ip6")


@dataclass
class Record:
    """An adjacency on the control side."""

    index: int
    interface: Interface
    family: str  #: of its packets
    next_hop: Address  #: the neighbor, who may be of the other family; a glean's: the subnet's address
    length: int = 0  #: a glean's prefix length
    key: Key = ("", 0, "", 0, 0)
    locks: int = 0
    gone: bool = False  #: the interface is no more

    @property
    def row(self) -> Adjacency:
        found: Adjacency = adjacencies[self.index]
        return found

    @property
    def kind(self) -> int:
        return self.row.kind

    @property
    def asked_by(self) -> str:
        """The family by which the neighbor's MAC address is asked for."""
        return f"ip{self.next_hop.version}"

    @property
    def subnet(self) -> Network:
        address = (int(self.next_hop), self.length)
        return IPv4Network(address) if self.family == "ip4" else IPv6Network(address)

    @property
    def header(self) -> bytes:
        """The rewrite string."""
        length = self.row.rewrite_length
        return memory.read(self.row.address + REWRITE_END - length, length)


def _key_of(interface: Interface, family: str, neighbor: Address) -> Key:
    return f"neighbor {neighbor.version}", interface.sw_if_index, family, int(neighbor), 0


@model
class Adjacencies:
    """All adjacencies. Paths hold them by ``lock``; one that nobody holds goes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._indices = Indices("adjacencies", MAX_ADJACENCIES, first=1, counters=(adjacency_counters,))
        self._by_key: dict[Key, Record] = {}
        self._by_index: dict[int, Record] = {}
        self._created: list[Callable[[Record], None]] = []
        self._changed: list[Callable[[Record], None]] = []
        self.counting = False
        interfaces = engine[Interfaces]
        interfaces.watch("mtu", self._mtu_changed)
        interfaces.watch("mac", self._mac_changed)
        interfaces.watch("removed", self._interface_removed)

    # --- looking

    def __iter__(self) -> Iterator[Record]:
        return iter(sorted(self._by_index.values(), key=lambda record: record.index))

    def __getitem__(self, index: int) -> Record:
        try:
            return self._by_index[index]
        except KeyError:
            raise Invalid(f"no adjacency {index}") from None

    def __contains__(self, index: int) -> bool:
        return index in self._by_index

    def to(self, interface: Interface, neighbor: Address) -> list[Record]:
        """A neighbor's adjacencies: for packets of his family, and for those of the other (RFC 8950)."""
        keys = (_key_of(interface, family, neighbor) for family in FAMILIES)
        return [self._by_key[key] for key in keys if key in self._by_key]

    def watch_created(self, action: Callable[[Record], None]) -> None:
        """Let ``action`` hear of each new neighbor's adjacency, which is incomplete: it may complete it at once."""
        self._created.append(action)

    def watch_changed(self, action: Callable[[Record], None]) -> None:
        """Let ``action`` hear of each adjacency that has become complete or incomplete."""
        self._changed.append(action)

    # --- making

    def neighbor(self, interface: Interface, family: str, address: Address) -> int:
        """The index of a neighbor's adjacency for packets of a family, made if need be; incomplete, unless a watcher
        knows better or the interface has no layer 2: then nothing is to be put in front.
        """
        key = _key_of(interface, family, address)
        if key in self._by_key:
            return self._by_key[key].index
        record = self._make(key, Record(self._indices.take(), interface, family, address), INCOMPLETE)
        if not interface.device.ethernet:
            self.set_rewrite(record.index, b"")
        for action in self._created:
            action(record)
        return record.index

    def glean(self, interface: Interface, family: str, subnet: Network) -> int:
        """The index of the adjacency for hosts on a connected subnet of whom nothing is known."""
        address, length = subnet.network_address, subnet.prefixlen
        key: Key = ("glean", interface.sw_if_index, family, int(address), length)
        if key in self._by_key:
            return self._by_key[key].index
        record = self._make(key, Record(self._indices.take(), interface, family, address, length), GLEAN)
        self._set_header(record, self._glean_header(record))
        return record.index

    def _make(self, key: Key, record: Record, kind: int) -> Record:
        row = record.row
        memory.fill(row.address, 0, Adjacency.size)
        row.node = record.interface.row.output_node & ~DIRECT
        row.sw_if_index = record.interface.sw_if_index
        row.mtu = self._mtu(record)
        row.kind = kind
        row.family = 4 if record.family == "ip4" else 6
        row.next_hop = memory.wrap(int(record.next_hop))
        row.next_hop_high = memory.wrap(int(record.next_hop) >> 64)
        row.flags = self._flags(record)
        adjacency_counters.clear(record.index)
        record.key = key
        self._by_key[key] = self._by_index[record.index] = record
        return record

    def _mtu(self, record: Record) -> int:
        return self._engine[Interfaces].mtu(record.interface, record.family)

    def _glean_header(self, record: Record) -> bytes:
        from weft.features.ethernet.model import ARP, IP6, rewrite
        from weft.features.interface.address import BROADCAST

        if not record.interface.device.ethernet:
            return b""
        return rewrite(record.interface, BROADCAST, ARP if record.family == "ip4" else IP6)

    # --- changing

    def set_rewrite(self, index: int, header: bytes | None) -> None:
        """Complete an adjacency with the header to be put in front of its packets; None: it is incomplete again."""
        record = self[index]
        if header is not None and len(header) > MAX_REWRITE:
            raise Invalid(f"a header of {len(header)} bytes is too long to be put in front: {MAX_REWRITE} is the most")
        before = record.row.kind
        if header is None:
            record.row.kind = INCOMPLETE
        elif before == COMPLETE and header != record.header:
            # Workers may be writing the old one.
            with self._engine.workers.barrier():
                self._set_header(record, header)
        else:
            self._set_header(record, header)
            record.row.kind = COMPLETE
        if record.row.kind != before:
            self._tell(record)

    def _set_header(self, record: Record, header: bytes) -> None:
        row = record.row
        memory.write(row.rewrite, header.rjust(MAX_REWRITE, b"\0"))
        row.rewrite_length = len(header)
        row.flags = self._flags(record)
        memory.fence()

    def _flags(self, record: Record) -> int:
        if self.counting:
            return COUNTED
        return PLAIN if record.row.rewrite_length == ETHERNET else 0

    def _tell(self, record: Record) -> None:
        for action in self._changed:
            action(record)

    def lock(self, index: int) -> None:
        """Somebody forwards by this adjacency."""
        self._by_index[index].locks += 1

    def unlock(self, index: int) -> None:
        """Somebody does no longer; who was the last lets it go once no worker can have it."""
        record = self._by_index[index]
        record.locks -= 1
        if record.locks == 0:
            self._forget(record)

    def _forget(self, record: Record) -> None:
        del self._by_index[record.index]
        self._drop_key(record)
        self._engine.workers.quiesce()
        self._indices.give(record.index)

    def _drop_key(self, record: Record) -> None:
        """Nobody finds it any more."""
        if self._by_key.get(record.key) is record:
            del self._by_key[record.key]

    def set_counting(self, on: bool) -> None:
        """Count what each adjacency forwards, or no longer."""
        self.counting = on
        for record in self:
            record.row.flags = self._flags(record)

    # --- interfaces

    def of(self, interface: Interface) -> list[Record]:
        """The adjacencies on an interface."""
        return [record for record in self if record.interface is interface]

    def _mtu_changed(self, interface: Interface) -> None:
        for record in self:
            if interface in (record.interface, record.interface.sup):
                record.row.mtu = self._mtu(record)

    def _mac_changed(self, interface: Interface) -> None:
        for record in self.of(interface):
            if record.kind == GLEAN:
                with self._engine.workers.barrier():
                    self._set_header(record, self._glean_header(record))

    def _interface_removed(self, interface: Interface) -> None:
        """Nobody finds them any more; who holds them is told."""
        for record in self.of(interface):
            record.gone = True
            self._drop_key(record)
            record.row.kind = INCOMPLETE
            self._tell(record)
