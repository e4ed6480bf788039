"""A capture: an area in the arena into which packet code of any thread copies packets, for Python to take out."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

from weft.core import memory
from weft.core.buffer import NEXT_PRESENT, Buffer, buffer_at
from weft.core.memory import atomic_add, atomic_load, atomic_swap, clock, copy
from weft.core.node import routine
from weft.core.view import View, i64, u32
from weft.core.worker import read_clock
from weft.features.pcap.file import Packet

if TYPE_CHECKING:
    from weft.core.engine import Engine


class Capture(View):
    """Where captured packets go: records, one behind the other."""

    on: i64
    at: i64  # the address of the area
    used: i64
    room: i64
    snap: i64  # bytes of a packet that are kept at the most
    seen: i64  # packets that were to be kept so far ...
    most: i64  # ... of which only so many are
    missed: i64  # the area was full


class Record(View):
    """One captured packet; its bytes follow, padded to eight."""

    kept: u32
    length: u32
    clock: i64


SEEN = Capture.fields["seen"].offset
USED = Capture.fields["used"].offset
MISSED = Capture.fields["missed"].offset
RECORD_SIZE = Record.size
_RECORD = struct.Struct("<IIq")


@routine
def keep(capture: Capture, pkt: Buffer, start: int) -> int:
    """Copy a packet into a capture, from ``start`` on (counted from its first byte, may be negative), if there is
    room and more are wanted.
    """
    if atomic_add(capture.address + SEEN, 1) >= capture.most:
        return 0
    length = pkt.total_length - start
    kept = min(length, capture.snap)
    size = RECORD_SIZE + ((kept + 7) & ~7)
    while True:
        offset = atomic_load(capture.address + USED)
        if offset + size > capture.room:
            atomic_add(capture.address + MISSED, 1)
            return 0
        if atomic_swap(capture.address + USED, offset, offset + size):
            break
    record = Record(capture.at + offset)
    record.kept = kept
    record.length = length
    record.clock = clock()
    to = record.address + RECORD_SIZE
    source = pkt.data + start
    here = pkt.current_length - start
    while True:
        take = min(here, kept)
        copy(to, source, take)
        to += take
        kept -= take
        if kept == 0 or pkt.flags & NEXT_PRESENT == 0:
            return 1
        pkt = buffer_at(pkt.next_buffer)
        source = pkt.data
        here = pkt.current_length


class Area:
    """The control side of one capture."""

    def __init__(self, engine: Engine, row: Capture) -> None:
        self._engine, self.row = engine, row

    @property
    def on(self) -> bool:
        return bool(self.row.on)

    @property
    def missed(self) -> int:
        """Packets for which the area had no room."""
        return self.row.missed

    def start(self, room: int, *, snap: int = 65536, most: int = 1 << 62) -> None:
        """Capture from now on, into ``room`` bytes: at most ``most`` packets, of each at most ``snap`` bytes."""
        row = self.row
        address = self._engine.arena.allocate(room)
        memory.fill(row.address, 0, Capture.size)
        row.at, row.room, row.snap, row.most = address, room, snap, most
        memory.fence()
        row.on = 1

    def take(self) -> list[Packet]:
        """Take out what has been captured since the last time."""
        row = self.row
        if not row.at or not row.used:
            return []
        with self._engine.workers.barrier():
            data = memory.read(row.at, row.used)
            row.used = 0
        engine = self._engine
        now, reading = time.time_ns(), engine.call(read_clock)
        packets, at = [], 0
        while at < len(data):
            kept, length, clock = _RECORD.unpack_from(data, at)
            at += RECORD_SIZE
            ago = int((reading - clock) * 1e9 / engine.clocks_per_second)
            packets.append(Packet(data[at : at + kept], length, now - ago))
            at += kept + 7 & ~7
        return packets

    def stop(self) -> None:
        """End the capture; what has not been taken is gone."""
        row = self.row
        row.on = 0
        if row.at:
            self._engine.workers.quiesce()
            address, row.at = row.at, 0
            self._engine.arena.release(address)
