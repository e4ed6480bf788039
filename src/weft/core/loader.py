"""Machine code in this process: kept object code is linked by LLVM, as libraries of units."""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import Any


class CompileError(Exception):
    """Packet code that Numba does not take, or machine code that LLVM does not: the message says which, and why."""


#: What keeps machine code where it is.
_libraries: list[Any] = []
#: No two libraries have one name.
_numbers = count()


@cache
def _linker() -> Any:
    """One for all libraries: making it takes longer than a link."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.create_lljit_compiler()


def load(units: dict[str, tuple[str, bytes]]) -> dict[str, int]:
    """The addresses of units' machine code, whose symbols and object code are given by key. Raises CompileError.

    They are linked at once, which takes a third of the time. Where that cannot be, each is linked apart.
    """
    if not units:
        return {}
    try:
        return _linked(units)
    except (RuntimeError, KeyError) as error:
        if len(units) > 1:
            return {key: load({key: unit})[key] for key, unit in units.items()}
        [(symbol, _)] = units.values()
        raise CompileError(
            f"the kept machine code of {symbol} cannot be used; remove the folder it is kept in"
        ) from error


def _linked(units: dict[str, tuple[str, bytes]]) -> dict[str, int]:
    import llvmlite.binding as llvm

    builder = llvm.JITLibraryBuilder().add_current_process()
    for symbol, code in units.values():
        builder.add_object_img(code).export_symbol(symbol)
    library = builder.link(_linker(), f"units{next(_numbers)}")
    _libraries.append(library)
    return {key: library[symbol] for key, (symbol, _) in units.items()}
