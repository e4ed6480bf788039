"""The engine as an object: started, stopped and started again in one process; never twice at a time."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from weft import Engine
from weft.core.compiler import Store
from weft.features.interface.model import Interfaces
from weft.features.pg.model import PacketGenerator

from . import packet_code as packet_code


def forward(engine: Engine) -> int:
    """One packet comes in; how many packets ethernet-input had."""
    port = engine[PacketGenerator].create("pg0")
    engine[Interfaces].set_admin(port, True)
    engine[PacketGenerator].send(port, [bytes(60)])
    count: int = engine.graph.runtime("ethernet-input", 0).vectors
    return count


@pytest.mark.parametrize("interpret", [False, True])
def test_an_engine_starts_again_with_nothing_of_the_last(interpret: bool) -> None:
    for _ in range(3):
        with Engine(workers=0, interpret=interpret) as engine:
            assert [interface.name for interface in engine[Interfaces]] == ["local0"]
            assert engine.graph.errors() == {}
            assert forward(engine) == 1


def test_compiled_and_interpreted_engines_may_follow_one_another() -> None:
    for interpret in (False, True, False, True):
        with Engine(workers=0, interpret=interpret) as engine:
            assert forward(engine) == 1


def test_a_second_engine_is_refused_and_the_first_goes_on() -> None:
    handlers = list(logging.getLogger("weft").handlers)
    with Engine(workers=1) as engine:
        with pytest.raises(MemoryError, match="one engine at a time: close the other first"):
            Engine(workers=0)
        assert engine.workers.inject(bytes(60), "error-drop")
        engine[PacketGenerator].create("pg0")
        assert "pg0" in engine.cli("show interface")
    assert logging.getLogger("weft").handlers == handlers


def descriptors() -> set[tuple[str, str]]:
    """What this process has open."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the listing's own
            found.add((number, os.readlink(f"/proc/self/fd/{number}")))
    return found


def test_nothing_is_left_after_close() -> None:
    threads, opened = set(threading.enumerate()), descriptors()
    for _ in range(3):
        with Engine(workers=2):
            assert len(set(threading.enumerate()) - threads) == 2
    assert set(threading.enumerate()) <= threads
    assert descriptors() <= opened


def test_closing_twice_is_closing_once() -> None:
    engine = Engine(workers=1)
    engine.close()
    engine.close()


@pytest.mark.parametrize("workers", [-1, 33, 1000])
def test_an_impossible_number_of_workers_is_refused(workers: int) -> None:
    with pytest.raises(ValueError, match="0 to 32 are possible"):
        Engine(workers=workers)
    Engine(workers=0).close()


def test_a_start_that_fails_leaves_the_way_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Engine, first: int, start: int) -> None:
        raise RuntimeError("no clock")

    before = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(Engine, "_calibrate", fail)
        with pytest.raises(RuntimeError, match="no clock"):
            Engine(workers=1)
    assert len(os.listdir("/proc/self/fd")) == before
    Engine(workers=0).close()


def test_an_unsafe_store_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(PermissionError, match="others can write to it"):
        Engine(workers=0, store=Store(tmp_path))


def test_messages_are_kept() -> None:
    with Engine(workers=0) as engine:
        engine.log.warning("something %s", "strange")
        assert [record.getMessage() for record in engine.messages] == ["something strange"]


class Needy:
    """A model that needs itself."""

    def __init__(self, engine: Engine) -> None:
        engine[Needy]


def test_models_that_need_one_another_in_a_circle_are_named() -> None:
    with Engine(workers=0) as engine, pytest.raises(RuntimeError, match="Needy → Needy"):
        engine[Needy]


class Closing:
    def __init__(self, engine: Engine) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def test_models_are_made_once_and_closed() -> None:
    engine = Engine(workers=0)
    made = engine[Closing]
    assert engine[Closing] is made
    engine.close()
    assert made.closed == 1
