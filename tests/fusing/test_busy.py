"""A worker with much traffic: nodes are fused in the background, while packets go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from bench.cases import chosen

from weft import Engine
from weft.features.interface.model import Interfaces, drops, rx, tx
from weft.features.pg.model import PacketGenerator

STREAM = "busy"
PATIENCE = 300  #: seconds, for a machine that does much else


@pytest.fixture
def busy() -> Iterator[Engine]:
    """Two cross-connected ports and as many packets as a worker can take."""
    with Engine(workers=1, interpret=False, fuse="on") as engine:
        (case,) = chosen(["l2-xconnect"])
        setup = case.build()
        for line in setup.lines:
            engine.cli(line)
        engine[PacketGenerator].add(STREAM, engine[Interfaces][setup.port], setup.frames)
        engine[PacketGenerator].enable(STREAM)
        yield engine


def until(engine: Engine, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, "nothing has been fused"
        engine.pump()
        time.sleep(0.005)


def counts(engine: Engine) -> tuple[int, int, int]:
    """Packets that came in by the first port, that left by the second, that were dropped."""
    first, second = (engine[Interfaces][name].sw_if_index for name in ("pg0", "pg1"))
    return rx.read(first)[0], tx.read(second)[0], drops.read(first)


def test_what_is_busy_is_fused_and_no_packet_is_lost(busy: Engine) -> None:
    until(busy, lambda: bool(busy.fuser.installed))
    assert [fusion.name for fusion in busy.fuser.installed] == ["ethernet-input + l2-input + l2-output"]
    before = counts(busy)
    until(busy, lambda: counts(busy)[1] > before[1] + 100_000)
    busy.cli("set interface state pg1 down")
    assert busy.fuser.installed == []
    dropped = counts(busy)[2]
    until(busy, lambda: counts(busy)[2] > dropped + 1000)
    busy.cli("set interface state pg1 up")
    until(busy, lambda: bool(busy.fuser.installed))
    busy[PacketGenerator].disable(STREAM)
    busy.workers.quiesce()
    came, left, lost = counts(busy)
    assert came == left + lost


def test_off_means_off(busy: Engine) -> None:
    busy.cli("set graph fuse off")
    end = time.monotonic() + 3
    until(busy, lambda: time.monotonic() > end)
    assert busy.fuser.installed == [] and busy.fuser.making == 0
