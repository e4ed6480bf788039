"""Kept machine code: what is damaged is compiled again, and what others could have written is refused."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest

from weft.core.compiler import CompileError, Store, Unit, compile_all, loop_of, python_callable
from weft.core.compilers import in_processes
from weft.core.loader import load
from weft.core.node import NODES, ROUTINES, Kind, Node

from .packet_code import word as word

UNIT = f"{word.__module__}.{word.__qualname__}"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "kept")


def test_what_is_kept_comes_back(store: Store) -> None:
    store.put("key", "symbol", b"code\nwith lines\n")
    assert store.get("key") == ("symbol", b"code\nwith lines\n")
    assert store.get("other") is None


@pytest.mark.parametrize("cut", [0, 1, 63, 64, 65, 70, -1])
def test_a_truncated_file_is_not_used(store: Store, cut: int) -> None:
    store.put("key", "symbol", b"some code")
    path = store.path / "key.o"
    path.write_bytes(path.read_bytes()[:cut])
    assert store.get("key") is None


def test_a_changed_byte_is_noticed_anywhere(store: Store) -> None:
    store.put("key", "symbol", b"some code")
    path = store.path / "key.o"
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert store.get("key") is None, at


def test_units_with_the_same_symbols_do_not_become_one(store: Store) -> None:
    unit = compile_all([UNIT], store)[UNIT]
    found = load({"one": unit, "other": unit})
    assert found["one"] != found["other"]
    assert [python_callable(found[name], 3)(1, 6, 7) for name in found] == [42, 42]


def _recursive(step: str) -> tuple[str, bytes]:
    """A unit with a function that cannot be inlined, which has the same name whatever the step is."""
    from numba import njit, types

    from weft.core import compiler, lowering

    scope: dict[str, Any] = {}
    exec(f"def climb(n):\n    return {step} + climb(n - 1) if n else 0", scope)
    exec(f"def climb_by_{step}(n):\n    return climb(n)", scope)
    scope["climb"] = njit(types.int64(types.int64), **lowering.PART)(scope["climb"])
    return compiler._machine_code(ROUTINES[UNIT], scope[f"climb_by_{step}"], 1)


def test_functions_that_are_not_inlined_stay_apart_where_their_names_are_the_same() -> None:
    units = {step: future.result() for step, future in in_processes(_recursive, ["3", "5"])}
    found = load(units)
    assert {step: python_callable(address, 1)(4) for step, address in found.items()} == {"3": 12, "5": 20}


def test_of_several_units_the_one_that_cannot_be_linked_is_named(store: Store) -> None:
    units = compile_all([UNIT], store)
    with pytest.raises(CompileError, match=r"^the kept machine code of strange cannot be used"):
        load({"one": units[UNIT], "two": ("strange", b"no object code")})


def test_a_damaged_unit_is_compiled_again(store: Store) -> None:
    first = compile_all([UNIT], store)
    path = store.path / f"{Unit(UNIT).key}.o"
    kept = path.read_bytes()
    path.write_bytes(kept[: len(kept) // 2])
    reported = []
    again = compile_all([UNIT], store, lambda done, total, what: reported.append((done, total)))
    assert again.keys() == first.keys()
    assert reported == [(0, 1), (1, 1)]
    assert store.get(Unit(UNIT).key) == again[UNIT]
    reported.clear()
    compile_all([UNIT], store, lambda done, total, what: reported.append((done, total)))
    assert not reported


def test_what_another_process_is_compiling_is_waited_for(store: Store, tmp_path: Path) -> None:
    unit = compile_all([UNIT], Store(tmp_path / "other"))[UNIT]
    fork = multiprocessing.get_context("fork")
    compiling, waiting = fork.Event(), fork.Event()

    def other() -> None:
        with store.filling():
            compiling.set()
            if waiting.wait(60):
                store.put(Unit(UNIT).key, *unit)

    def progress(done: int, total: int, what: str) -> None:
        reported.add((done, total))
        if what == "another process is compiling":
            waiting.set()

    reported: set[tuple[int, int]] = set()
    process = fork.Process(target=other)
    process.start()
    assert compiling.wait(60)
    assert compile_all([UNIT], store, progress) == {UNIT: unit}
    assert reported == {(0, 1)}
    process.join()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(PermissionError, match="others can write to it"):
        Store(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a folder away")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)
    with pytest.raises(PermissionError, match="others can write to it"):
        Store(folder)


def test_a_new_folder_is_for_its_owner_only(store: Store) -> None:
    assert store.path.stat().st_mode & 0o777 == 0o700


def test_what_was_not_used_for_long_goes(store: Store) -> None:
    store.put("old", "symbol", b"code")
    store.put("new", "symbol", b"code")
    os.utime(store.path / "old.o", (0, 0))
    store.prune(days=30)
    assert store.get("old") is None
    assert store.get("new") is not None


def test_code_that_cannot_be_compiled_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(rt, pkt):  # type: ignore[no-untyped-def]
        return {"a": 1}

    monkeypatch.setitem(NODES, "test-broken", Node("test-broken", broken, Kind.PACKET, None))
    with pytest.raises(CompileError, match="test-broken cannot be compiled"):
        compile_all(["test-broken"], store)


def test_code_that_writes_to_what_is_fixed_cannot_be_compiled(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def meddling(rt, pkt):  # type: ignore[no-untyped-def]
        rt.data = 1
        return 0

    monkeypatch.setitem(NODES, "test-meddling", Node("test-meddling", meddling, Kind.PACKET, None))
    with pytest.raises(CompileError, match=r"data of .*NodeRuntime.* is fixed"):
        compile_all(["test-meddling"], store)


def test_a_node_s_loop_is_named_after_it() -> None:
    assert loop_of(NODES["test-source"]).__name__ == "node_test_source"
