"""A guest's side of virtio, in Python: its memory, and drivers of split and packed rings (virtio 1.2, 2.7 and 2.8)."""

from __future__ import annotations

import mmap
import os
import struct
from dataclasses import dataclass, field

NEXT, WRITE, INDIRECT = 1, 2, 4
AVAIL, USED = 1 << 7, 1 << 15


@dataclass
class Region:
    """A piece of the guest's memory: a memfd, where the guest has it, and where the front end has."""

    guest: int
    size: int
    user: int
    fd: int
    map: mmap.mmap
    offset: int = 0


class Memory:
    """The guest's memory, and who has which part of it."""

    def __init__(self) -> None:
        self.regions: list[Region] = []
        self._next = 0

    def add(self, guest: int, size: int = 1 << 20, *, user: int | None = None, offset: int = 0, fd: int = -1) -> Region:
        """A region, of a memfd unless a file is given."""
        if fd < 0:
            fd = os.memfd_create("guest", os.MFD_CLOEXEC)
        os.ftruncate(fd, size + offset)
        region = Region(
            guest, size, (0x7F00_0000_0000 + guest) if user is None else user, fd, mmap.mmap(fd, size + offset), offset
        )
        self.regions.append(region)
        self._next = self._next or guest
        return region

    def allocate(self, size: int, align: int = 64) -> int:
        """A guest address with so many bytes behind it, zero."""
        at = -(-self._next // align) * align
        self._next = at + size
        assert self.region(at).guest + self.region(at).size >= self._next, "the guest's memory is full"
        self.write(at, bytes(size))
        return at

    def region(self, guest: int) -> Region:
        return next(each for each in self.regions if each.guest <= guest < each.guest + each.size)

    def user(self, guest: int) -> int:
        region = self.region(guest)
        return region.user + guest - region.guest

    def read(self, guest: int, size: int) -> bytes:
        data = b""
        while len(data) < size:  # across regions that touch
            region = self.region(guest + len(data))
            at = guest + len(data) - region.guest
            data += region.map[region.offset + at : region.offset + min(at + size - len(data), region.size)]
        return data

    def write(self, guest: int, data: bytes) -> None:
        while data:
            region = self.region(guest)
            at = guest - region.guest
            part = min(len(data), region.size - at)
            region.map[region.offset + at : region.offset + at + part] = data[:part]
            guest, data = guest + part, data[part:]

    def u16(self, guest: int) -> int:
        return int.from_bytes(self.read(guest, 2), "little")

    def put16(self, guest: int, value: int) -> None:
        self.write(guest, (value & 0xFFFF).to_bytes(2, "little"))

    def close(self) -> None:
        for region in self.regions:
            region.map.close()
            os.close(region.fd)
        self.regions.clear()


@dataclass
class Buffer:
    """What one descriptor points at."""

    guest: int
    length: int
    writable: bool = False


@dataclass
class SplitQueue:
    """The driver of a split ring. ``offer`` makes a chain available, ``used`` takes back what the device has done."""

    memory: Memory
    size: int = 16
    events: bool = False
    position: int = 0
    seen: int = 0
    chains: dict[int, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.descriptors = self.memory.allocate(16 * self.size, 16)
        self.available = self.memory.allocate(6 + 2 * self.size, 2)
        self.device = self.memory.allocate(6 + 8 * self.size, 4)
        self._free = list(range(self.size))

    def describe(self, at: int, buffer: Buffer, flags: int = 0, next: int = 0, *, table: int = 0) -> None:
        flags |= WRITE if buffer.writable else 0
        self.memory.write(
            (table or self.descriptors) + 16 * at,
            struct.pack("<QIHH", buffer.guest & (1 << 64) - 1, buffer.length, flags, next),
        )

    def offer(self, *buffers: Buffer, indirect: bool = False) -> int:
        """One chain; the number of its head."""
        if indirect:
            table = self.memory.allocate(16 * len(buffers), 16)
            for i, buffer in enumerate(buffers):
                last = i == len(buffers) - 1
                self.describe(i, buffer, 0 if last else NEXT, 0 if last else i + 1, table=table)
            slots = [self._free.pop(0)]
            self.describe(slots[0], Buffer(table, 16 * len(buffers)), INDIRECT)
        else:
            slots = [self._free.pop(0) for _ in buffers]
            for i, buffer in enumerate(buffers):
                last = i == len(buffers) - 1
                self.describe(slots[i], buffer, 0 if last else NEXT, 0 if last else slots[i + 1])
        self.chains[slots[0]] = slots
        self.publish(slots[0])
        return slots[0]

    def publish(self, head: int) -> None:
        """Put a head into the available ring."""
        self.memory.put16(self.available + 4 + 2 * (self.position % self.size), head)
        self.position += 1
        self.memory.put16(self.available + 2, self.position)

    def used(self) -> list[tuple[int, int]]:
        """(head, bytes written) of what has been done since the last call."""
        index = self.memory.u16(self.device + 2)
        done = []
        while self.seen & 0xFFFF != index:
            at = self.device + 4 + 8 * (self.seen % self.size)
            head, length = struct.unpack("<II", self.memory.read(at, 8))
            self._free += self.chains.pop(head, [])
            done.append((head, length))
            self.seen += 1
        return done

    @property
    def notify(self) -> bool:
        """Whether the device wants to be notified."""
        if self.events:
            event = self.memory.u16(self.device + 4 + 8 * self.size)
            return event == self.position - 1 & 0xFFFF
        return self.memory.u16(self.device) & 1 == 0

    def interrupts(self, on: bool) -> None:
        """Whether the device is to interrupt (without event indices)."""
        self.memory.put16(self.available, 0 if on else 1)

    def interrupt_at(self, index: int) -> None:
        """The device is to interrupt when it has used so many (with event indices)."""
        self.memory.put16(self.available + 4 + 2 * self.size, index)


@dataclass
class PackedQueue:
    """The driver of a packed ring."""

    memory: Memory
    size: int = 16
    events: bool = False
    place: int = 0
    wrap: int = 1
    back: int = 0
    back_wrap: int = 1
    lengths: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.descriptors = self.memory.allocate(16 * self.size, 16)
        self.available = self.memory.allocate(4, 4)
        self.device = self.memory.allocate(4, 4)
        self._next_id = 0

    def describe(self, at: int, buffer: Buffer, flags: int, id: int, *, table: int = 0) -> None:
        flags |= WRITE if buffer.writable else 0
        self.memory.write(
            (table or self.descriptors) + 16 * at,
            struct.pack("<QIHH", buffer.guest & (1 << 64) - 1, buffer.length, id, flags),
        )

    def offer(self, *buffers: Buffer, indirect: bool = False) -> int:
        """One chain; its id."""
        self._next_id = id = (self._next_id + 1) % 0x8000
        if indirect:
            table = self.memory.allocate(16 * len(buffers), 16)
            for i, buffer in enumerate(buffers):
                self.describe(i, buffer, 0, 0, table=table)
            buffers = (Buffer(table, 16 * len(buffers)),)
        self.lengths[id] = len(buffers)
        rows = []
        for i, buffer in enumerate(buffers):
            flags = (AVAIL if self.wrap else USED) | (NEXT if i < len(buffers) - 1 else 0)
            rows.append((self.place, buffer, flags | (INDIRECT if indirect else 0), id))
            self.place += 1
            if self.place == self.size:
                self.place, self.wrap = 0, self.wrap ^ 1
        for row in reversed(rows):  # the head last
            self.describe(*row)
        return id

    def used(self) -> list[tuple[int, int]]:
        done = []
        while True:
            _, length, id, flags = struct.unpack("<QIHH", self.memory.read(self.descriptors + 16 * self.back, 16))
            if bool(flags & AVAIL) != bool(self.back_wrap) or bool(flags & USED) != bool(self.back_wrap):
                return done
            done.append((id, length))
            self.back += self.lengths.pop(id)
            if self.back >= self.size:
                self.back, self.back_wrap = self.back - self.size, self.back_wrap ^ 1

    @property
    def notify(self) -> bool:
        return self.memory.u16(self.device + 2) != 1

    def interrupts(self, on: bool) -> None:
        self.memory.put16(self.available + 2, 0 if on else 1)
