"""Longest-prefix match as a table has it, whatever its structure: changes are gathered, and made by packet code many at
a time, so that a hundred thousand take a moment.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from weft.core import memory
from weft.core.counters import Pair
from weft.core.memory import fence
from weft.core.node import routine
from weft.core.runtime import threads_in_use
from weft.core.view import Rows, View, i64, u8, u16, u32
from weft.features.fib.load_balance import balance_of, length_of, to_counters, via_counters
from weft.features.fib.path_list import PathList
from weft.features.ip.ply import ROOT_BITS, recycle

if TYPE_CHECKING:
    from weft.core.engine import Engine

# Change.what
INSERT, REMOVE, ASSIGN, START = 1, 2, 3, 4

CHUNK = 8192  #: changes at a time
LOW = (1 << 64) - 1


class Change(View):
    """One change: a prefix comes or goes, or its route leads elsewhere."""

    what: u8
    length: u8
    pad: u16
    route: u32
    other: u32  # INSERT, ASSIGN, START: the load-balance; REMOVE: the route of the prefix around
    pad2: u32
    low: i64  # of the address, as a number
    high: i64


WORDS = Change.size // 8


@routine
def publish(change: Change, threads: int) -> int:
    """Let a route lead where the change says; one that is new starts at zero. Whether it is to be entered."""
    route = change.route
    balance_of[route] = change.other
    if change.what == ASSIGN:
        return 0
    length_of[route] = change.length
    for thread in range(threads):
        to = Pair(to_counters.vectors[thread] + (route << 4))
        to.packets = to.bytes = 0
        via = Pair(via_counters.vectors[thread] + (route << 4))
        via.packets = via.bytes = 0
    fence()
    return int(change.what == INSERT)


class Code(NamedTuple):
    """A structure's packet code."""

    #: Makes ``changes`` from the second number to the third; how many are made then.
    apply: Callable[[int, int, int, int], int]
    #: Takes all out of a table.
    empty: Callable[[int], int]
    changes: Rows[Change]


class Lpm(ABC):
    """The main thread's hold on one table's structure. Changes wait until ``commit``."""

    code: ClassVar[Code]

    def __init__(self, engine: Engine, fib_index: int, *, root_bits: int = ROOT_BITS) -> None:
        self._engine, self.fib_index, self.root_bits = engine, fib_index, root_bits
        self._words = array("Q")

    @property
    @abstractmethod
    def root(self) -> int:
        """Where the first step's leaves are: the address of numbers of four bytes."""

    def start(self, bits: int, routes: list[tuple[int, int, int, PathList]]) -> None:
        """Enter the prefixes that an empty table begins with (address of so many bits, length, route, paths), the
        shortest first. The first step is filled as a whole.
        """
        leaves = array("i", [0]) * (1 << self.root_bits)
        for address, length, route, paths in routes:
            if length > self.root_bits:
                self.insert(address, length, route, paths)
                continue
            count = 1 << (self.root_bits - length)
            first = address >> (bits - self.root_bits)
            leaves[first : first + count] = array("i", [route]) * count
            self._add(START, address, length, route, paths.index)
        memory.write(self.root, leaves.tobytes())
        self.commit()

    def _add(self, what: int, address: int, length: int, route: int, other: int) -> None:
        self._words.extend((what | length << 8 | route << 32, other, address & LOW, address >> 64))

    def insert(self, address: int, length: int, route: int, paths: PathList) -> None:
        """A prefix comes."""
        self._add(INSERT, address, length, route, paths.index)

    def assign(self, address: int, length: int, route: int, paths: PathList) -> None:
        """A prefix's packets go another way."""
        self._add(ASSIGN, address, length, route, paths.index)

    def remove(self, address: int, length: int, route: int, cover: int) -> None:
        """A prefix goes; ``cover`` is the route of the one around it."""
        self._add(REMOVE, address, length, route, cover)

    @property
    def full(self) -> bool:
        """Whether it is time for ``commit``."""
        return len(self._words) >= WORDS * CHUNK

    def _call(self, function: Callable[..., Any], *arguments: int) -> int:
        return self._engine.call(function, *arguments)

    def commit(self) -> None:
        """Make the changes."""
        threads = len(threads_in_use())
        for start in range(0, len(self._words), WORDS * CHUNK):
            part = self._words[start : start + WORDS * CHUNK]
            count = len(part) // WORDS
            memory.write(self.code.changes.address, part.tobytes())
            done = self._call(self.code.apply, self.fib_index, 0, count, threads)
            while done < count:
                self._engine.workers.quiesce()
                self._call(recycle)
                done = self._call(self.code.apply, self.fib_index, done, count, threads)
        del self._words[:]

    def settle(self) -> None:
        """The workers have let go of what was replaced."""
        self._call(recycle)

    def close(self) -> None:
        """The table goes; nobody looks in it any more."""
        self._call(self.code.empty, self.fib_index)
        self._engine.arena.static.clear(self.root, 4 << self.root_bits)
