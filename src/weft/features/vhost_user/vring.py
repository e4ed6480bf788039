"""A ring on the control side: what the front end has said of it so far, and its record in the arena."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from dataclasses import dataclass

from weft.features.vhost_user.bits import Feature
from weft.features.vhost_user.guest import Guest
from weft.features.vhost_user.inflight import InflightRecord
from weft.features.vhost_user.messages import VRING_F_LOG, Failed, VringAddresses
from weft.features.vhost_user.model import Ring
from weft.features.vhost_user.ring import MAX_SIZE, Descriptor, EventSuppression, UsedElement

NO_FD = -1
#: Bytes of a used or available ring beside its entries: flags, index, event index.
AROUND = 6
ALIGNMENT = {"descriptors": 16, "available": 2, "used": 4}
PLAIN_HEADER, MERGED_HEADER = 10, 12  #: bytes in front of each packet
OFFLOADS = Feature.VIRTIO_NET_F_CSUM


@dataclass
class Vring:
    """An even one holds buffers for the guest to receive in, an odd one what it sends."""

    index: int
    row: Ring
    entries: int = 0
    base: int = 0
    addresses: VringAddresses | None = None
    kick: int = NO_FD
    call: int = NO_FD
    error: int = NO_FD
    given_kick: bool = False  #: the front end has said how it notifies us
    started: bool = False  #: it has notified us since, or the ring has run
    enabled: bool = False
    running: bool = False
    recovered: bool = False  #: its place no longer depends on the in-flight record

    @property
    def to_guest(self) -> bool:
        return self.index % 2 == 0

    def reset(self) -> None:
        """As it is before the front end has said anything. It rests."""
        for name in ("kick", "call", "error"):
            self.set_fd(name, NO_FD)
        self.entries, self.base, self.addresses = 0, 0, None
        self.given_kick = self.started = self.enabled = self.recovered = False

    def set_fd(self, name: str, fd: int) -> None:
        """Keep a descriptor in place of the one of that name."""
        old = getattr(self, name)
        setattr(self, name, fd)
        if name == "call":
            self.row.call = fd
        if old != NO_FD:
            os.close(old)

    @property
    def forwarding(self) -> bool:
        """It runs, and what the guest sends by it is not thrown away."""
        return self.running and not self.row.discard

    # --- starting

    @property
    def kicked(self) -> bool:
        """Whether the front end has notified us, or notifies nobody."""
        if not self.given_kick or self.kick == NO_FD:
            return self.given_kick
        waiting = select.poll()
        waiting.register(self.kick, select.POLLIN)
        return bool(waiting.poll(0))

    def prepare(self, guest: Guest, features: int, record: InflightRecord | None, sw_if_index: int) -> None:
        """Fill in what packet code reads. The ring rests. Raises Failed where it cannot run."""
        row = self.row
        packed = bool(features & Feature.VIRTIO_F_RING_PACKED)
        self._place(guest, packed)
        version_1 = features & (Feature.VIRTIO_F_VERSION_1 | Feature.VIRTIO_NET_F_MRG_RXBUF)
        row.packed, row.entries, row.number = int(packed), self.entries, self.index
        row.event_index = int(bool(features & Feature.VIRTIO_F_EVENT_IDX))
        row.header = MERGED_HEADER if version_1 else PLAIN_HEADER
        row.merge = int(bool(features & Feature.VIRTIO_NET_F_MRG_RXBUF))
        row.offloads = int(bool(features & OFFLOADS))
        row.sw_if_index, row.call = sw_if_index, self.call
        row.broken = row.idle = row.armed = row.lock = row.owed = row.due = 0
        base = self.base
        row.inflight = 0
        if record is not None:
            if not self.recovered:
                base = record.recover(row, base)
            self.recovered = True
            row.inflight = record.part(self.index, self.entries)
        row.next = base & 0x7FFF if packed else base & 0xFFFF
        row.wrap = base >> 15 & 1 if packed else 0
        if packed and row.next >= self.entries:
            raise Failed(f"vring {self.index} is to begin at place {row.next}, and has {self.entries}")

    def _place(self, guest: Guest, packed: bool) -> None:
        """Find the ring in the guest's memory."""
        said, entries, row = self.addresses, self.entries, self.row
        if said is None or not 0 < entries <= MAX_SIZE or (not packed and entries & (entries - 1)):
            raise Failed(f"vring {self.index} cannot have {entries} entries")
        parts = {
            "descriptors": entries * Descriptor.size,
            "available": EventSuppression.size if packed else AROUND + 2 * entries,
            "used": EventSuppression.size if packed else AROUND + UsedElement.size * entries,
        }
        found = {}
        for name, size in parts.items():
            user = getattr(said, name)
            host = guest.host(user, size)
            if host == 0 or host % ALIGNMENT[name]:
                raise Failed(
                    f"vring {self.index}: its {name} at {user:#x} are not in the guest's memory, or not aligned"
                )
            found[name] = host
        row.descriptors, row.driver, row.device = found["descriptors"], found["available"], found["used"]
        row.log_device = -1
        if said.flags & VRING_F_LOG and guest.logging:
            row.log_device = guest.guest_address(said.descriptors if packed else said.used)

    def settle(self) -> None:
        """It has stopped: interrupt the guest, if that was put off."""
        if self.row.owed and self.call != NO_FD:
            with suppress(OSError):
                os.eventfd_write(self.call, 1)
        self.row.owed = 0

    def report_error(self) -> None:
        """Tell the front end that the guest has broken the ring, if it wants to know."""
        if self.error != NO_FD:
            with suppress(OSError):
                os.eventfd_write(self.error, 1)

    @property
    def position(self) -> int:
        """Where the ring has got to, as GET_VRING_BASE tells it."""
        row = self.row
        if row.packed:
            here = row.next | row.wrap << 15
            return int(here | here << 16)
        return int(row.next)
