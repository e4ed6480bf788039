"""How values look on the wire, and in Python.

All numbers are in network byte order but f64, which is in the machine's. Annotations name the types:

    sw_if_index: u32                                     a number
    is_add: bool
    name: Annotated[str, Text(64)]                       64 bytes, at most 63 of them text
    command: str                                         text with its length before it
    count: u8
    paths: Annotated[list[FibPath], Counted("count")]    so many as an earlier field says (filled in when sent)
    key: Annotated[bytes, Fixed(16)]                     an array of u8
    flags: InterfaceFlags                                an enum of a module, and so for structures and unions
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import asdict

if TYPE_CHECKING:
    from .layout import Layout


class Malformed(ValueError):
    """A message that cannot be read: too short, or with a value that its type does not have."""


class Names(dict[str, Any]):
    """What a piece of generated Python names. Values are made from slots, and taken apart into slots, by Python that is
    written once for each type: walking through the types for each message took several times as long.
    """

    def of(self, value: Any = None) -> str:
        """A name for an object, or for one that the code itself will name so."""
        name = f"n{len(self)}"
        self[name] = value
        return name

    def function(self, parameter: str, expression: str) -> Callable[[Any], Any]:
        """A function of one parameter."""
        made: Callable[[Any], Any] = eval(f"lambda {parameter}: {expression}", self)
        return made


class Type:
    """A type on the wire. Those of fixed size have a struct ``format``, and are made from so many ``slots`` of it."""

    name: str
    format: str | None = None
    slots: int = 1
    zero: Any = 0

    def built(self, slot: int, names: Names) -> str:
        """Python that makes the value from the slots ``s[slot]`` and following."""
        return f"s[{slot}]"

    def taken(self, value: str, names: Names) -> list[str]:
        """Python that makes the slots from a value, which is itself Python that is to run once."""
        return [value]

    def read(self, data: memoryview, at: int, record: dict[str, Any]) -> tuple[Any, int]:
        """The value at an offset, and the offset behind it. ``record``: the fields read before."""
        packed = self._struct
        if at + packed.size > len(data):
            raise Malformed(f"{self.name} is cut off")
        return self._build(packed.unpack_from(data, at)), at + packed.size

    def write(self, value: Any, out: bytearray) -> None:
        """Append a value."""
        out += self._struct.pack(*self.apart(value))

    @cached_property
    def apart(self) -> Callable[[Any], tuple[Any, ...]]:
        """The slots of a value."""
        names = Names()
        return names.function("v", f"({', '.join(self.taken('v', names))},)")

    @cached_property
    def _struct(self) -> struct.Struct:
        return struct.Struct(f">{self.format}")

    @cached_property
    def _build(self) -> Callable[[tuple[Any, ...]], Any]:
        names = Names()
        return names.function("s", self.built(0, names))

    @property
    def size(self) -> int:
        """Bytes, where the size is fixed."""
        return self._struct.size


class Number(Type):
    """A scalar."""

    def __init__(self, name: str, format: str, zero: Any = 0) -> None:
        self.name, self.format, self.zero = name, format, zero


class Float(Type):
    """f64, little-endian as on the machines that VPP runs on."""

    name, format, zero = "f64", "8s", 0.0

    def built(self, slot: int, names: Names) -> str:
        return f"{names.of(_float)}(s[{slot}])"

    def taken(self, value: str, names: Names) -> list[str]:
        return [f"{names.of(struct.Struct('<d').pack)}({value})"]


class Text(Type):
    """Text in a field of ``length`` bytes, ended by a zero; without a length, after the number of its bytes."""

    name = "string"
    zero = ""

    def __init__(self, length: int = 0) -> None:
        self.length = length
        self.format = f"{length}s" if length else None

    def built(self, slot: int, names: Names) -> str:
        return f"{names.of(_text)}(s[{slot}])"

    def taken(self, value: str, names: Names) -> list[str]:
        return [f"{names.of(_octets)}({value})[:{self.length - 1}]"]

    def read(self, data: memoryview, at: int, record: dict[str, Any]) -> tuple[str, int]:
        if self.length:
            return super().read(data, at, record)
        length, at = U32.read(data, at, record)
        if at + length > len(data):
            raise Malformed("a text is cut off")
        return _text(bytes(data[at : at + length])), at + length

    def write(self, value: str, out: bytearray) -> None:
        if self.length:
            super().write(value, out)
        else:
            octets = _octets(value)
            out += len(octets).to_bytes(4, "big") + octets


U8, U32 = Number("u8", "B"), Number("u32", "I")


def _float(octets: bytes) -> float:
    return struct.unpack("<d", octets)[0]  # type: ignore[no-any-return]


def _text(octets: bytes) -> str:
    return octets.split(b"\0", 1)[0].decode("utf-8", "replace")


def _octets(text: str) -> bytes:
    """As ASCII: VPP's Python client takes nothing else in fields of fixed length."""
    return text.encode("ascii", "replace")


class Fixed(Struct, frozen=True):
    """In an annotation: an array of so many elements."""

    length: int


class Counted(Struct, frozen=True):
    """In an annotation: an array of so many elements as the field ``count`` says."""

    count: str


class Array(Type):
    """Elements in a row; bytes in Python, where they are of type u8."""

    def __init__(self, element: Type, shape: Fixed | Counted) -> None:
        self.element, self.shape, self.name = element, shape, element.name
        self.octets = element.name == "u8"
        self.length = shape.length if isinstance(shape, Fixed) else 0
        self.count = shape.count if isinstance(shape, Counted) else None
        if self.count is None and element.format is not None:
            self.format = f"{self.length}s" if self.octets else element.format * self.length
            self.slots = 1 if self.octets else element.slots * self.length

    @property
    def zero(self) -> Any:
        return bytes(self.length) if self.octets else [self.element.zero] * self.length

    def built(self, slot: int, names: Names) -> str:
        if self.octets:
            return f"s[{slot}]"
        each = range(slot, slot + self.slots, self.element.slots)
        return f"[{', '.join(self.element.built(at, names) for at in each)}]"

    def taken(self, value: str, names: Names) -> list[str]:
        return [value] if self.octets else [f"*{names.of(self._slots_of)}({value})"]

    def _slots_of(self, values: Sequence[Any]) -> Iterator[Any]:
        """Those of all elements; the ones that are missing are zero."""
        if len(values) > self.length:
            raise ValueError(f"{len(values)} elements do not fit an array of {self.length}")
        for value in values:
            yield from self.element.apart(value)
        for _ in range(self.length - len(values)):
            yield from self.element.apart(self.element.zero)

    def read(self, data: memoryview, at: int, record: dict[str, Any]) -> tuple[Any, int]:
        if self.count is None:
            return super().read(data, at, record)
        number = record[self.count]
        if number > len(data) - at:  # no element has less than a byte
            raise Malformed(f"{self.count} says {number}, the message is too short for that")
        if self.octets:
            return bytes(data[at : at + number]), at + number
        values = []
        for _ in range(number):
            value, at = self.element.read(data, at, record)
            values.append(value)
        return values, at

    def write(self, value: Any, out: bytearray) -> None:
        if self.count is None:
            super().write(value, out)
        elif self.octets:
            out += value
        else:
            for each in value:
                self.element.write(each, out)


class Named(Type):
    """A type of an API module. ``name`` is ``vl_api_address_t``, ``short`` is ``address``."""

    short: str
    module: str = ""

    def block(self) -> list[list[Any]]:
        """What of it the CRC of a message covers: its fields or values; nothing of an alias."""
        return []

    def parts(self) -> list[Type]:
        """The types that it is made of."""
        return []


class Alias(Named):
    """Another name for a type, and a Python value for it if ``decode`` and ``encode`` say so."""

    def __init__(
        self,
        short: str,
        type: Type,
        decode: Callable[[Any], Any] | None = None,
        encode: Callable[[Any], Any] | None = None,
        zero: Any = None,
    ) -> None:
        self.short, self.name, self.type = short, f"vl_api_{short}_t", type
        self.format, self.slots = type.format, type.slots
        self.decode, self.encode = decode, encode
        self.zero = type.zero if zero is None else zero

    def built(self, slot: int, names: Names) -> str:
        value = self.type.built(slot, names)
        return value if self.decode is None else f"{names.of(self.decode)}({value})"

    def taken(self, value: str, names: Names) -> list[str]:
        return self.type.taken(value if self.encode is None else f"{names.of(self.encode)}({value})", names)

    def parts(self) -> list[Type]:
        return [self.type]


class Enumeration(Named):
    """An enum. ``late``: names that came later; the CRC leaves them out, so that older clients go on working."""

    def __init__(self, short: str, cls: Any, wire: Type, late: tuple[str, ...] = ()) -> None:
        self.short, self.name, self.cls, self.wire, self.late = short, f"vl_api_{short}_t", cls, wire, late
        self.format = wire.format
        members = list(cls.__members__.values())
        self._members = {member.value: member for member in members}
        self.zero = next((member for member in members if member.value == 0), 0)

    def built(self, slot: int, names: Names) -> str:
        return f"{names.of(self.member)}(s[{slot}])"

    def member(self, number: int) -> Any:
        """The member, or the combination of flags, that has a number. Raises Malformed."""
        found = self._members.get(number)
        if found is not None:
            return found
        try:
            return self.cls(number)
        except ValueError:
            raise Malformed(f"{number} is no {self.short}") from None

    def values(self) -> list[list[Any]]:
        """All names with their numbers."""
        return [[name, member.value] for name, member in self.cls.__members__.items()]

    def block(self) -> list[list[Any]]:
        return [value for value in self.values() if value[0] not in self.late]


class Structure(Named):
    """A structure, as a class in Python. If the class has ``decode`` (a method) and ``encode`` (a class method), they
    turn its objects into the values that are used instead, and back.
    """

    def __init__(self, short: str, cls: Any, layout: Layout) -> None:
        self.short, self.name, self.cls, self.layout = short, f"vl_api_{short}_t", cls, layout
        self.format, self.slots = layout.format, layout.slots
        self._decode, self._encode = getattr(cls, "decode", None), getattr(cls, "encode", None)

    @property
    def zero(self) -> Any:
        return self._made(self.cls(**{name: type.zero for name, type in self.layout.fields.items()}))

    def _made(self, value: Any) -> Any:
        return value if self._decode is None else self._decode(value)

    def built(self, slot: int, names: Names) -> str:
        parts = []
        for type in self.layout.fields.values():
            parts.append(type.built(slot, names))
            slot += type.slots
        made = f"{names.of(self.cls)}({', '.join(parts)})"
        return made if self._decode is None else f"{names.of(self._decode)}({made})"

    def taken(self, value: str, names: Names) -> list[str]:
        if self._encode is not None:
            value = f"{names.of(self._encode)}({value})"
        slots: list[str] = []
        known = names.of()
        for name, type in self.layout.fields.items():
            slots += type.taken(f"{known if slots else f'({known} := {value})'}.{name}", names)
        return slots

    def read(self, data: memoryview, at: int, record: dict[str, Any]) -> tuple[Any, int]:
        if self.format is not None:
            return super().read(data, at, record)
        values, at = self.layout.read(data, at)
        return self._made(self.cls(**values)), at

    def write(self, value: Any, out: bytearray) -> None:
        self.layout.write(asdict(value if self._encode is None else self._encode(value)), out)

    def block(self) -> list[list[Any]]:
        return self.layout.block()

    def parts(self) -> list[Type]:
        return list(self.layout.fields.values())


class Union(Named):
    """A union: its bytes in Python."""

    def __init__(self, short: str, members: dict[str, Type]) -> None:
        self.short, self.name, self.members = short, f"vl_api_{short}_t", members
        self.format = f"{max(member.size for member in members.values())}s"

    @property
    def zero(self) -> bytes:
        return bytes(self.size)

    def block(self) -> list[list[Any]]:
        return [[member.name, name] for name, member in self.members.items()]

    def parts(self) -> list[Type]:
        return list(self.members.values())
