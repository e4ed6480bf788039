"""A guest's memory on the control side: the regions that a front end shares, mapped and made known to packet code."""

from __future__ import annotations

import os
from dataclasses import dataclass

from weft.features.vhost_user.mapping import Mapping, Mappings
from weft.features.vhost_user.messages import Failed, RegionPayload
from weft.features.vhost_user.model import MAX_REGIONS, GuestMemory

MAX_ADDRESS = 1 << 62
WORD = 8


@dataclass
class SharedRegion:
    """A region: what the front end said of it, and where it is here."""

    said: RegionPayload
    mapping: Mapping

    @property
    def fd(self) -> int:
        return self.mapping.number


class Guest:
    """All that a front end shares. What changes a region's place needs the device's rings to rest."""

    def __init__(self, mappings: Mappings, memory: GuestMemory, name: str) -> None:
        self._mappings, self._memory, self._name = mappings, memory, name
        self.regions: list[SharedRegion] = []
        self._log: Mapping | None = None
        self._logging = False

    # --- regions

    def add(self, said: RegionPayload, fd: int) -> None:
        """Map one more region. Raises Failed."""
        if len(self.regions) == MAX_REGIONS:
            raise Failed(f"it shares more than {MAX_REGIONS} regions of memory")
        for start in (said.guest, said.user, said.mmap_offset):
            if said.size == 0 or max(said.size, start) >= MAX_ADDRESS:
                raise Failed(f"a region of {said.size:#x} bytes at {start:#x} is impossible")
        for other in self.regions:
            if _overlap(said.guest, said.size, other.said.guest, other.said.size):
                raise Failed(f"its regions at guest addresses {said.guest:#x} and {other.said.guest:#x} overlap")
            if _overlap(said.user, said.size, other.said.user, other.said.size):
                raise Failed(f"its regions at its addresses {said.user:#x} and {other.said.user:#x} overlap")
        mapping = self._map(fd, said.mmap_offset, said.size, f"memory at {said.guest:#x}")
        self.regions.append(SharedRegion(said, mapping))
        self._publish()

    def remove(self, said: RegionPayload) -> None:
        """Forget a region; it is known by its addresses and its size. Raises Failed."""
        for region in self.regions:
            if region.said[:3] == said[:3]:
                self.regions.remove(region)
                self._publish()
                region.mapping.close()
                return
        raise Failed(f"it shares no region of {said.size:#x} bytes at guest address {said.guest:#x}")

    def clear(self) -> None:
        """Forget all regions."""
        self._memory.count = 0
        for region in self.regions:
            region.mapping.close()
        self.regions.clear()

    def close(self) -> None:
        self.clear()
        self.set_log(None)

    def _publish(self) -> None:
        """Write what packet code reads. A region that is only added may be seen at once."""
        for row, region in zip(range(len(self.regions)), self.regions, strict=True):
            entry = self._memory.regions[row]
            entry.guest, entry.length, entry.host = region.said.guest, region.said.size, region.mapping.address
        self._memory.count = len(self.regions)

    def _map(self, fd: int, offset: int, size: int, what: str) -> Mapping:
        try:
            return Mapping(self._mappings, fd, offset, size, name=f"{self._name}: {what}")
        except (OSError, ValueError) as error:
            raise Failed(f"its {what} cannot be mapped: {getattr(error, 'strerror', None) or error}") from error

    # --- addresses

    def host(self, user: int, size: int) -> int:
        """Where ``size`` bytes at an address of the front end are here; 0 unless one region holds them all."""
        for region in self.regions:
            offset = user - region.said.user
            if offset >= 0 and offset + size <= region.said.size:
                return region.mapping.address + offset
        return 0

    def guest_address(self, user: int) -> int:
        """The guest address of what the front end has at ``user``; -1 if there is none."""
        for region in self.regions:
            if 0 <= user - region.said.user < region.said.size:
                return region.said.guest + user - region.said.user
        return -1

    # --- the log of what is written

    def set_log(self, log: tuple[int, int, int] | None) -> None:
        """Keep a log of written pages in a file: descriptor, offset, size. The rings rest. Raises Failed."""
        self._memory.log = 0
        if self._log is not None:
            self._log.close()
            self._log = None
        if log is not None:
            fd, offset, size = log
            if offset % WORD or size < WORD:
                raise Failed(f"a log of {size:#x} bytes at {offset:#x} cannot be written in words")
            self._log = self._map(fd, offset, size, "log")
            self._memory.log_pages = size // WORD * WORD * 8
        self.log_writes(self._logging)

    def log_writes(self, on: bool) -> None:
        """Whether what is written to the guest is to be logged now."""
        self._logging = on
        self._memory.log = self._log.address if on and self._log is not None else 0

    @property
    def logging(self) -> bool:
        return bool(self._memory.log)

    @property
    def lost(self) -> bool:
        """Whether the front end has truncated what it shares."""
        mappings = [region.mapping for region in self.regions] + ([self._log] if self._log else [])
        return any(mapping.lost for mapping in mappings)


def _overlap(a: int, a_size: int, b: int, b_size: int) -> bool:
    return a < b + b_size and b < a + a_size


def adopt(fds: list[int]) -> int:
    """Take a descriptor out of a message, to keep it; -1 if it has none."""
    return fds.pop(0) if fds else -1


def is_eventfd(fd: int) -> bool:
    """Whether a descriptor is an eventfd: writing to anything else may block for ever."""
    return os.readlink(f"/proc/self/fd/{fd}") == "anon_inode:[eventfd]"
