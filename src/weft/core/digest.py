"""What a piece of packet code depends on, as one number.

Machine code is a function of the bytecode, of every global that it names (other functions, views' layouts, addresses,
constants), of the compiler and of the processor. The digest covers just that, so machine code kept under it can
never be stale, and an edit recompiles only what it touches.
"""

from __future__ import annotations

import enum
import hashlib
import types
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from weft.core.node import ROUTINES
from weft.core.view import VIEWS, ArrayKind, Field, Kind, RowsAt, RowsKind, View, methods, properties


class _Closure:
    """Collects the parts of one digest; ``add`` goes through whatever a function names."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.seen: set[Any] = set()

    def put(self, *parts: object) -> None:
        for part in parts:
            self.hash.update(repr(part).encode())
            self.hash.update(b"\0")

    def function(self, function: Callable[..., Any]) -> None:
        function = getattr(function, "__wrapped__", function)
        if function in self.seen:
            self.put("seen", function.__qualname__)
            return
        self.seen.add(function)
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
            self.attribute(name)

    def module(self, module: types.ModuleType, code: types.CodeType) -> None:
        """A module that is named: any of its globals that are named too may be meant, behind a dot."""
        for name in code.co_names:
            if name in vars(module):
                self.value(f"{module.__name__}.{name}", vars(module)[name])

    def attribute(self, name: str) -> None:
        """A name behind a dot: a field or a method of any view may be meant."""
        if ("attribute", name) in self.seen:
            return
        self.seen.add(("attribute", name))
        for cls, field, function in _by_name(len(VIEWS)).get(name, ()):
            self.put(cls, field)
            if function is not None:
                self.function(function)

    def value(self, name: str, value: Any) -> None:
        if isinstance(value, enum.Enum):
            self.put(name, value.name, value.value)
        elif isinstance(value, bool | int | str | float | None):
            self.put(name, value)
        elif isinstance(value, tuple):
            for number, each in enumerate(value):
                self.value(f"{name}[{number}]", each)
        elif isinstance(value, RowsAt):
            self.put(name, _layout(value.row), value.address)
            if isinstance(value.row, type):
                self.view(value.row)
        elif isinstance(value, View):
            self.put(name, value.address)
            self.view(type(value))
        elif isinstance(value, enum.EnumMeta):
            self.put(name, [(member.name, member.value) for member in value])  # type: ignore[var-annotated]
        elif isinstance(value, type) and issubclass(value, View):
            self.view(value)
        elif isinstance(value, types.FunctionType):
            routine = _routines(len(ROUTINES)).get(value)
            if routine is not None:
                # Called by address: only how it is called matters.
                self.put(name, routine.slot, value.__annotations__)
            elif value.__module__ == "weft.core.memory":
                self.put(name, value.__name__)
            else:
                self.function(value)
        elif isinstance(value, types.ModuleType):
            self.put(name, value.__name__)
        else:
            self.put(name, type(value).__qualname__, getattr(value, "name", ""))

    def view(self, cls: type[View]) -> None:
        if cls not in self.seen:
            self.seen.add(cls)
            self.put(
                cls.__qualname__, cls.size, cls.apart, [(name, _layout(field)) for name, field in cls.fields.items()]
            )


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


def digest(*functions: Callable[..., Any]) -> str:
    """The key of the machine code of these functions taken together."""
    closure = _Closure()
    closure.put(toolchain())
    for function in functions:
        closure.function(function)
    return closure.hash.hexdigest()[:40]
