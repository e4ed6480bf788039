"""Counters: a vector of them for each thread, in the arena's own zone for what others may read.

    rx = combined("/if/rx", 65536)         # packets and bytes
    rx.add(rt.worker, sw_if_index, 1, pkt.total_length)

Only its own thread writes to a vector, so adding needs no lock; a reader sums over the threads. The vectors are those
of VPP's statistics segment: their length stands in front of them, so readers outside see the counters themselves.
Whoever gives out an index calls ``validate`` before anything is counted under it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from weft.core import arena, memory
from weft.core.node import ERRORS, inline
from weft.core.runtime import MAX_ERRORS, MAX_THREADS, Worker, threads_in_use, workers
from weft.core.view import Array, Fixed, View, i64, times

PAGE = 4096
#: In front of each vector of VPP's stands a header of eight bytes, which begins with how many elements there are.
HEADER = struct.Struct("<II")


def write_length(vector: int, length: int) -> None:
    """Say how many elements the vector at an address has; it has room for them."""
    memory.write(vector - HEADER.size, HEADER.pack(length, 0))


class Pair(View, apart=True):
    """One combined counter."""

    packets: i64
    bytes: i64


@inline
def count(vector: int, index: int, packets: int, octets: int) -> None:
    """Add to one of a thread's own counters."""
    pair = Pair(vector + (index << 4))
    pair.packets = pair.packets + packets
    pair.bytes = pair.bytes + octets


class Combined(View):
    """Counters of packets and bytes, by index."""

    vectors: Fixed[Array[i64]] = times(MAX_THREADS)

    def add(self, worker: Worker, index: int, packets: int, octets: int) -> None:
        count(self.of(worker), index, packets, octets)

    def of(self, worker: Worker) -> int:
        """A thread's own counters, for ``count``: what is asked for at the start of a node costs no packet anything."""
        return self.vectors[worker.index]

    def read(self, index: int) -> tuple[int, int]:
        """Packets and bytes, all threads together."""
        pairs = [Pair(self.vectors[thread] + (index << 4)) for thread in threads_in_use()]
        return sum(pair.packets for pair in pairs), sum(pair.bytes for pair in pairs)

    def clear(self, index: int) -> None:
        for thread in threads_in_use():
            pair = Pair(self.vectors[thread] + (index << 4))
            pair.packets = pair.bytes = 0

    def validate(self, index: int) -> None:
        """Let readers outside see the counters up to this one."""
        _BY_ADDRESS[self.address].validate(index)


class Simple(View):
    """Counters of one number, by index."""

    vectors: Fixed[Array[i64]] = times(MAX_THREADS)

    def add(self, worker: Worker, index: int, count: int) -> None:
        cell = Cell(self.vectors[worker.index] + (index << 3))
        cell.count = cell.count + count

    def read(self, index: int) -> int:
        """All threads together."""
        return sum(Cell(self.vectors[thread] + (index << 3)).count for thread in threads_in_use())

    def clear(self, index: int) -> None:
        for thread in threads_in_use():
            Cell(self.vectors[thread] + (index << 3)).count = 0

    def validate(self, index: int) -> None:
        """Let readers outside see the counters up to this one."""
        _BY_ADDRESS[self.address].validate(index)

    def put(self, index: int, value: int, thread: int = 0) -> None:
        """Set a thread's counter, where the main thread keeps it."""
        Cell(self.vectors[thread] + (index << 3)).count = value


class Cell(View, apart=True):
    """One simple counter."""

    count: i64


@dataclass
class Declared:
    """A counter as declared: ``name`` is its path in the statistics segment. One that is not counted by each thread
    has one vector only.
    """

    name: str
    table: Combined | Simple
    capacity: int
    row: int
    by_thread: bool
    address: int = 0
    stride: int = 0
    length: int = 0

    @property
    def is_combined(self) -> bool:
        return isinstance(self.table, Combined)

    def vectors(self) -> list[int]:
        """Where the vectors are, a thread's after the other's."""
        threads = len(threads_in_use()) if self.by_thread else 1
        # The cache line in front of each is for its header.
        return [self.address + thread * self.stride + arena.LINE for thread in range(threads)]

    def validate(self, index: int) -> None:
        if index < self.length:
            return
        if index >= self.capacity:
            raise ValueError(f"counter {self.name} has room for {self.capacity}, not for number {index}")
        self.length = index + 1
        for vector in self.vectors():
            write_length(vector, self.length)


DECLARED: dict[str, Declared] = {}
_BY_ADDRESS: dict[int, Declared] = {}


def _declare(name: str, cls: type[Combined] | type[Simple], capacity: int, row: int, by_thread: bool) -> None:
    # What names the vectors is itself a vector that readers follow, so it too has a line for its header in front.
    directory = cls(arena.reserve(name, arena.LINE + cls.size, arena.COUNTERS_BASE) + arena.LINE)
    DECLARED[name] = _BY_ADDRESS[directory.address] = Declared(name, directory, capacity, row, by_thread)


def combined(name: str, capacity: int) -> Combined:
    """A vector of counters of packets and bytes."""
    _declare(name, Combined, capacity, Pair.size, True)
    table = DECLARED[name].table
    assert isinstance(table, Combined)
    return table


def simple(name: str, capacity: int, *, by_thread: bool = True) -> Simple:
    """A vector of counters of one number."""
    _declare(name, Simple, capacity, Cell.size, by_thread)
    table = DECLARED[name].table
    assert isinstance(table, Simple)
    return table


def lay_out(threads: int) -> int:
    """Find room for the vectors of so many threads; the size of the arena's zone of counters."""
    at = -(-arena.end(arena.COUNTERS_BASE) // PAGE) * PAGE
    for declared in DECLARED.values():
        declared.stride = -(-(declared.capacity * declared.row + arena.LINE) // PAGE) * PAGE
        declared.address = at
        size = declared.stride * (threads if declared.by_thread else 1)
        arena.layout[f"{declared.name} vectors"] = (at, size)
        at += size
    return at - arena.COUNTERS_BASE


#: What the nodes count: by the number of the error.
node_errors = simple("/node/errors", MAX_ERRORS)


def setup() -> None:
    """Lead each thread to its vectors. The arena is mapped and empty, the threads are set up."""
    for declared in DECLARED.values():
        declared.length = 0
        vectors = declared.vectors()
        write_length(declared.table.address, len(vectors))
        for thread, vector in enumerate(vectors):
            declared.table.vectors[thread] = vector
    for thread in threads_in_use():
        workers[thread].errors = node_errors.vectors[thread]
    node_errors.validate(len(ERRORS) - 1)


__all__ = ["DECLARED", "Combined", "Simple", "combined", "lay_out", "setup", "simple", "write_length"]
