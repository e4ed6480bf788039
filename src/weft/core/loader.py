"""Machine code in this process: kept object code is linked by LLVM, each unit in a library of its own."""

from __future__ import annotations

from functools import cache
from typing import Any


class CompileError(Exception):
    """Packet code that Numba does not take, or machine code that LLVM does not: the message says which, and why."""


#: What keeps machine code where it is.
_libraries: list[Any] = []


@cache
def _linker() -> Any:
    """One for all libraries: making it takes longer than a link."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.create_lljit_compiler()


def load(name: str, symbol: str, code: bytes) -> int:
    """The address of a unit's machine code. ``name``: no other unit's. Raises CompileError."""
    import llvmlite.binding as llvm

    linker = _linker()
    builder = llvm.JITLibraryBuilder().add_current_process().add_object_img(code).export_symbol(symbol)
    try:
        library = builder.link(linker, name)
        address: int = library[symbol]
    except (RuntimeError, KeyError) as error:
        raise CompileError(
            f"the kept machine code of {symbol} cannot be used; remove the folder it is kept in"
        ) from error
    _libraries.append(library)
    return address
