"""Receive queues: which thread reads them, and how."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from weft import Engine
from weft.core.cli import CliError
from weft.core.memory import fill
from weft.features.interface.model import Interface, Interfaces
from weft.features.interface.placement import RxMode, RxQueue, RxQueues
from weft.features.pg.model import MAX_STREAMS, PacketGenerator, Stream, streams


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(workers=2) as engine:
        yield engine


@pytest.fixture
def port(engine: Engine) -> Interface:
    """pg0 with two queues that a file descriptor wakes; they are streams without packets."""
    port = engine[PacketGenerator].create("pg0")
    for number in (0, 1):
        stream = streams[MAX_STREAMS - 1 - number]
        fill(stream.address, 0, Stream.size)
        engine[RxQueues].add(port, "pg-input", stream.address, number=number, fd=os.eventfd(0))
    return port


def refused(engine: Engine, command: str) -> str:
    with pytest.raises(CliError) as error:
        engine.cli(command)
    return str(error.value)


def test_queues_are_spread_over_the_workers(engine: Engine, port: Interface) -> None:
    assert engine.cli("show interface rx-placement").splitlines() == [
        "Thread 1 (vpp_wk_0):",
        " node pg-input:",
        "    pg0 queue 0 (adaptive)",
        "Thread 2 (vpp_wk_1):",
        " node pg-input:",
        "    pg0 queue 1 (adaptive)",
    ]


def test_another_worker_and_another_mode(engine: Engine, port: Interface) -> None:
    engine.cli("set interface rx-placement pg0 queue 1 worker 0")
    engine.cli("set interface rx-mode pg0 queue 0 polling")
    assert engine.cli("show interface rx-placement").splitlines() == [
        "Thread 1 (vpp_wk_0):",
        " node pg-input:",
        "    pg0 queue 0 (polling)",
        "    pg0 queue 1 (adaptive)",
    ]
    assert engine.cli("show hardware-interfaces pg0").splitlines()[3:7] == [
        "  RX Queues:",
        "    queue thread         mode",
        "    0     vpp_wk_0 (1)   polling",
        "    1     vpp_wk_0 (1)   adaptive",
    ]
    engine.cli("set interface rx-mode pg0 interrupt")
    assert [queue.mode for queue in engine[RxQueues].of(port)] == [RxMode.INTERRUPT, RxMode.INTERRUPT]


def test_the_driver_hears_of_changes(engine: Engine, port: Interface) -> None:
    heard: list[tuple[int, RxMode]] = []
    first, _ = engine[RxQueues].of(port)
    first.changed = lambda queue: heard.append((queue.thread, queue.mode))
    engine.cli("set interface rx-mode pg0 queue 0 polling")
    engine.cli("set interface rx-mode pg0 queue 0 polling")
    engine.cli("set interface rx-placement pg0 worker 1")
    assert heard == [(1, RxMode.POLLING), (2, RxMode.POLLING)]


def test_a_queue_at_rest_keeps_its_place(engine: Engine, port: Interface) -> None:
    first, _ = engine[RxQueues].of(port)
    engine[RxQueues].activate(first, False)
    engine.cli("set interface rx-placement pg0 worker 1")
    assert first.queue is None
    engine[RxQueues].activate(first)
    assert first.queue is not None
    assert engine.workers.thread_of(first.queue) == first.thread == 2


def test_an_interface_takes_its_queues_with_it(engine: Engine, port: Interface) -> None:
    engine[Interfaces].remove(port)
    assert engine.cli("show interface rx-placement") == ""


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("rx-placement pg0 worker 2", "worker 2 forwards no packets; choose worker 0 to 1"),
        ("rx-placement pg0 main", "main forwards no packets; choose worker 0 to 1"),
        ("rx-placement pg0 queue 7 worker 1", "pg0 has no receive queue 7"),
        ("rx-placement local0 worker 1", "local0 has no receive queue 0"),
        ("rx-mode local0 polling", "local0 has no receive queue"),
        ("rx-mode pg0 queue 2 interrupt", "pg0 can only be polled: it cannot wake a thread"),
    ],
)
def test_what_cannot_be(engine: Engine, port: Interface, command: str, message: str) -> None:
    stream = streams[MAX_STREAMS - 3]
    fill(stream.address, 0, Stream.size)
    polled: RxQueue = engine[RxQueues].add(port, "pg-input", stream.address, number=2)
    assert polled.mode is RxMode.POLLING
    words = " ".join(["set interface", command.split()[0]])
    assert refused(engine, f"set interface {command}") == f"{words}: {message}"
