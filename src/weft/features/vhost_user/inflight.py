"""The record of how far each ring has got, in memory that outlives us (vhost-user, "Inflight I/O tracking")."""

from __future__ import annotations

import os

from weft.core.memory import fill
from weft.features.vhost_user.mapping import Mapping, Mappings
from weft.features.vhost_user.messages import Failed, InflightPayload
from weft.features.vhost_user.model import DESC_AVAIL, DESC_USED, Ring
from weft.features.vhost_user.ring import InflightPacked, InflightSplit, PackedRing, PackedState, UsedRing

ALIGNMENT = 64
HEADER = 32  #: bytes in front of the descriptors' states, as large as any
SPLIT_STATE, PACKED_STATE = 16, PackedState.size  #: bytes a descriptor
VERSION = 1
MAX_QUEUE_SIZE = 32768


def part_size(entries: int, packed: bool) -> int:
    """Bytes of one queue's part."""
    size = HEADER + entries * (PACKED_STATE if packed else SPLIT_STATE)
    return -(-size // ALIGNMENT) * ALIGNMENT


class InflightRecord:
    """The shared memory, a part for each queue."""

    def __init__(self, mappings: Mappings, fd: int, said: InflightPayload, packed: bool, name: str) -> None:
        """Raises Failed."""
        if not 0 < said.queues <= 256 or not 0 < said.queue_size <= MAX_QUEUE_SIZE:
            raise Failed(f"a record for {said.queues} queues of {said.queue_size} is impossible")
        self.said, self._packed = said, packed
        self._part = part_size(said.queue_size, packed)
        if said.size < self._part * said.queues:
            raise Failed(f"a record of {said.size} bytes is too small for {said.queues} queues")
        try:
            self._mapping = Mapping(mappings, fd, said.offset, said.size, name=f"{name}: in-flight record")
        except (OSError, ValueError) as error:
            raise Failed(f"its record cannot be mapped: {getattr(error, 'strerror', None) or error}") from error

    @staticmethod
    def make(queues: int, queue_size: int, packed: bool) -> tuple[int, InflightPayload]:
        """A new file for a record: its descriptor, and what the front end is told of it. Raises Failed."""
        if not 0 < queues <= 256 or not 0 < queue_size <= MAX_QUEUE_SIZE:
            raise Failed(f"a record for {queues} queues of {queue_size} is impossible")
        size = part_size(queue_size, packed) * queues
        fd = os.memfd_create("vhost-inflight", os.MFD_CLOEXEC)
        os.ftruncate(fd, size)
        return fd, InflightPayload(size, 0, queues, queue_size)

    @property
    def lost(self) -> bool:
        return self._mapping.lost

    def part(self, queue: int, entries: int) -> int:
        """The address of the part of a queue with so many entries; 0 if there is none."""
        if queue >= self.said.queues or entries > self.said.queue_size:
            return 0
        return self._mapping.address + queue * self._part

    def recover(self, ring: Ring, base: int) -> int:
        """Where a ring, otherwise ready, goes on: at ``base``, as the front end says, if its record begins now, or from
        where it had got to. Encoded as ``base``.
        """
        at = self.part(ring.number, ring.entries)
        if at == 0:
            return base
        if self._packed:
            return _recover_packed(InflightPacked(at), ring, base)
        split = InflightSplit(at)
        if split.version == VERSION and split.entries == ring.entries:
            base = UsedRing(ring.device).index
        split.features, split.version, split.entries = 0, VERSION, ring.entries
        split.used_index = base
        return base

    def forget(self, queue: int) -> None:
        """The ring was stopped in order: what the front end says next is where it goes on."""
        if at := self.part(queue, 0):
            InflightSplit(at).version = 0

    def close(self) -> None:
        self._mapping.close()


def _recover_packed(record: InflightPacked, ring: Ring, base: int) -> int:
    place, wrap = record.old_used_index % ring.entries, record.old_used_wrap & 1
    if record.version != VERSION or record.entries != ring.entries:
        record.features, record.version, record.entries = 0, VERSION, ring.entries
        fill(record.states[0].address, 0, ring.entries * PackedState.size)
        place, wrap = base & 0x7FFF, base >> 15 & 1
    elif _given_back(record, ring, place, wrap):
        record.states[place].inflight = 0
        place, wrap = record.used_index % ring.entries, record.used_wrap & 1
    else:
        _undo(record, ring, place, wrap)
    record.used_index = record.old_used_index = place
    record.used_wrap = record.old_used_wrap = wrap
    return place | wrap << 15


def _given_back(record: InflightPacked, ring: Ring, place: int, wrap: int) -> bool:
    """Whether the guest has the batch that was to be given back: the flags of its first chain are written last."""
    if (record.used_index, record.used_wrap) == (record.old_used_index, record.old_used_wrap):
        return False  # it was not as far as that
    flags = PackedRing(ring.descriptors).rows[place].flags
    return bool(flags & DESC_AVAIL) != bool(wrap) or bool(flags & DESC_USED) == bool(wrap)


def _undo(record: InflightPacked, ring: Ring, place: int, wrap: int) -> None:
    """Offer the chains of a batch again that was begun and that the guest has not seen. If the front end has written
    anything else in the record, that is the guest's own ring which suffers.
    """
    rows, states, left = PackedRing(ring.descriptors).rows, record.states, ring.entries
    begun = bool(states[place].inflight)
    states[place].inflight = 0
    while begun and left > 0:
        row, state = rows[place], states[place]
        row.length, row.id, row.flags = state.length, state.id, state.flags
        slots = max(state.slots, 1)
        left -= slots
        place += slots
        if place >= ring.entries:
            place, wrap = (place - ring.entries) % ring.entries, wrap ^ 1
        used = (DESC_AVAIL | DESC_USED) * wrap
        begun = rows[place].flags & (DESC_AVAIL | DESC_USED) == used
