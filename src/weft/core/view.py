"""Views: named, typed access to raw memory, the same interpreted and compiled.

    class Ip4Header(View):
        version_ihl: u8
        tos: u8
        total_length: be16
        ...

``Ip4Header(address).ttl`` is one load; in compiled code the view *is* the address and costs nothing. A field is a
scalar, another view (inline), ``Array[...]`` (inline rows, their number given by ``times``), ``Rows[...]`` (a
pointer to rows), ``Ref[...]`` (a pointer to one view), or ``Bytes`` (an inline area, read as its address). A scalar
may lie ``over`` fields before it.
``Fixed[...]`` around any of these says that it does not change while packet code runs: compiled code reads it once
where it would have to read it again after each store.

Packet code knows one number: the signed 64-bit integer. Every scalar is widened to it when read and cut to its size
when written, so the compiled and the interpreted form of a function compute the same.
"""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeAlias, TypeVar

from msgspec import Struct

from weft.core import memory

T = TypeVar("T")


class Scalar:
    """A number in memory: ``bits`` wide, perhaps big-endian (network order), perhaps signed."""

    def __init__(self, name: str, bits: int, *, big_endian: bool = False, signed: bool = False) -> None:
        self.name, self.bits, self.size = name, bits, bits // 8
        self.big_endian, self.signed = big_endian, signed
        self.mask = (1 << bits) - 1
        self.settled = False
        self._order: typing.Literal["big", "little"] = "big" if big_endian else "little"
        #: How the machine reads and writes it, if it is as wide as one of its numbers.
        self._code = {8: "b", 16: "h", 32: "i", 64: "q"}.get(bits, "")
        self._unsigned = self._code.upper()
        if not signed or big_endian:
            self._code = self._unsigned

    def __repr__(self) -> str:
        return self.name

    def load(self, address: int) -> int:
        if not self._code:
            return int.from_bytes(memory.read(address, self.size), self._order, signed=self.signed)
        value = memory.load(address, self.size, self._code)
        if self.big_endian:
            return int.from_bytes(value.to_bytes(self.size, "little"), "big", signed=self.signed)
        return value

    def store(self, address: int, value: int) -> None:
        value = int(value) & self.mask
        if not self._code:
            memory.write(address, value.to_bytes(self.size, self._order))
            return
        if self.big_endian:
            value = int.from_bytes(value.to_bytes(self.size, "big"), "little")
        memory.store(address, self.size, self._unsigned, value)


class Area:
    """An inline stretch of bytes whose value is its address."""

    def __init__(self, size: int) -> None:
        self.size = size

    def load(self, address: int) -> int:
        return address

    def __repr__(self) -> str:
        return f"Bytes[{self.size}]"


class Forward(Struct, frozen=True):
    """A view that its module defines further down."""

    module: str
    name: str

    def resolve(self) -> type[View]:
        cls = vars(sys.modules[self.module])[self.name]
        assert isinstance(cls, type) and issubclass(cls, View)
        return cls


class _Names(dict[str, Any]):
    """What a view's annotations may name: the module's globals, or a view that is still to come."""

    def __init__(self, module: str) -> None:
        super().__init__(vars(sys.modules[module]))
        self.module = module

    def __missing__(self, name: str) -> Forward:
        return Forward(self.module, name)


class RowsKind:
    """A pointer to rows of one kind; eight bytes."""

    size = 8

    def __init__(self, row: Kind | Forward) -> None:
        self._row = row

    @cached_property
    def row(self) -> Kind:
        return self._row.resolve() if isinstance(self._row, Forward) else self._row

    def load(self, address: int) -> RowsAt:
        return RowsAt(self.row, POINTER.load(address))

    def __repr__(self) -> str:
        return f"Rows[{self._row!r}]"


class RefKind:
    """A pointer to one view; eight bytes."""

    size = 8

    def __init__(self, cls: type[View] | Forward) -> None:
        self._cls = cls

    @cached_property
    def cls(self) -> type[View]:
        return self._cls.resolve() if isinstance(self._cls, Forward) else self._cls

    def load(self, address: int) -> View:
        return self.cls(POINTER.load(address))

    def __repr__(self) -> str:
        return f"Ref[{self._cls!r}]"


class ArrayKind:
    """Inline rows of one kind."""

    def __init__(self, row: Kind, count: int) -> None:
        self.row, self.count = row, count
        self.size: int = row.size * count

    def load(self, address: int) -> RowsAt:
        return RowsAt(self.row, address)

    def __repr__(self) -> str:
        return f"Array[{self.row!r}, {self.count}]"


class FixedKind:
    """Around the kind of a field that no packet code writes to, nor anybody else while packet code may read it."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind


if TYPE_CHECKING:
    u8: TypeAlias = int
    u16: TypeAlias = int
    u32: TypeAlias = int
    i8: TypeAlias = int
    i16: TypeAlias = int
    i32: TypeAlias = int
    i64: TypeAlias = int
    be16: TypeAlias = int
    be32: TypeAlias = int
    be64: TypeAlias = int
    mac: TypeAlias = int
    Bytes: TypeAlias = int

    class Rows(Generic[T]):
        address: int

        def __init__(self, address: int) -> None: ...
        def __getitem__(self, index: int) -> T: ...
        def __setitem__(self, index: int, value: T) -> None: ...
        def __get__(self, instance: object, owner: type) -> Rows[T]: ...
        def __set__(self, instance: object, value: Rows[T] | int) -> None: ...

    class Array(Rows[T]): ...

    class Ref(Generic[T]):
        def __get__(self, instance: object, owner: type) -> T: ...
        def __set__(self, instance: object, value: T | int) -> None: ...

    Fixed = Annotated[T, "fixed"]

else:
    u8, u16, u32 = Scalar("u8", 8), Scalar("u16", 16), Scalar("u32", 32)
    i8, i16 = Scalar("i8", 8, signed=True), Scalar("i16", 16, signed=True)
    i32, i64 = Scalar("i32", 32, signed=True), Scalar("i64", 64, signed=True)
    be16, be32 = Scalar("be16", 16, big_endian=True), Scalar("be32", 32, big_endian=True)
    be64 = Scalar("be64", 64, big_endian=True, signed=True)
    #: An Ethernet address as it stands in the frame. A key, not a number: its first byte is the lowest.
    mac = Scalar("mac", 48)
    Bytes = Area(0)

    class _Subscript:
        def __init__(self, make):
            self.make = make

        def __getitem__(self, row):
            return self.make(row)

    Rows = _Subscript(lambda row: RowsKind(row))
    Array = _Subscript(lambda row: ArrayKind(row, 0))
    Ref = _Subscript(lambda cls: RefKind(cls))
    Fixed = _Subscript(lambda kind: FixedKind(kind))


def times(count: int) -> Any:
    """How many rows an ``Array`` field has, or how many bytes a ``Bytes`` field."""
    return _Times(count)


class _Times:
    def __init__(self, count: int) -> None:
        self.count = count


def over(name: str) -> Any:
    """That a field lies over others, from the one of this name on: several as one number, to be written at once."""
    return _Over(name)


class _Over:
    def __init__(self, name: str) -> None:
        self.name = name


class RowsAt:
    """Rows at an address, interpreted: ``rows[i]`` is a view or a number. ``settled``: see ``View``."""

    __slots__ = ("address", "row", "settled")

    def __init__(self, row: Kind, address: int, settled: bool = False) -> None:
        self.row, self.address, self.settled = row, address, settled

    def __getitem__(self, index: int) -> Any:
        address = self.address + int(index) * self.row.size
        return self.row.load(address) if isinstance(self.row, Scalar) else self.row(address)  # type: ignore[operator]

    def __setitem__(self, index: int, value: int) -> None:
        if not isinstance(self.row, Scalar):
            raise TypeError(f"a row of {self.row!r} cannot be assigned; assign its fields")
        self.row.store(self.address + int(index) * self.row.size, value)


class Field:
    """One named place in a view."""

    def __init__(self, name: str, offset: int, kind: Kind, fixed: bool = False, covers: bool = False) -> None:
        self.name, self.offset, self.kind, self.fixed = name, offset, kind, fixed
        self.covers = covers  #: other fields: see ``over``
        #: What is at an address, as the field's value: a number, rows, a view.
        self._load: Callable[[int], Any] = kind if isinstance(kind, type) else kind.load

    def __repr__(self) -> str:
        return f"{self.name}@{self.offset}:{self.kind!r}"

    def __get__(self, instance: View | None, owner: type) -> Any:
        if instance is None:
            return self
        return self._load(instance.address + self.offset)

    def __set__(self, instance: View, value: Any) -> None:
        address = instance.address + self.offset
        if isinstance(self.kind, Scalar):
            self.kind.store(address, value)
        elif isinstance(self.kind, RowsKind | RefKind):
            POINTER.store(address, getattr(value, "address", value))
        else:
            raise TypeError(f"{self.name} of {type(instance).__name__} is inline; assign its fields")


class View:
    """The base of all views. ``fields`` describes the layout; ``size`` is in bytes.

    ``class Pair(View, apart=True)`` says that packet code reads and writes its scalar fields through this view alone,
    or else with words (``copy``, ``atomic_load``). So a store to it changes nothing that was read elsewhere, nor a
    store elsewhere what was read from it. Areas and arrays in it are not meant.

    ``settled=True`` says that it is configuration: only the control side writes to it. Packet code that is made for
    one interface may then take what stands in such a record for a constant (``fusing/facts.py``).
    """

    fields: typing.ClassVar[dict[str, Field]] = {}
    size: typing.ClassVar[int] = 0
    apart: typing.ClassVar[bool] = False
    settled: typing.ClassVar[bool] = False
    __slots__ = ("address",)

    def __init__(self, address: int) -> None:
        self.address = int(address)

    def __init_subclass__(cls, apart: bool = False, settled: bool = False) -> None:
        if any(base.apart for base in cls.__mro__[1:] if issubclass(base, View)):
            raise TypeError(
                f"{cls.__qualname__}: the view that it goes on after is apart; nothing else may show its memory"
            )
        cls.apart, cls.settled = apart, settled
        offset, fields = cls.size, dict(cls.fields)
        names = _Names(cls.__module__)
        for name, annotation in inspect.get_annotations(cls).items():
            if name in RESERVED:
                raise TypeError(f"{cls.__qualname__}: no field can be named {name}: every view has that already")
            kind = eval(annotation, {}, names) if isinstance(annotation, str) else annotation
            fixed = isinstance(kind, FixedKind)
            given = cls.__dict__.get(name)
            kind = _sized(kind.kind if isinstance(kind, FixedKind) else kind, given)
            if isinstance(given, _Over):
                fields[name] = _covering(cls, name, fields[given.name].offset, offset, kind)
            else:
                fields[name] = Field(name, offset, kind, fixed)
                offset += kind.size
            setattr(cls, name, fields[name])
        cls.fields, cls.size = fields, offset
        VIEWS.append(cls)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address:#x})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, View) and self.address == other.address

    def __hash__(self) -> int:
        return hash(self.address)

    def show(self) -> Iterator[tuple[str, Any]]:
        """Each scalar field's name and value, for people."""
        return (
            (name, getattr(self, name))
            for name, field in self.fields.items()
            if isinstance(field.kind, Scalar) and not field.covers
        )


Kind = Scalar | Area | RowsKind | RefKind | ArrayKind | type[View]

#: Every view there is, in the order of definition; the compiler teaches Numba all of them.
VIEWS: list[type[View]] = []
#: What every view has, beside its fields.
RESERVED = {"address", "fields", "size", "apart", "settled", "show"}
POINTER = Scalar("pointer", 64, signed=True)


def _covering(cls: type[View], name: str, start: int, end: int, kind: Kind) -> Field:
    """A field over those from ``start`` on; the last field so far ends at ``end``."""
    if not isinstance(kind, Scalar) or start + kind.size > end:
        raise TypeError(f"{cls.__qualname__}: {name} is to lie over other fields: a number no longer than these")
    return Field(name, start, kind, covers=True)


def _sized(kind: Any, count: Any) -> Kind:
    if isinstance(kind, ArrayKind):
        if not isinstance(count, _Times):
            raise TypeError(f"{kind!r} needs its number of rows: `= times(n)`")
        return ArrayKind(kind.row, count.count)
    if isinstance(kind, Area):
        if not isinstance(count, _Times):
            raise TypeError("Bytes needs its size: `= times(n)`")
        return Area(count.count)
    if isinstance(kind, Scalar | RowsKind | RefKind) or (isinstance(kind, type) and issubclass(kind, View)):
        return kind
    raise TypeError(f"{kind!r} is no field of a view: use a scalar, a view, Array[...], Rows[...] or Bytes")


def rows(row: Any, address: int) -> Any:
    """Rows of ``row`` (a view or a scalar) at a fixed address, for a module's global."""
    return RowsAt(row, address)


def methods(cls: type[View]) -> dict[str, Callable[..., Any]]:
    """The functions that packet code may call on a view; they are compiled with it."""
    return {
        name: value
        for base in reversed(cls.__mro__)
        if issubclass(base, View) and base is not View
        for name, value in vars(base).items()
        if callable(value) and not name.startswith("__") and not isinstance(value, type | Field)
    }


def properties(cls: type[View]) -> dict[str, Callable[..., Any]]:
    """The computed attributes of a view, likewise."""
    return {
        name: value.fget
        for base in reversed(cls.__mro__)
        if issubclass(base, View) and base is not View
        for name, value in vars(base).items()
        if isinstance(value, property) and value.fget is not None
    }
