"""What a piece of packet code depends on, as one number.

Machine code is a function of the bytecode, of every global that it names (other functions, views' layouts, addresses,
constants), of the compiler and of the processor. The digest covers just that, so machine code kept under it can
never be stale, and an edit recompiles only what it touches.
"""

from __future__ import annotations

import enum
import hashlib
import types
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from weft.core.node import ROUTINES
from weft.core.view import VIEWS, ArrayKind, Field, Kind, RowsAt, RowsKind, View, methods, properties


class _Part:
    """One function, view or attribute name: what it says itself, and which others it names, in order."""

    def __init__(self, item: Any) -> None:
        self._said: list[str] = []
        self.named: list[Any] = []
        #: Where the tables and records begin and end that it names; of a table only where it begins.
        self.places: list[tuple[int, int]] = []
        if isinstance(item, str):
            self.attribute(item)
        elif isinstance(item, type):
            self.view(item)
        else:
            self.function(item)
        self.digest = hashlib.sha256("\0".join(self._said).encode()).digest()

    def put(self, *parts: object) -> None:
        self._said.append(repr(parts))

    def function(self, function: types.FunctionType) -> None:
        assert isinstance(function, types.FunctionType), f"{function!r} is no function that can be compiled"
        self.put(function.__qualname__, function.__defaults__, function.__annotations__)
        names = dict(function.__globals__)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            names[name] = cell.cell_contents
        self.code(function.__code__, names)

    def code(self, code: types.CodeType, names: dict[str, Any]) -> None:
        self.put(code.co_code, code.co_varnames, code.co_names, code.co_freevars)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self.code(constant, names)
            else:
                self.put(constant)
        for name in (*code.co_names, *code.co_freevars):
            if name in names:
                self.value(name, names[name])
                if isinstance(names[name], types.ModuleType):
                    self.module(names[name], code)
            if name in _by_name(len(VIEWS)):
                self.named.append(name)

    def module(self, module: types.ModuleType, code: types.CodeType) -> None:
        """A module that is named: any of its globals that are named too may be meant, behind a dot."""
        for name in code.co_names:
            if name in vars(module):
                self.value(f"{module.__name__}.{name}", vars(module)[name])

    def attribute(self, name: str) -> None:
        """A name behind a dot: a field or a method of any view may be meant."""
        for cls, field, function in _by_name(len(VIEWS))[name]:
            self.put(cls, field)
            if function is not None:
                self.named.append(_plain(function))

    def value(self, name: str, value: Any) -> None:
        if isinstance(value, enum.Enum):
            self.put(name, value.name, value.value)
        elif isinstance(value, bool | int | str | float | None):
            self.put(name, value)
        elif isinstance(value, tuple):
            for number, each in enumerate(value):
                self.value(f"{name}[{number}]", each)
        elif isinstance(value, RowsAt):
            self.put(name, _layout(value.row), value.address, value.settled)
            self.places.append((value.address, value.address + 1))
            if isinstance(value.row, type):
                self.named.append(value.row)
        elif isinstance(value, View):
            self.put(name, value.address)
            self.places.append((value.address, value.address + value.size))
            self.named.append(type(value))
        elif isinstance(value, enum.EnumMeta):
            self.put(name, [(member.name, member.value) for member in value])  # type: ignore[var-annotated]
        elif isinstance(value, type) and issubclass(value, View):
            self.put(name)
            self.named.append(value)
        elif isinstance(value, types.FunctionType):
            routine = _routines(len(ROUTINES)).get(value)
            if routine is not None:
                # Called by address: only how it is called matters.
                self.put(name, routine.slot, value.__annotations__)
            elif value.__module__ == "weft.core.memory":
                self.put(name, value.__name__)
            else:
                self.put(name)
                self.named.append(_plain(value))
        elif isinstance(value, types.ModuleType):
            self.put(name, value.__name__)
        else:
            self.put(name, type(value).__qualname__, getattr(value, "name", ""))

    def view(self, cls: type[View]) -> None:
        self.put(
            cls.__qualname__,
            cls.size,
            cls.apart,
            cls.settled,
            [(name, _layout(field)) for name, field in cls.fields.items()],
        )


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that stands in the source."""
    return getattr(function, "__wrapped__", function)


def _layout(what: Kind | Field) -> str:
    """All that matters of a field or a row to code that reads it: where it is, and how far apart rows stand."""
    match what:
        case Field():
            return f"{what.offset}:{_layout(what.kind)}{' fixed' * what.fixed}"
        case RowsKind() | ArrayKind():
            return f"{what!r} of {_layout(what.row)}"
        case type():
            return f"{what.__qualname__} of {what.size}"
    return repr(what)


@cache
def _by_name(views: int) -> dict[str, list[tuple[str, str, Callable[..., Any] | None]]]:
    """Field, property or method -> the views that have it. ``views``: how many there are, since more may come."""
    found: dict[str, list[tuple[str, str, Callable[..., Any] | None]]] = {}
    for cls in VIEWS:
        for name, field in cls.fields.items():
            found.setdefault(name, []).append((cls.__qualname__ + " apart" * cls.apart, _layout(field), None))
        for name, function in (*methods(cls).items(), *properties(cls).items()):
            found.setdefault(name, []).append((cls.__qualname__, "", function))
    return found


@cache
def _routines(count: int) -> dict[Callable[..., Any], Any]:
    return {routine.function: routine for routine in ROUTINES.values()}


@cache
def toolchain() -> str:
    """The compiler, the processor, and the files that make packet code into machine code."""
    import llvmlite.binding as llvm

    here = Path(__file__).parent
    sources = [here / f"{name}.py" for name in ("compiler", "lowering", "memory", "view")]
    return "\n".join(
        [
            version("numba"),
            version("llvmlite"),
            llvm.get_process_triple(),
            llvm.get_host_cpu_name(),
            llvm.get_host_cpu_features().flatten(),
            *(hashlib.sha256(path.read_bytes()).hexdigest() for path in sources),
        ]
    )


class Digests:
    """The keys of much packet code, worked out together: what several functions name is looked at once. Good as long
    as nothing is declared or changed.
    """

    def __init__(self) -> None:
        self._parts: dict[Any, _Part] = {}

    def of(self, *functions: Callable[..., Any]) -> str:
        """The key of the machine code of these functions taken together: of all parts that can be reached from them,
        in the order in which they are, and of which names which.
        """
        key = hashlib.sha256(toolchain().encode())
        for part, named in self._reached(*functions):
            key.update(part.digest)
            key.update(repr(named).encode())
        return key.hexdigest()[:40]

    def places(self, *functions: Callable[..., Any]) -> list[tuple[int, int]]:
        """Where the tables and records begin and end that these functions name, themselves or by what they name."""
        return [place for part, _ in self._reached(*functions) for place in part.places]

    def _reached(self, *functions: Callable[..., Any]) -> Iterator[tuple[_Part, list[int]]]:
        """All parts that can be reached from functions, and the numbers of those that each names."""
        reached: list[Any] = []
        numbers: dict[Any, int] = {}

        def number(item: Any) -> int:
            if item not in numbers:
                numbers[item] = len(reached)
                reached.append(item)
            return numbers[item]

        for function in functions:
            number(_plain(function))
        for item in reached:  # which grows meanwhile
            part = self._parts.get(item)
            if part is None:
                part = self._parts[item] = _Part(item)
            yield part, [number(each) for each in part.named]


def digest(*functions: Callable[..., Any]) -> str:
    """The key of the machine code of these functions taken together."""
    return Digests().of(*functions)
