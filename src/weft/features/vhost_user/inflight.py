"""The record of how far each ring has got, in memory that outlives us (vhost-user, "Inflight I/O tracking")."""

from __future__ import annotations

import os

from weft.features.vhost_user.mapping import Mapping, Mappings
from weft.features.vhost_user.messages import Failed, InflightPayload
from weft.features.vhost_user.model import DESC_AVAIL, DESC_USED, Ring
from weft.features.vhost_user.ring import InflightPacked, InflightSplit, PackedRing, UsedRing

ALIGNMENT = 64
HEADER = 32  #: bytes in front of the descriptors' states, as large as any
SPLIT_STATE, PACKED_STATE = 16, 32  #: bytes a descriptor
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

    def part(self, queue: int) -> int:
        """The address of a queue's part; 0 if there is none."""
        return self._mapping.address + queue * self._part if queue < self.said.queues else 0

    def recover(self, ring: Ring, base: int) -> int:
        """Where a ring, otherwise ready, goes on: at ``base``, as the front end says, if its record begins now, or from
        where it had got to. Encoded as ``base``.
        """
        at = self.part(ring.number)
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
        if at := self.part(queue):
            InflightSplit(at).version = 0

    def close(self) -> None:
        self._mapping.close()


def _recover_packed(record: InflightPacked, ring: Ring, base: int) -> int:
    if record.version != VERSION or record.entries != ring.entries:
        record.features, record.version, record.entries = 0, VERSION, ring.entries
        record.used_index = record.old_used_index = base & 0x7FFF
        record.used_wrap = record.old_used_wrap = base >> 15 & 1
    elif record.used_index != record.old_used_index:
        # A batch was being given back. The flags of its first chain, written last, say whether the guest has it.
        flags = PackedRing(ring.descriptors).rows[record.old_used_index % ring.entries].flags
        wrap = record.old_used_wrap
        if bool(flags & DESC_AVAIL) != wrap or bool(flags & DESC_USED) == wrap:
            record.old_used_index, record.old_used_wrap = record.used_index, record.used_wrap
    record.used_index, record.used_wrap = record.old_used_index, record.old_used_wrap
    return record.old_used_index & 0x7FFF | (record.old_used_wrap & 1) << 15
