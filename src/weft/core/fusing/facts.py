"""What packet code may take for constant: the configuration of the interfaces that it is compiled for.

Rows of settled views stand for interfaces, by ``sw_if_index``; settled numbers are short tables, of which all is meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from weft.core import memory
from weft.core.arena import SETTLED
from weft.core.view import RefKind, RowsKind, Scalar, View

MOST_NUMBERS = 64  #: of a settled table
_CODES = {8: "B", 16: "H", 32: "I", 64: "q"}


class Fact(NamedTuple):
    """What stands somewhere."""

    address: int
    bits: int
    value: int

    @property
    def holds(self) -> bool:
        return self.value == _read(self.address, self.bits)


def _read(address: int, bits: int) -> int:
    return memory.load(address, bits // 8, _CODES[bits])


def facts_of(named: list[tuple[int, int]], interfaces: Iterable[int]) -> tuple[Fact, ...]:
    """Of all settled rows that packet code names (``Digests.places``), those of these interfaces, as they are now."""
    found: dict[int, Fact] = {}
    keys = sorted(set(interfaces))
    for rows, count in SETTLED:
        if not any(address <= rows.address < end for address, end in named):
            continue
        for fact in _rows(rows, count, keys):
            found[fact.address] = fact
    return tuple(found.values())


def _rows(rows: Any, count: int, keys: list[int]) -> Iterator[Fact]:
    if isinstance(rows.row, Scalar):
        if count <= MOST_NUMBERS:
            for number in range(count):
                yield _fact(rows.address + number * rows.row.size, rows.row.bits)
        return
    for key in keys:
        if key < count:
            yield from _fields(rows[key])


def _fields(view: View) -> Iterator[Fact]:
    for field in view.fields.values():
        address = view.address + field.offset
        match field.kind:
            case Scalar():
                # Compiled code reads 48 bits as 64.
                yield _fact(address, 64 if field.kind.bits == 48 else field.kind.bits)
            case RowsKind() | RefKind():
                yield _fact(address, 64)
            case type():
                yield from _fields(field.kind(address))


def _fact(address: int, bits: int) -> Fact:
    return Fact(address, bits, _read(address, bits))
