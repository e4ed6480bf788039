"""The machine words that Python lacks, on raw addresses: each here in Python, and in ``lowering`` as machine code.

Interpreted, every access is checked: an address must lie in memory that the engine has declared with ``add_region``,
otherwise ``BadAccess`` is raised. That is what makes interpreted runs a sanitizer for packet code.
"""

from __future__ import annotations

import ctypes
import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from typing import Literal


class BadAccess(Exception):
    """Packet code touched memory that is not its own."""


#: Numbers of 1, 2, 4 and 8 bytes, signed and unsigned, as ``struct`` names them.
CODES: tuple[Literal["b", "B", "h", "H", "i", "I", "q", "Q"], ...] = ("b", "B", "h", "H", "i", "I", "q", "Q")


class Region:
    """A mapped stretch of memory that packet code may touch."""

    def __init__(self, name: str, address: int, size: int) -> None:
        self.name, self.address, self.end = name, address, address + size
        self.bytes = memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B")
        #: The same as numbers, by their code in ``struct``. Each is read and written in one access; ``struct`` itself
        #: goes byte by byte, and would let a worker see a number that nobody has written.
        self.numbers: dict[str, memoryview] = {code: self.bytes.cast(code) for code in CODES}
        #: Called with (address, size, write) before each access; raises BadAccess. None: the whole region is open.
        self.guard: Callable[[int, int, bool], None] | None = None
        #: Called with (address, size) before each write by Python. None: nobody wants to know.
        self.watcher: Callable[[int, int], None] | None = None


_regions: list[Region] = []
_starts: list[int] = []


def add_region(name: str, address: int, size: int) -> Region:
    """Declare mapped memory, so that interpreted code may touch it. Raises ValueError if it is not made of words of 8
    bytes, or declared already.
    """
    if (address | size) & 7:
        raise ValueError(f"region {name}: {size:#x} bytes at {address:#x} are not whole words of 8 bytes")
    at = bisect_right(_starts, address)
    if (at and _regions[at - 1].end > address) or (at < len(_starts) and _starts[at] < address + size):
        raise ValueError(f"region {name} at {address:#x} overlaps another")
    region = Region(name, address, size)
    _starts.insert(at, address)
    _regions.insert(at, region)
    return region


def remove_region(address: int) -> None:
    """Forget the region that starts at ``address``."""
    at = _starts.index(address)
    region = _regions.pop(at)
    for numbers in region.numbers.values():
        numbers.release()
    region.bytes.release()
    _starts.pop(at)


def region_at(address: int, size: int, write: bool = False) -> Region:
    """The region in which ``size`` bytes at ``address`` are."""
    at = bisect_right(_starts, address) - 1
    if at >= 0:
        region = _regions[at]
        if address + size <= region.end:
            if region.guard is not None:
                region.guard(address, size, write)
            if write and region.watcher is not None:
                region.watcher(address, size)
            return region
    raise BadAccess(f"{'write' if write else 'read'} of {size} bytes at {address:#x}: no such memory")


def locate(address: int, size: int, write: bool = False) -> tuple[memoryview, int]:
    """The memory and the offset in it of ``size`` bytes at ``address``."""
    region = region_at(address, size, write)
    return region.bytes, address - region.address


def load(address: int, size: int, code: str) -> int:
    """The number of ``size`` bytes (1, 2, 4, 8) at ``address``, in one access if it is aligned."""
    region = region_at(address, size)
    offset = address - region.address
    if offset & (size - 1):
        return int.from_bytes(region.bytes[offset : offset + size], "little", signed=code.islower())
    value: int = region.numbers[code][offset // size]
    return value


def store(address: int, size: int, code: str, value: int) -> None:
    """Set a number, in one access if it is aligned."""
    region = region_at(address, size, write=True)
    offset = address - region.address
    if offset & (size - 1):
        region.bytes[offset : offset + size] = value.to_bytes(size, "little", signed=code.islower())
    else:
        region.numbers[code][offset // size] = value


def read(address: int, size: int) -> bytes:
    """``size`` bytes at ``address``; for Python only."""
    where, offset = locate(address, size)
    return bytes(where[offset : offset + size])


def write(address: int, data: bytes) -> None:
    """Put ``data`` at ``address``; for Python only."""
    where, offset = locate(address, len(data), write=True)
    where[offset : offset + len(data)] = data


# --- words: packet code may call these; `lowering.WORDS` has the machine code of each -------------------------------

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.syscall.argtypes = [ctypes.c_long] * 7
_M64 = (1 << 64) - 1
_fence = threading.Lock()


def wrap(value: int) -> int:
    """``value`` as the machine holds it: 64 bits, signed."""
    value &= _M64
    return value - (1 << 64) if value >> 63 else value


def shift_right(value: int, count: int) -> int:
    """A logical shift of the 64-bit word (Python's ``>>`` keeps the sign)."""
    return wrap((value & _M64) >> count)


def prefetch(address: int) -> None:
    """Ask for the cache line at ``address``, to be read and written."""


def prefetch_shared(address: int) -> None:
    """Ask for the cache line at ``address``, to be read only: other cores keep it too."""


def opaque(value: int) -> int:
    """``value``, of which the compiler knows nothing: a base, or the address of a row of which several fields are read,
    that stays in a register instead of being reckoned again for each of them.
    """
    return value


def reckoned(value: int) -> int:
    """``value``, of which the compiler knows nothing, unless it comes out as a constant: an address that is reckoned
    once, instead of in each access that goes by it.
    """
    return value


def known8(address: int, value: int) -> None:
    """Say that a byte is ``value``, and stays so: what reads it may take it for that."""
    _check(load(address, 1, "B"), value)


def known16(address: int, value: int) -> None:
    """The same of two bytes."""
    _check(load(address, 2, "H"), value)


def known32(address: int, value: int) -> None:
    """The same of four bytes."""
    _check(load(address, 4, "I"), value)


def known64(address: int, value: int) -> None:
    """The same of eight bytes."""
    _check(load(address, 8, "q"), value)


def same(a: int, b: int) -> None:
    """Say that two numbers are the same."""
    _check(a, b)


def _check(found: int, said: int) -> None:
    if found != said:
        raise BadAccess(f"packet code was made for the value {said}; it is {found}")


def clock() -> int:
    """The time-stamp counter, in clocks. Interpreted: nanoseconds."""
    return time.perf_counter_ns()


def fence() -> None:
    """All memory accesses before are done before any after (sequentially consistent)."""
    with _fence:  # a lock is taken with an atomic exchange, which is a fence
        pass


def pause() -> None:
    """Tell the core that this is a spin loop."""
    time.sleep(0)


def atomic_add(address: int, value: int) -> int:
    """Add to the 64-bit word at ``address``; returns what was there before."""
    old = load(address, 8, "q")
    store(address, 8, "Q", (old + value) & _M64)
    return old


def atomic_swap(address: int, expected: int, value: int) -> int:
    """If the 64-bit word at ``address`` is ``expected``, make it ``value``. Returns 1 if it was, else 0."""
    if load(address, 8, "q") != expected:
        return 0
    store(address, 8, "Q", value & _M64)
    return 1


def atomic_load(address: int) -> int:
    """The 64-bit word at ``address``; nothing after it is read earlier (acquire)."""
    return load(address, 8, "q")


def atomic_store(address: int, value: int) -> None:
    """Set the 64-bit word at ``address``; everything before it is visible with it (release)."""
    store(address, 8, "Q", value & _M64)


def copy(destination: int, source: int, size: int) -> None:
    """Copy ``size`` bytes; the two must not overlap."""
    write(destination, read(source, size))


def move(destination: int, source: int, size: int) -> None:
    """Copy ``size`` bytes; the two may overlap."""
    write(destination, read(source, size))


def fill(address: int, byte: int, size: int) -> None:
    """Set ``size`` bytes to ``byte``."""
    write(address, bytes([byte & 255]) * size)


def mix(value: int) -> int:
    """A 64-bit word scattered over 32 bits, for hash tables (multiply-shift, Fibonacci's constant)."""
    value &= _M64
    value ^= value >> 32
    return (value * 0x9E3779B97F4A7C15 & _M64) >> 32


def equal4(address: int, value: int) -> int:
    """A bit for each of the four 64-bit words at ``address`` that is ``value``, the first the lowest."""
    where, offset = locate(address, 32)
    wanted = (value & _M64).to_bytes(8, "little")
    return sum((where[offset + 8 * i : offset + 8 * i + 8] == wanted) << i for i in range(4))


def lowest_bit(value: int) -> int:
    """The number of the lowest set bit; 64 if there is none."""
    value &= _M64
    return (value & -value).bit_length() - 1 if value else 64


def highest_bit(value: int) -> int:
    """The number of the highest set bit; -1 if there is none."""
    return (value & _M64).bit_length() - 1


def count_bits(value: int) -> int:
    """How many bits are set."""
    return (value & _M64).bit_count()


def swap16(value: int) -> int:
    """The two low bytes exchanged."""
    return (value & 0xFF) << 8 | (value >> 8) & 0xFF


def syscall(number: int, a: int, b: int, c: int, d: int, e: int, f: int) -> int:
    """The kernel's call ``number``; its result, or the negative errno."""
    result: int = _libc.syscall(number, a, b, c, d, e, f)
    return -ctypes.get_errno() if result == -1 else result


#: Interpreted: the functions behind the addresses that ``call`` is given.
functions: dict[int, Callable[[int, int, int], int]] = {}


def call(function: int, a: int, b: int, c: int) -> int:
    """Call the function at an address with three numbers."""
    return functions[function](a, b, c) or 0
