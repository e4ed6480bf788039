"""Counters: a vector of them for each thread, in the arena's own zone for what others may read.

    rx = combined("/if/rx", 65536)         # packets and bytes
    rx.add(rt.worker, sw_if_index, 1, pkt.total_length)

Only its own thread writes to a vector, so adding needs no lock; a reader sums over the threads.
"""

from __future__ import annotations

from dataclasses import dataclass

from weft.core import arena
from weft.core.runtime import MAX_THREADS, Worker, threads_in_use
from weft.core.view import Array, View, i64, times


class Pair(View):
    """One combined counter."""

    packets: i64
    bytes: i64


class Combined(View):
    """Counters of packets and bytes, by index."""

    vectors: Array[i64] = times(MAX_THREADS)

    def add(self, worker: Worker, index: int, packets: int, octets: int) -> None:
        pair = Pair(self.vectors[worker.index] + (index << 4))
        pair.packets = pair.packets + packets
        pair.bytes = pair.bytes + octets

    def read(self, index: int) -> tuple[int, int]:
        """Packets and bytes, all threads together."""
        pairs = [Pair(self.vectors[thread] + (index << 4)) for thread in threads_in_use()]
        return sum(pair.packets for pair in pairs), sum(pair.bytes for pair in pairs)

    def clear(self, index: int) -> None:
        for thread in threads_in_use():
            pair = Pair(self.vectors[thread] + (index << 4))
            pair.packets = pair.bytes = 0


class Simple(View):
    """Counters of one number, by index."""

    vectors: Array[i64] = times(MAX_THREADS)

    def add(self, worker: Worker, index: int, count: int) -> None:
        cell = Cell(self.vectors[worker.index] + (index << 3))
        cell.count = cell.count + count

    def read(self, index: int) -> int:
        """All threads together."""
        return sum(Cell(self.vectors[thread] + (index << 3)).count for thread in threads_in_use())

    def clear(self, index: int) -> None:
        for thread in threads_in_use():
            Cell(self.vectors[thread] + (index << 3)).count = 0


class Cell(View):
    """One simple counter."""

    count: i64


@dataclass(frozen=True)
class Declared:
    """A counter vector as declared: ``name`` is its path in the statistics segment."""

    name: str
    table: Combined | Simple
    capacity: int
    stride: int
    address: int


DECLARED: dict[str, Declared] = {}


def _declare(name: str, cls: type[Combined] | type[Simple], capacity: int, row: int) -> Combined | Simple:
    directory = arena.root(name, cls)
    stride = -(-(capacity * row + arena.LINE) // 4096) * 4096
    address = arena.reserve(f"{name} vectors", stride * MAX_THREADS, arena.COUNTERS_BASE)
    DECLARED[name] = Declared(name, directory, capacity, stride, address)
    return directory


def combined(name: str, capacity: int) -> Combined:
    """A vector of counters of packets and bytes."""
    declared = _declare(name, Combined, capacity, Pair.size)
    assert isinstance(declared, Combined)
    return declared


def simple(name: str, capacity: int) -> Simple:
    """A vector of counters of one number."""
    declared = _declare(name, Simple, capacity, Cell.size)
    assert isinstance(declared, Simple)
    return declared


def _point() -> None:
    for counter in DECLARED.values():
        for thread in range(MAX_THREADS):
            # A cache line in front of each vector is left for the header that the statistics segment gives it.
            counter.table.vectors[thread] = counter.address + thread * counter.stride + arena.LINE


arena.on_map.append(_point)

__all__ = ["DECLARED", "Combined", "Simple", "combined", "simple"]
