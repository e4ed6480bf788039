"""Memory that a front end shares, mapped here; and what happens when it takes that memory away again.

Whoever holds the file may truncate it while we read: the processor then raises SIGBUS at an address that was checked.
No check can prevent that, so the signal is caught, in machine code, on whatever thread it comes: the whole mapping is
replaced by empty memory of our own, the access is repeated there, and the main thread hears of it and drops the
connection. Interpreted, each access looks at the file's size first and does the same.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from weft.core import arena, memory
from weft.core.memory import syscall
from weft.core.model import model
from weft.core.node import ROUTINES, routine
from weft.core.view import POINTER, View, i64, u32

if TYPE_CHECKING:
    from weft.core.engine import Engine

MAX_MAPPINGS = 4096

SYS_WRITE, SYS_MMAP, SYS_RT_SIGACTION = 1, 9, 13
PROT = mmap.PROT_READ | mmap.PROT_WRITE
MAP_FIXED, MAP_NORESERVE = 0x10, 0x4000
EMPTY = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE
SA_SIGINFO, SA_RESTART, SA_ONSTACK = 4, 0x10000000, 0x08000000
SIGBUS = int(signal.SIGBUS)
MASK_SIZE = 8

#: File systems whose files' pages come from this machine's memory or discs. One of another kind (FUSE, NFS, ...) could
#: let a worker wait for ever at a page. The numbers are those of ``linux/magic.h``.
LOCAL_FILES = {
    0x01021994: "tmpfs, memfd",
    0x958458F6: "hugetlbfs",
    0x858458F6: "ramfs",
    0xEF53: "ext4",
    0x58465342: "xfs",
    0x9123683E: "btrfs",
    0xF2F52010: "f2fs",
}


class MappingRow(View):
    """A mapping as the signal's handler sees it."""

    start: i64
    length: i64
    lost: i64  # it was truncated, and is empty memory now
    pad: i64


class KernelAction(View):
    """``struct sigaction`` as the kernel has it."""

    handler: i64
    flags: i64
    restorer: i64
    mask: i64


class Faults(View):
    """What the handler knows."""

    count: i64  # rows that may be in use
    event: i64  # eventfd that tells the main thread
    one: i64
    pad: i64
    previous: KernelAction  # who had the signal before


class SignalInfo(View):
    """``siginfo_t``, as far as a fault fills it."""

    number: u32
    error: u32
    code: u32
    pad: u32
    at: i64


faults = arena.root("vhost-user-faults", Faults)
mapping_rows = arena.table("vhost-user-mappings", MappingRow, MAX_MAPPINGS)
ONE = Faults.fields["one"].offset
PREVIOUS = Faults.fields["previous"].offset


@routine
def catch_fault(number: int, info: int, context: int) -> int:
    """The handler of SIGBUS. What is not about a mapping of ours goes to who had the signal before."""
    at = SignalInfo(info).at
    for i in range(faults.count):
        row = mapping_rows[i]
        if at >= row.start and at < row.start + row.length:
            lose_mapping(row)
            return 0
    syscall(SYS_RT_SIGACTION, SIGBUS, faults.address + PREVIOUS, 0, MASK_SIZE, 0, 0)
    return 0


@routine
def lose_mapping(row: MappingRow) -> int:
    """Put empty memory in the place of a mapping, and tell the main thread."""
    syscall(SYS_MMAP, row.start, row.length, PROT, EMPTY, -1, 0)
    row.lost = 1
    faults.one = 1
    return syscall(SYS_WRITE, faults.event, faults.address + ONE, 8, 0, 0, 0)


class _Action(ctypes.Structure):
    """``struct sigaction`` of the C library."""

    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_ubyte * 128),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
MADV_DONTDUMP = 16


class Mapping:
    """A file's bytes from ``offset`` on, shared. Raises OSError, ValueError with what is wrong with the file."""

    def __init__(self, mappings: Mappings, fd: int, offset: int, size: int, *, name: str) -> None:
        kind = _file_system(fd)
        if kind not in LOCAL_FILES:
            raise ValueError(f"a file system of type {kind:#x} cannot be trusted to bring pages in time")
        status = os.fstat(fd)
        self.page = max(mmap.PAGESIZE, status.st_blksize if kind == 0x958458F6 else 0)
        if size <= 0 or offset < 0 or offset + size > status.st_size:
            raise ValueError(f"{size:#x} bytes at {offset:#x} are not in the file, which has {status.st_size:#x}")
        self._mappings = mappings
        self.number = fd  #: as it was; it need not be open any more
        if not mappings.room:
            raise ValueError(f"{MAX_MAPPINGS} files are mapped already")
        start = offset // self.page * self.page
        self._size = -(-(offset + size - start) // self.page) * self.page
        self._base = _map(fd, start, self._size)
        self.address = self._base + offset - start
        self.row = mappings.enter(self._base, self._size)
        region = memory.add_region(name, self._base, self._size)
        if mappings.interpreted:
            end = self._base + status.st_size - start
            self._fd = os.dup(fd)
            region.guard = self._guard(end)
        else:
            self._fd = -1

    @property
    def lost(self) -> bool:
        return bool(self.row.lost)

    def _guard(self, end: int) -> Callable[[int, int, bool], None]:
        """What an interpreted access does first."""

        def check(address: int, size: int, write: bool) -> None:
            if not self.row.lost and os.fstat(self._fd).st_size < end - self._base:
                lose_mapping(self.row)

        return check

    def close(self) -> None:
        """No worker reads it any more."""
        memory.remove_region(self._base)
        self._mappings.leave(self.row)
        _libc.munmap(self._base, self._size)
        if self._fd >= 0:
            os.close(self._fd)


def _file_system(fd: int) -> int:
    """``f_type`` of ``fstatfs``."""
    buffer = (ctypes.c_long * 64)()
    if _libc.fstatfs(fd, buffer):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return buffer[0]


def _map(fd: int, start: int, size: int) -> int:
    base = _libc.mmap(None, size, PROT, mmap.MAP_SHARED | MAP_NORESERVE, fd, start)
    if base is None or base == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    _libc.madvise(base, size, MADV_DONTDUMP)  # a guest's memory is nobody else's to read
    return int(base)


@model
class Mappings:
    """All mappings, and the signal's handler while there are any. ``lost`` is called when one was truncated."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.interpreted = engine.interpret
        self.lost: Callable[[], None] = lambda: None
        self._free = list(range(MAX_MAPPINGS - 1, -1, -1))
        self._before: _Action | None = None
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        faults.event = self._event
        engine.files.watch(self._event, self._happened)

    @property
    def room(self) -> bool:
        """Whether there may be one more."""
        return bool(self._free)

    def enter(self, address: int, size: int) -> MappingRow:
        """Note a mapping for the handler."""
        if self._before is None and not self.interpreted:
            self._install()
        number = self._free.pop()
        row: MappingRow = mapping_rows[number]
        row.start, row.length, row.lost = address, size, 0
        faults.count = max(faults.count, number + 1)
        return row

    def leave(self, row: MappingRow) -> None:
        row.length = 0
        self._free.append((row.address - mapping_rows.address) // MappingRow.size)

    def _happened(self) -> None:
        os.eventfd_read(self._event)
        self.lost()

    def _install(self) -> None:
        libc = ctypes.CDLL(None)
        libc.syscall(SYS_RT_SIGACTION, SIGBUS, None, ctypes.c_void_p(faults.address + PREVIOUS), MASK_SIZE)
        slot = next(each.slot for each in ROUTINES.values() if each.function is catch_fault)
        action = _Action(handler=POINTER.load(slot), flags=SA_SIGINFO | SA_RESTART | SA_ONSTACK)
        self._before = _Action()
        if libc.sigaction(SIGBUS, ctypes.byref(action), ctypes.byref(self._before)):
            raise OSError("cannot catch SIGBUS")

    def close(self) -> None:
        self._engine.files.forget(self._event)
        os.close(self._event)
        if self._before is not None:
            ctypes.CDLL(None).sigaction(SIGBUS, ctypes.byref(self._before), None)
            self._before = None
