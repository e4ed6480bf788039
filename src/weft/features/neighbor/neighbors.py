"""The neighbors on the control side: adding, learning, limits; events for whoever wants to know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, TypeAlias

from weft.core.model import Invalid, model
from weft.features.interface.address import show_mac
from weft.features.interface.model import NO_ETHERNET, Interface, Interfaces
from weft.features.neighbor.ageing import Ageing
from weft.features.neighbor.table import (
    DYNAMIC,
    IP4,
    IP6,
    MAX_NEIGHBORS,
    NO_FIB_ENTRY,
    STATIC,
    EntryTable,
    NeighborEntry,
    entries,
)

if TYPE_CHECKING:
    from weft.core.engine import Engine

Address: TypeAlias = IPv4Address | IPv6Address
FAMILIES = {4: "ip4", 6: "ip6"}
FLAG_LETTERS = ((STATIC, "S"), (DYNAMIC, "D"), (NO_FIB_ENTRY, "N"))
LOW = (1 << 64) - 1


@dataclass(eq=False)
class Neighbor:
    """Somebody's IP address on an interface; what changes of it is in ``entry``."""

    interface: Interface
    address: Address
    index: int

    @property
    def entry(self) -> NeighborEntry:
        found: NeighborEntry = entries[self.index]
        return found

    @property
    def family(self) -> str:
        return FAMILIES[self.address.version]

    @property
    def mac(self) -> int:
        return self.entry.mac

    @property
    def static(self) -> bool:
        return bool(self.entry.flags & STATIC)

    @property
    def fib_entry(self) -> bool:
        """Whether a host route is made for it."""
        return not self.entry.flags & NO_FIB_ENTRY

    @property
    def flags(self) -> str:
        """``D``, ``S``, ``SN`` and so on."""
        return "".join(letter for flag, letter in FLAG_LETTERS if self.entry.flags & flag)

    def __str__(self) -> str:
        return f"{self.address} at {show_mac(self.mac)} on {self.interface.name}"


@dataclass
class Config:
    """Limits of one family: how many neighbors (0: as many as fit), how old one may become in seconds (0: as it likes),
    and whether the oldest makes place for a new one.
    """

    limit: int = 50_000
    age: int = 0
    recycle: bool = False


#: What watchers hear: "added", "changed" (its MAC address, or how it is kept), "removed" (after it is out).
Watcher: TypeAlias = Callable[[str, Neighbor], None]


def words_of(address: Address) -> tuple[int, int, int]:
    """An address as the table's key: family, high and low word."""
    if address.version == 4:
        return IP4, 0, int(address)
    number = int(address)
    return IP6, _signed(number >> 64), _signed(number & LOW)


def _signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word


@model
class Neighbors:
    """All neighbors of all interfaces and both families."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.table = EntryTable(engine.workers.quiesce)
        self.config = {family: Config() for family in FAMILIES.values()}
        self.count = dict.fromkeys(FAMILIES.values(), 0)
        #: Neighbors that could not be learned for the limit's sake.
        self.refused = dict.fromkeys(FAMILIES.values(), 0)
        self._by_interface: dict[int, dict[Address, Neighbor]] = {}
        self._watchers: list[Watcher] = []
        self.ageing = Ageing(engine, self)
        interfaces = engine[Interfaces]
        interfaces.watch("removed", lambda interface: self._forget_interface(interface))
        interfaces.watch("admin", self._admin_changed)

    # --- looking

    def __iter__(self) -> Iterator[Neighbor]:
        """All, by interface and address."""
        for sw_if_index in sorted(self._by_interface):
            here = self._by_interface[sw_if_index]
            yield from sorted(here.values(), key=lambda each: (each.address.version, int(each.address)))

    def of(self, interface: Interface, family: str | None = None) -> list[Neighbor]:
        """Those of an interface."""
        here = self._by_interface.get(interface.sw_if_index, {}).values()
        return [each for each in here if family in (None, each.family)]

    def find(self, interface: Interface, address: Address) -> Neighbor | None:
        return self._by_interface.get(interface.sw_if_index, {}).get(address)

    def age(self, neighbor: Neighbor) -> float:
        """Seconds since it was last heard of."""
        return max(0.0, self._engine.timers.seconds - neighbor.entry.updated / 1000)

    def watch(self, watcher: Watcher) -> None:
        """Let ``watcher`` hear of every neighbor that comes, changes or goes."""
        self._watchers.append(watcher)

    def _tell(self, event: str, neighbor: Neighbor) -> None:
        for watcher in self._watchers:
            watcher(event, neighbor)

    # --- adding

    def add(
        self, interface: Interface, address: Address, mac: int, *, static: bool = False, no_fib_entry: bool = False
    ) -> Neighbor:
        """Enter a neighbor, or what is new about it. Raises Invalid; also when a static one would become dynamic."""
        self._check(interface, address, mac)
        flags = (STATIC if static else DYNAMIC) | (NO_FIB_ENTRY if no_fib_entry else 0)
        known = self.find(interface, address)
        if known is None:
            return self._enter(interface, address, mac, flags)
        if known.static and not static and known.mac != mac:
            raise Invalid(f"{known} is static; delete it first", "INVALID_SW_IF_INDEX")  # VPP answers -2
        self._update(known, mac, flags)
        return known

    def learn(self, interface: Interface, address: Address, mac: int) -> Neighbor | None:
        """Enter what a packet said. None if a static entry, the limit, or good sense stands against it."""
        try:
            return self.add(interface, address, mac)
        except Invalid as refused:
            self._engine.log.debug("neighbor not learned: %s", refused)
            return None

    def _check(self, interface: Interface, address: Address, mac: int) -> None:
        if interface.row.flags & NO_ETHERNET:
            raise Invalid(f"{interface.name} has no layer 2 and so no neighbors", "INVALID_INTERFACE")
        if mac & 1 or mac == 0:
            raise Invalid(f"{show_mac(mac)} is no unicast MAC address")
        broadcast = address.version == 4 and int(address) >= 0xF0000000
        if address.is_multicast or address.is_unspecified or address.is_loopback or broadcast:
            raise Invalid(f"{address} is no host's address")

    def _enter(self, interface: Interface, address: Address, mac: int, flags: int) -> Neighbor:
        family = FAMILIES[address.version]
        config = self.config[family]
        full = self.count[family] >= (config.limit or MAX_NEIGHBORS)
        if full and not (config.recycle and self.ageing.recycle(family)):
            self.refused[family] += 1
            message = f"there are {self.count[family]} {family} neighbors already, and {config.limit} is the limit"
            raise Invalid(message, "LIMIT_EXCEEDED")
        number, high, low = words_of(address)
        try:
            index = self.table.add(number, interface.sw_if_index, high, low, mac, flags, self._milliseconds())
        except MemoryError as error:
            self.refused[family] += 1
            raise Invalid(str(error), "LIMIT_EXCEEDED") from None
        neighbor = Neighbor(interface, address, index)
        self._by_interface.setdefault(interface.sw_if_index, {})[address] = neighbor
        self.count[family] += 1
        if not flags & STATIC:
            self.ageing.add(neighbor)
        self._tell("added", neighbor)
        return neighbor

    def _update(self, neighbor: Neighbor, mac: int, flags: int) -> None:
        entry = neighbor.entry
        if entry.flags & STATIC:
            flags = flags & ~DYNAMIC | STATIC
        changed = entry.mac != mac or entry.flags != flags
        if entry.mac != mac:
            entry.changed = self._milliseconds()
        entry.mac, entry.flags, entry.updated = mac, flags, self._milliseconds()
        if changed:
            self._tell("changed", neighbor)

    def _milliseconds(self) -> int:
        return int(self._engine.timers.seconds * 1000)

    # --- removing

    def remove(self, interface: Interface, address: Address) -> None:
        """Delete a neighbor. Raises Invalid if there is none."""
        known = self.find(interface, address)
        if known is None:
            raise Invalid(f"{address} is no neighbor on {interface.name}", "NO_SUCH_ENTRY")
        self.discard(known)

    def discard(self, neighbor: Neighbor) -> None:
        """Delete a neighbor that is there."""
        here = self._by_interface[neighbor.interface.sw_if_index]
        del here[neighbor.address]
        if not here:
            del self._by_interface[neighbor.interface.sw_if_index]
        self.count[neighbor.family] -= 1
        self.ageing.remove(neighbor)
        self.table.remove(neighbor.index)
        self._tell("removed", neighbor)

    def flush(
        self,
        family: str | None = None,
        interface: Interface | None = None,
        where: Callable[[Neighbor], bool] = lambda neighbor: not neighbor.static,
    ) -> int:
        """Delete the dynamic neighbors (or those that ``where`` says) of a family and an interface, or of all.

        How many there were.
        """
        found = list(self) if interface is None else self.of(interface)
        gone = [each for each in found if family in (None, each.family) and where(each)]
        for neighbor in gone:
            self.discard(neighbor)
        return len(gone)

    def _forget_interface(self, interface: Interface) -> None:
        self.flush(interface=interface, where=lambda neighbor: True)

    def _admin_changed(self, interface: Interface) -> None:
        if not interface.admin_up:
            self.flush(interface=interface)

    # --- limits

    def configure(
        self, family: str, *, limit: int | None = None, age: int | None = None, recycle: bool | None = None
    ) -> None:
        """Change limits; None leaves one as it is."""
        if limit is not None and limit > MAX_NEIGHBORS:
            raise Invalid(f"no more than {MAX_NEIGHBORS} neighbors are possible")
        config = self.config[family]
        config.limit = config.limit if limit is None else limit
        config.age = config.age if age is None else age
        config.recycle = config.recycle if recycle is None else recycle
        self.ageing.reconfigured(family)
