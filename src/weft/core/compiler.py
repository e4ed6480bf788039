"""From packet code to machine code, and the store that keeps it.

A *unit* is what is compiled at a time: a node with its loop, or a routine. Units are compiled by Numba in as many
processes as there are cores, kept on disk as object code under their digest, and loaded with LLVM alone.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import inspect
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from weft.core.compilers import in_processes
from weft.core.digest import Digests
from weft.core.loader import CompileError, load
from weft.core.loop import loop_of
from weft.core.node import NODES, ROUTINES, Node, Routine
from weft.core.view import View

#: Called as (done, total, what) while units are being compiled.
Progress = Callable[[int, int, str], None]


class Unit(Struct, frozen=True):
    """Something to compile: a node's loop or a routine, by name."""

    name: str

    @property
    def source(self) -> Node | Routine:
        return NODES[self.name] if self.name in NODES else ROUTINES[self.name]

    @property
    def key(self) -> str:
        return self.key_among(Digests())

    def key_among(self, digests: Digests) -> str:
        source = self.source
        if isinstance(source, Node):
            return digests.of(loop_of(source), source.function)
        return digests.of(source.function)


class Store:
    """Object code on disk, one file a unit, named by its digest."""

    def __init__(self, path: Path | None = None) -> None:
        home = os.environ.get("WEFT_CACHE") or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "weft"
        self.path = Path(path or home)
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = self.path.stat()
        if state.st_uid != os.geteuid() or state.st_mode & 0o022:
            raise PermissionError(
                f"{self.path} holds machine code that would be run, but others can write to it: "
                "make it yours alone (chmod 700), or name another folder with WEFT_CACHE"
            )

    def get(self, key: str) -> tuple[str, bytes] | None:
        """A unit's symbol and object code, if kept and whole."""
        try:
            content = (self.path / f"{key}.o").read_bytes()
        except OSError:
            return None
        check, _, rest = content.partition(b"\n")
        if hashlib.sha256(rest).hexdigest().encode() != check:
            return None
        symbol, _, code = rest.partition(b"\n")
        return symbol.decode(), code

    def put(self, key: str, symbol: str, code: bytes) -> None:
        rest = symbol.encode() + b"\n" + code
        with tempfile.NamedTemporaryFile(dir=self.path, delete=False) as file:
            file.write(hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)
        os.replace(file.name, self.path / f"{key}.o")

    @contextmanager
    def filling(self, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Wait until no other process compiles for this store, calling ``waiting``, and keep others waiting."""
        with open(self.path / "lock", "w") as file:
            while True:
                try:  # The lock ends with the process, and is not its children's.
                    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    waiting()
                    time.sleep(0.2)
            yield

    def prune(self, days: float = 30) -> None:
        """Forget what has not been used for long."""
        oldest = time.time() - days * 86400
        for path in self.path.glob("*.o"):
            try:
                if path.stat().st_atime < oldest and path.stat().st_mtime < oldest:
                    path.unlink()
            except OSError:
                continue


def compile_unit(name: str) -> tuple[str, bytes]:
    """Compile one unit: its symbol and its object code."""
    source = Unit(name).source
    if isinstance(source, Node):
        return compile_loop(source, loop_of(source), [source.function])
    from numba import njit

    from weft.core import lowering

    lowering.teach()
    entry, count = _entry(source.function, njit(**lowering.PART)(source.function))
    return _machine_code(source, entry, count)


def compile_loop(source: Node, loop: Callable[..., int], functions: list[Callable[..., Any]]) -> tuple[str, bytes]:
    """Compile a loop that a node's frames go through, with functions of nodes as its parts: its symbol and its code."""
    from weft.core import lowering

    lowering.teach()
    for function in functions:
        lowering.inline_once(function)
    return _machine_code(source, loop, 3)


def _machine_code(source: Node | Routine, entry: Callable[..., int], count: int) -> tuple[str, bytes]:
    from numba import cfunc, types

    from weft.core import lowering

    lowering.enter_by(source, entry)
    signature = types.int64(*[types.int64] * count)
    compiled = cfunc(signature, **lowering.OPTIONS)(entry)
    return compiled._wrapper_name, _object_code(compiled._library)


def _object_code(library: Any) -> bytes:
    """Object code that can be linked with other units': a function that was not inlined is known in its unit alone,
    since another unit may have one of the same name.
    """
    from llvmlite.binding import Linkage

    parts = [each for each in library._final_module.functions if each.linkage is Linkage.linkonce_odr]
    if not parts:
        _, _, (code, _) = library.serialize_using_object_code()
        return code  # type: ignore[no-any-return]
    for each in parts:
        each.linkage = Linkage.internal
    return library._codegen._tm.emit_object(library._final_module)  # type: ignore[no-any-return]


def _entry(function: Callable[..., Any], dispatcher: Any) -> tuple[Callable[..., int], int]:
    """A function of plain numbers around a routine, which may take views."""
    scope: dict[str, Any] = {"routine": dispatcher}
    arguments = []
    parameters = list(inspect.signature(function).parameters.values())
    for index, parameter in enumerate(parameters):
        annotation = parameter.annotation
        if isinstance(annotation, str):
            annotation = eval(annotation, function.__globals__)
        if isinstance(annotation, type) and issubclass(annotation, View):
            scope[f"View{index}"] = annotation
            arguments.append(f"View{index}(a{index})")
        else:
            arguments.append(f"a{index}")
    name = f"routine_{function.__module__}_{function.__name__}".replace(".", "_")
    names = ", ".join(f"a{index}" for index in range(len(parameters)))
    exec(f"def {name}({names}):\n    return routine({', '.join(arguments)})", scope)
    return scope[name], len(parameters)


def compile_all(names: list[str], store: Store, progress: Progress | None = None) -> dict[str, tuple[str, bytes]]:
    """Symbol and object code of each unit: from the store, or compiled now with all cores and kept."""
    return _compile(_keys(names), store, progress)


def _keys(names: list[str]) -> dict[str, str]:
    digests = Digests()
    return {name: Unit(name).key_among(digests) for name in names}


def _compile(keys: dict[str, str], store: Store, progress: Progress | None) -> dict[str, tuple[str, bytes]]:
    ready = _kept(keys, store)
    if len(ready) == len(keys):
        return ready
    report = progress or (lambda done, total, what: None)
    count = len(keys) - len(ready)
    report(0, count, "starting the compiler")
    with store.filling(lambda: report(0, count, "another process is compiling")):
        ready |= _kept({name: key for name, key in keys.items() if name not in ready}, store)
        missing = [name for name in keys if name not in ready]
        with closing(in_processes(compile_unit, missing)) as results:
            for done, (name, future) in enumerate(results, 1):
                try:
                    ready[name] = future.result()
                except Exception as error:
                    raise CompileError(f"{name} cannot be compiled: {error}") from error
                store.put(keys[name], *ready[name])
                report(done, len(missing), name)
        store.prune()
    return ready


def _kept(keys: dict[str, str], store: Store) -> dict[str, tuple[str, bytes]]:
    return {name: kept for name, key in keys.items() if (kept := store.get(key))}


def load_all(names: list[str], store: Store, progress: Progress | None = None) -> dict[str, int]:
    """The address of each unit's machine code. What this process has loaded once it has for all its engines."""
    keys = _keys(names)
    fresh = {name: key for name, key in keys.items() if key not in _loaded}
    _loaded.update(load({keys[name]: unit for name, unit in _compile(fresh, store, progress).items()}))
    return {name: _loaded[key] for name, key in keys.items()}


def loaded(key: str) -> int:
    """The address of machine code that this process has loaded; 0: it has not."""
    return _loaded.get(key, 0)


def kept_code(key: str, store: Store) -> int:
    """The address of machine code that a store has, which is loaded now; 0: it has none."""
    unit = store.get(key)
    if unit is not None:
        _loaded.update(load({key: unit}))
    return loaded(key)


#: By its digest, where machine code is that has been loaded.
_loaded: dict[str, int] = {}


@cache
def python_callable(address: int, count: int) -> Callable[..., int]:
    """Compiled code as a function for Python; it runs without the interpreter's lock."""
    return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * count)(address)


__all__ = [
    "CompileError",
    "Progress",
    "Store",
    "Unit",
    "compile_all",
    "compile_loop",
    "kept_code",
    "load_all",
    "loaded",
    "python_callable",
]
