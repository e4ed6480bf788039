"""The arena: one shared-memory region at a fixed address that holds all forwarding state.

It has four zones. *Static* tables and roots are declared when a module is imported, with ``root`` and ``table``; their
addresses are constants in machine code. They are as large as they may ever become: memory that nobody has touched
costs nothing. *Counters* have a zone of their own that readers may map, as large as the threads need. The *heap* holds
what comes and goes (``allocate``, ``release``), managed by the main thread. The *buffers* hold packets.

Importing modules lays addresses out; ``Arena()`` maps memory there. One process has one arena at a time.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from weft.core import memory
from weft.core.view import Rows, RowsAt, View

BASE = 0x1000_0000_0000
STATIC_SIZE = 1 << 36
HEAP_BASE = BASE + STATIC_SIZE
HEAP_SIZE = 1 << 36
BUFFERS_BASE = HEAP_BASE + HEAP_SIZE
BUFFERS_SIZE = 1 << 34
COUNTERS_BASE = BUFFERS_BASE + BUFFERS_SIZE
COUNTERS_SIZE = 1 << 36

LINE = 64
HUGE_PAGE = 2 << 20

V = TypeVar("V", bound=View)
R = TypeVar("R")

#: What is to be done when the arena has been mapped and is empty: tables that start with something in them.
on_map: list[Callable[[], None]] = []

#: Name -> (address, size) of every static table and root.
layout: dict[str, tuple[int, int]] = {}
_next = {BASE: BASE + 4096, COUNTERS_BASE: COUNTERS_BASE + 4096}
_ends = {BASE: BASE + STATIC_SIZE, COUNTERS_BASE: COUNTERS_BASE + COUNTERS_SIZE}


def reserve(name: str, size: int, zone: int = BASE) -> int:
    """A constant address for ``size`` bytes, on a cache line of their own."""
    if name in layout:
        raise ValueError(f"the arena already has a table named {name}")
    address = _next[zone]
    following = address + -(-size // LINE) * LINE
    if following > _ends[zone]:
        raise MemoryError(f"table {name} of {size} bytes does not fit into its zone of the arena")
    _next[zone] = following
    layout[name] = (address, size)
    return address


def end(zone: int) -> int:
    """Where the last that was reserved in a zone ends."""
    return _next[zone]


def root(name: str, cls: type[V]) -> V:
    """A record that exists once: the root of a feature's state."""
    return cls(reserve(name, cls.size))


def table(name: str, row: type[R], count: int, *, settled: bool = False) -> Rows[R]:
    """Rows (of a view or of a scalar) at a constant address, ``count`` at the most. Numbers may be ``settled``: only
    the control side writes to them, as to views that say so of themselves.
    """
    kind: Any = row
    rows = RowsAt(kind, reserve(name, kind.size * count), settled or kind.settled)
    if rows.settled:
        settle(rows, count)
    return cast("Rows[R]", rows)


#: Rows that only the control side writes to, and how many they are.
SETTLED: list[tuple[Any, int]] = []


def settle(rows: Any, count: int) -> None:
    """Say of rows that only the control side writes to them."""
    SETTLED.append((rows, count))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
_MAP_FIXED_NOREPLACE = 0x100000
_MAP_NORESERVE = 0x4000
_MADV_HUGEPAGE = 14
_MADV_DONTDUMP = 16
_FALLOC_PUNCH_HOLE_KEEP_SIZE = 3


def free_huge_pages() -> int:
    """How many huge pages the machine has set aside (``vm.nr_hugepages``) and nobody uses."""
    try:
        return int(Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages").read_text())
    except (OSError, ValueError):
        return 0


class Zone:
    """One memfd mapped at a fixed address, of huge pages if that is wanted and the machine has enough of them."""

    def __init__(self, name: str, address: int, size: int, *, huge_pages: bool = False) -> None:
        self.name, self.address, self.size = name, address, size
        self.huge = huge_pages and size <= free_huge_pages() * HUGE_PAGE
        problem = self._map()
        if problem and self.huge:
            self.huge = False
            problem = self._map()
        if problem:
            raise MemoryError(
                f"cannot map the {name} zone ({size >> 20} MiB at {address:#x}): {problem}; "
                "a process can hold one engine at a time: close the other first"
            )
        if huge_pages and not self.huge:
            _libc.madvise(address, size, _MADV_HUGEPAGE)
        # A core dump would fill every hole of it with pages.
        _libc.madvise(address, size, _MADV_DONTDUMP)
        self.region = memory.add_region(name, address, size)

    def _map(self) -> str:
        """Make and map the memfd; what went wrong, if anything."""
        self.fd = os.memfd_create(f"weft-{self.name}", os.MFD_CLOEXEC | (os.MFD_HUGETLB if self.huge else 0))
        os.ftruncate(self.fd, self.size)
        # Huge pages are set aside at once, others when they are touched.
        flags = mmap.MAP_SHARED | _MAP_FIXED_NOREPLACE | (0 if self.huge else _MAP_NORESERVE)
        got = _libc.mmap(self.address, self.size, mmap.PROT_READ | mmap.PROT_WRITE, flags, self.fd, 0)
        if got == self.address:
            return ""
        why = os.strerror(ctypes.get_errno())
        os.close(self.fd)
        return why

    def clear(self, address: int, size: int) -> None:
        """Give the whole pages in this stretch back to the kernel; zero the rest."""
        start, end = -(-address // 4096) * 4096, (address + size) // 4096 * 4096
        if end - start < 65536:
            ctypes.memset(address, 0, size)
            return
        ctypes.memset(address, 0, start - address)
        ctypes.memset(end, 0, address + size - end)
        _libc.fallocate(self.fd, _FALLOC_PUNCH_HOLE_KEEP_SIZE, start - self.address, end - start)

    def open_for_readers(self) -> int:
        """Another descriptor of the memory, for other processes: they can neither write to it nor change its size."""
        os.fchmod(self.fd, 0o444)
        return os.open(f"/proc/self/fd/{self.fd}", os.O_RDONLY | os.O_CLOEXEC)

    def resident(self) -> int:
        """Bytes that really occupy memory."""
        return os.fstat(self.fd).st_blocks * 512

    def close(self) -> None:
        memory.remove_region(self.address)
        _libc.munmap(self.address, self.size)
        os.close(self.fd)


class Arena:
    """The mapped memory of an engine, and the heap's allocator (main thread only)."""

    def __init__(self, buffers_size: int, counters_size: int = COUNTERS_SIZE) -> None:
        self.zones: list[Zone] = []
        try:
            self.static = self._map("static", BASE, STATIC_SIZE)
            self.counters = self._map("counters", COUNTERS_BASE, counters_size)
            self.heap = self._map("heap", HEAP_BASE, HEAP_SIZE)
            size = -(-buffers_size // HUGE_PAGE) * HUGE_PAGE
            self.buffers = self._map("buffers", BUFFERS_BASE, size, huge_pages=True)
        except MemoryError:
            self.close()
            raise
        self._top = HEAP_BASE
        self._free: dict[int, list[int]] = {}
        self._sizes: dict[int, int] = {}
        for initialise in on_map:
            initialise()

    def _map(self, name: str, address: int, size: int, *, huge_pages: bool = False) -> Zone:
        zone = Zone(name, address, size, huge_pages=huge_pages)
        self.zones.append(zone)
        return zone

    def allocate(self, size: int) -> int:
        """The address of ``size`` zeroed bytes, aligned to a cache line (large ones to a huge page)."""
        size = max(LINE, 1 << (size - 1).bit_length())
        free = self._free.get(size)
        if free:
            address = free.pop()
        else:
            align = min(size, HUGE_PAGE)
            address = -(-self._top // align) * align
            if address + size > HEAP_BASE + HEAP_SIZE:
                raise MemoryError(f"the arena's heap has no {size} bytes left")
            self._top = address + size
            if size >= HUGE_PAGE:
                _libc.madvise(address, size, _MADV_HUGEPAGE)
        self._sizes[address] = size
        return address

    def release(self, address: int) -> None:
        """Give back what ``allocate`` gave. No worker may still read it: see ``Workers.quiesce``."""
        size = self._sizes.pop(address)
        self.heap.clear(address, size)
        self._free.setdefault(size, []).append(address)

    def heap_used(self) -> int:
        return sum(self._sizes.values())

    def heap_usage(self) -> tuple[int, int, int]:
        """Of the heap: bytes in use, bytes that were ever claimed, and how many blocks wait to be used again."""
        return self.heap_used(), self._top - HEAP_BASE, sum(len(blocks) for blocks in self._free.values())

    def close(self) -> None:
        for zone in self.zones:
            zone.close()
        self.zones.clear()
