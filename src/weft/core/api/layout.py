"""Fields in a row: what a message or a structure is on the wire."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from msgspec import Struct

from .types import Array, Malformed, Names, Text, Type


class Layout:
    """Fields in a row. Runs of fields of fixed size are read at once."""

    def __init__(self, fields: dict[str, Type]) -> None:
        self.fields = fields
        for name, type in fields.items():
            if isinstance(type, Array) and type.count is not None and type.count not in fields:
                raise TypeError(f"{name} is counted by {type.count}, which is no field")
        counts = {t.count: name for name, t in fields.items() if isinstance(t, Array) and t.count is not None}
        self._runs = list(_runs(fields, counts))
        whole = [run for run in self._runs if run.packed is not None]
        fixed = len(whole) == len(self._runs) == 1
        self.format = "".join(str(type.format) for type in fields.values()) if fixed or not fields else None
        self.slots = sum(type.slots for type in fields.values())

    def read(self, data: memoryview, at: int) -> tuple[dict[str, Any], int]:
        """The fields' values from bytes, and the offset behind them. Raises Malformed."""
        record: dict[str, Any] = {}
        for run in self._runs:
            if run.packed is None:
                name, type, _ = run.places[0]
                record[name], at = type.read(data, at, record)
                continue
            if at + run.packed.size > len(data):
                raise Malformed(f"the message ends within or before {run.first}")
            record.update(run.build(run.packed.unpack_from(data, at)))
            at += run.packed.size
        return record, at

    def write(self, values: dict[str, Any], out: bytearray) -> None:
        """Append the fields; counts are those of the arrays, and what is missing is zero."""
        for run in self._runs:
            if run.packed is None:
                name, type, _ = run.places[0]
                type.write(values.get(name, type.zero), out)
                continue
            try:
                out += run.packed.pack(*run.apart(values))
            except struct.error as error:
                raise ValueError(f"{run.first} and the fields behind it cannot be sent: {error}") from None

    def block(self) -> list[list[Any]]:
        """The fields as the CRC and the description have them: type, name and, of arrays, length and count."""
        return [_field(name, type) for name, type in self.fields.items()]


class _Run(Struct, frozen=True, dict=True):
    """Neighbouring fields of fixed size, or one field of variable size (then ``packed`` is None)."""

    packed: struct.Struct | None
    places: list[tuple[str, Type, int]]
    #: The field that counts an array -> the array.
    counts: dict[str, str]

    @property
    def first(self) -> str:
        return self.places[0][0]

    @cached_property
    def build(self) -> Callable[[tuple[Any, ...]], dict[str, Any]]:
        """The fields by name, from their slots."""
        names = Names()
        fields = [f"{name!r}: {type.built(slot, names)}" for name, type, slot in self.places]
        return names.function("s", f"{{{', '.join(fields)}}}")

    @cached_property
    def apart(self) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
        """The slots, from the fields by name."""
        names = Names()
        slots: list[str] = []
        for name, type, _ in self.places:
            if name in self.counts:
                slots.append(f"len(v.get({self.counts[name]!r}, ()))")
            else:
                slots += type.taken(f"v.get({name!r}, {names.of(type.zero)})", names)
        return names.function("v", f"({', '.join(slots)},)")


def _runs(fields: dict[str, Type], counts: dict[str, str]) -> Iterator[_Run]:
    places: list[tuple[str, Type, int]] = []
    format, slot = ">", 0
    for name, type in fields.items():
        if type.format is None:
            if places:
                yield _Run(struct.Struct(format), places, counts)
                places, format, slot = [], ">", 0
            yield _Run(None, [(name, type, 0)], counts)
        else:
            places.append((name, type, slot))
            format += type.format
            slot += type.slots
    if places:
        yield _Run(struct.Struct(format), places, counts)


def _field(name: str, type: Type) -> list[Any]:
    match type:
        case Array(count=None):
            return [type.name, name, type.length, None]
        case Array():
            return [type.name, name, 0, type.count]
        case Text():
            return [type.name, name, type.length, None]
    return [type.name, name]
