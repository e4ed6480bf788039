"""Bridge domains: what they do with packets, how old addresses may become, whom ARP is answered for."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core import memory
from weft.core.hashmap import HashMap
from weft.core.model import Invalid, model
from weft.features.interface.address import show_mac
from weft.features.interface.model import Flood, Interface
from weft.features.l2.layout import (
    MAX_BRIDGE_DOMAINS,
    BridgeDomainRow,
    Member,
    Members,
    arp_entries,
    arp_key,
    bridge_domains,
)
from weft.features.l2.pipeline import ARP_TERM, ARP_UFWD, FLOOD, FWD, LEARN, UU_FLOOD, UU_FWD
from weft.features.neighbor.neighbors import Neighbors, words_of
from weft.features.neighbor.table import BRIDGED6, STATIC, entries

if TYPE_CHECKING:
    from weft.core.engine import Engine

MAX_ID = (1 << 24) - 1
MAX_TAG = 63
DEFAULT_LEARN_LIMIT = 16 << 20

#: What a bridge domain may allow or not; of all other features the interface alone decides.
OPTIONS = {
    "learn": LEARN,
    "forward": FWD,
    "flood": FLOOD,
    "uu-flood": UU_FLOOD,
    "arp-term": ARP_TERM,
    "arp-ufwd": ARP_UFWD,
}
ITS_OWN = LEARN | FWD | FLOOD | UU_FLOOD | UU_FWD | ARP_TERM | ARP_UFWD
DEFAULT = LEARN | FWD | FLOOD | UU_FLOOD


class FloodMember(Struct, frozen=True):
    """An interface that packets are flooded to."""

    interface: Interface
    shg: int
    bvi: bool


def _member(member: FloodMember) -> bytes:
    """As packet code reads it: see ``layout.Member``."""
    return struct.pack("<IBBxx", member.interface.sw_if_index, member.shg, member.bvi)


@dataclass
class BridgeDomain:
    """A bridge domain on the control side."""

    bd_id: int
    index: int
    tag: str = ""
    bvi: Interface | None = None
    uu_fwd: Interface | None = None
    #: The BVI first, as VPP lists them; else in the order in which they came.
    members: list[FloodMember] = field(default_factory=list)
    arp: dict[IPv4Address | IPv6Address, int] = field(default_factory=dict)

    @property
    def row(self) -> BridgeDomainRow:
        row: BridgeDomainRow = bridge_domains[self.index]
        return row

    def allows(self, option: int) -> bool:
        """Whether it does this (LEARN, FWD, ...)."""
        return bool(self.row.features & option)

    @property
    def flooded(self) -> list[FloodMember]:
        """The members that packets are flooded to: no tunnels where one of them reaches what all others do."""
        kinds = {member.interface.flood for member in self.members}
        return [m for m in self.members if Flood.MASTER not in kinds or m.interface.flood is not Flood.TUNNEL]

    @property
    def in_use(self) -> bool:
        return bool(self.members or self.uu_fwd)


@model
class BridgeDomains:
    """All bridge domains, by their numbers. Index 0 stays free: a key of the L2 FIB is never 0."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._arp = HashMap(engine, arp_entries)
        self._neighbors = engine[Neighbors]
        self._nd: dict[tuple[int, IPv6Address], int] = {}  # by bridge domain's index and address: the entry's
        self.by_id: dict[int, BridgeDomain] = {}
        self.by_index: dict[int, BridgeDomain] = {}
        self.default_learn_limit = DEFAULT_LEARN_LIMIT
        self._free: list[int] = []
        #: Called when a bridge domain has been deleted, before its index is used again.
        self.deleted: list[Callable[[BridgeDomain], object]] = []

    def __iter__(self) -> Iterator[BridgeDomain]:
        return iter(self.by_index.values())

    def __getitem__(self, bd_id: int) -> BridgeDomain:
        if bd_id not in self.by_id:
            raise Invalid(f"No such bridge domain {bd_id}", "NO_SUCH_ENTRY")
        return self.by_id[bd_id]

    def check_id(self, bd_id: int) -> None:
        """Raises Invalid if no bridge domain can have this number."""
        if bd_id == 0:
            raise Invalid("bridge domain 0 can not be modified", "BD_NOT_MODIFIABLE")
        if not 0 < bd_id <= MAX_ID:
            raise Invalid("bridge domain ID exceed 24-bit range", "BD_ID_EXCEED_MAX")

    def add(self, bd_id: int, *, tag: str = "", mac_age: int = 0, features: int = DEFAULT) -> BridgeDomain:
        """A bridge domain of this number."""
        self.check_id(bd_id)
        if bd_id in self.by_id:
            raise Invalid(f"bridge domain {bd_id} already exists", "BD_ALREADY_EXISTS")
        if len(tag) > MAX_TAG:
            raise Invalid(f"a bridge domain's tag has at most {MAX_TAG} characters")
        if len(self.by_id) == MAX_BRIDGE_DOMAINS - 1:
            raise Invalid(f"there are {MAX_BRIDGE_DOMAINS - 1} bridge domains already", "TABLE_TOO_BIG")
        index = heappop(self._free) if self._free else len(self.by_id) + 1
        domain = BridgeDomain(bd_id, index, tag)
        row = domain.row
        row.features, row.mac_age, row.learn_limit = features, mac_age, self.default_learn_limit
        row.learned = row.uu_fwd_sw_if_index = 0
        self.by_id[bd_id] = self.by_index[index] = domain
        return domain

    def find_or_add(self, bd_id: int) -> BridgeDomain:
        return self.by_id.get(bd_id) or self.add(bd_id)

    def free_id(self) -> int:
        """The lowest number that no bridge domain has."""
        return next(bd_id for bd_id in range(1, MAX_ID) if bd_id not in self.by_id)

    def delete(self, bd_id: int) -> None:
        """Delete a bridge domain without members, and what it knows."""
        self.check_id(bd_id)
        if bd_id not in self.by_id:
            raise Invalid("bridge domain ID does not exist", "NO_SUCH_ENTRY")
        domain = self.by_id[bd_id]
        if domain.in_use:
            raise Invalid("bridge domain in use - remove members", "BD_IN_USE")
        for address in list(domain.arp):
            self.remove_arp(domain, address)
        del self.by_id[bd_id], self.by_index[domain.index]
        self.next_sequence(domain)
        self._engine.workers.quiesce()
        for action in self.deleted:
            action(domain)
        heappush(self._free, domain.index)

    # --- what it does

    def members_changed(self, domain: BridgeDomain) -> None:
        """Publish whom packets are flooded to: the BVI last, which may take the packet itself."""
        row = domain.row
        old, flooded = row.members.address, domain.flooded
        if not flooded:
            row.members = Members(0)
        else:
            record = Members(self._engine.arena.allocate(Members.size + Member.size * len(flooded)))
            memory.write(record.rows.address, b"".join(map(_member, reversed(flooded))))
            record.count = len(flooded)
            row.members = record
        row.uu_fwd_sw_if_index = domain.uu_fwd.sw_if_index if domain.uu_fwd else 0
        row.features = row.features & ~UU_FWD | (UU_FWD if domain.uu_fwd else 0)
        if old:
            self._engine.workers.quiesce()
            self._engine.arena.release(old)

    def set_learn_limit(self, domain: BridgeDomain, limit: int) -> None:
        domain.row.learn_limit = limit

    def next_sequence(self, domain: BridgeDomain) -> None:
        """What was learned in a bridge domain until now counts no more, as soon as its ports know."""
        domain.row.sn = domain.row.sn + 1

    # --- ARP termination

    def add_arp(self, domain: BridgeDomain, address: IPv4Address | IPv6Address, mac: int) -> None:
        """Answer ARP requests, or neighbor solicitations, for an address in its place. Another MAC address replaces the
        one before.
        """
        if mac == 0 or mac & 1:
            raise Invalid(f"{show_mac(mac)} is no unicast MAC address")
        if isinstance(address, IPv4Address):
            self._arp[arp_key(domain.index, int(address))] = mac
        else:
            self._add_nd(domain, address, mac)
        domain.arp[address] = mac

    def _add_nd(self, domain: BridgeDomain, address: IPv6Address, mac: int) -> None:
        known = self._nd.get((domain.index, address))
        if known is not None:
            entries[known].mac = mac
            return
        _, high, low = words_of(address)
        now = int(self._engine.timers.seconds * 1000)
        try:
            index = self._neighbors.table.add(BRIDGED6, domain.index, high, low, mac, STATIC, now)
        except MemoryError as error:
            raise Invalid(str(error), "LIMIT_EXCEEDED") from None
        self._nd[domain.index, address] = index

    def remove_arp(self, domain: BridgeDomain, address: IPv4Address | IPv6Address) -> None:
        if address not in domain.arp:
            raise Invalid(f"bridge domain {domain.bd_id} has no ARP entry for {address}", "NO_SUCH_ENTRY")
        del domain.arp[address]
        if isinstance(address, IPv4Address):
            del self._arp[arp_key(domain.index, int(address))]
        else:
            self._neighbors.table.remove(self._nd.pop((domain.index, address)))


__all__ = ["BridgeDomain", "BridgeDomains", "FloodMember"]
