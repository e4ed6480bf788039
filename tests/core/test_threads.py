"""Worker threads: they stand still at a barrier, sleep with nothing to do, and wake when there is something."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from weft import Engine
from weft.core import memory
from weft.core.buffer import pool
from weft.core.runtime import threads_in_use, workers
from weft.features.interface.model import Interfaces
from weft.features.pg.model import PacketGenerator

from .packet_code import Doorbell, Published, doorbell, published, strangers, words


@pytest.fixture(scope="module")
def running() -> Iterator[Engine]:
    """Two workers, on two cores or one."""
    with Engine(workers=2, interpret=False) as engine:
        port = engine[PacketGenerator].create("pg0")
        engine[Interfaces].set_admin(port, True)
        yield engine


def wait(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


def flood(engine: Engine, name: str, thread: int) -> None:
    """Packets without end on a thread."""
    port = engine[Interfaces]["pg0"]
    engine[PacketGenerator].add(name, port, [bytes([n]) * 60 for n in range(8)], node="pg0-tx", thread=thread)
    engine[PacketGenerator].enable(name)
    assert wait(lambda: engine.graph.runtime("pg-input", thread).vectors > 10_000)


def test_threads_have_vpp_s_names(running: Engine) -> None:
    assert running.workers.names == ["vpp_main", "vpp_wk_0", "vpp_wk_1"]
    assert {"vpp_wk_0", "vpp_wk_1"} <= {thread.name for thread in threading.enumerate()}
    assert len(set(running.workers.lwp.values())) == 3


@pytest.mark.parametrize("name", [name for name in Published.fields if name.startswith("told")])
def test_what_python_stores_is_seen_whole(running: Engine, name: str) -> None:
    """A worker sees a number as it was before or as it is after, whatever its bytes; nothing between."""
    words_of = []
    for value in (0x00FF, 0x0100):
        setattr(published, name, value)
        words_of.append(memory.atomic_load(published.address + Published.fields[name].offset))
    words[0], words[1], words[2] = 0, *words_of
    seen: list[int] = []
    watcher = threading.Thread(
        target=lambda: seen.append(
            running.call(strangers, published.address + Published.fields[name].offset, words.address)
        )
    )
    watcher.start()
    for _ in range(20_000):
        setattr(published, name, 0x00FF)
        setattr(published, name, 0x0100)
    words[0] = 1
    watcher.join()
    assert seen == [0]


def test_nothing_moves_within_a_barrier(running: Engine) -> None:
    for thread in (1, 2):
        flood(running, f"flood-{thread}", thread)
    for _ in range(30):
        with running.workers.barrier():
            before = [(workers[thread].loops, workers[thread].pending_tail) for thread in (1, 2)]
            with running.workers.barrier():
                time.sleep(0.002)
            assert [(workers[thread].loops, workers[thread].pending_tail) for thread in (1, 2)] == before
            assert all(workers[thread].pending_head == workers[thread].pending_tail for thread in (1, 2))
        assert wait(lambda before=before: all(workers[t].loops > before[t - 1][0] for t in (1, 2)))  # type: ignore[misc]
    for thread in (1, 2):
        running[PacketGenerator].delete(f"flood-{thread}")


def test_barriers_follow_one_another_at_once(running: Engine) -> None:
    flood(running, "flood", 1)
    for _ in range(2000):
        with running.workers.barrier():
            before = workers[1].loops
            memory.fence()
            assert workers[1].loops == before
    running[PacketGenerator].delete("flood")


def test_quiesce_waits_for_a_whole_loop_of_each_thread(running: Engine) -> None:
    flood(running, "flood", 1)
    for _ in range(200):
        before = workers[1].loops
        running.workers.quiesce()
        assert workers[1].loops >= before + 2
    with running.workers.barrier():
        running.workers.quiesce()  # all stand still: nothing to wait for
    running[PacketGenerator].delete("flood")


def test_quiesce_does_not_wait_for_sleepers(running: Engine) -> None:
    assert wait(lambda: all(workers[thread].sleeping for thread in (1, 2)))
    start = time.monotonic()
    for _ in range(100):
        running.workers.quiesce()
    assert time.monotonic() - start < 0.5


def test_an_injected_packet_runs_on_the_thread_that_is_named(running: Engine) -> None:
    for thread in (1, 2, 1, 2):
        words[2] = 0
        assert wait(lambda thread=thread: workers[thread].sleeping != 0)  # type: ignore[misc]
        assert running.workers.inject(b"packet", "test-whereabouts", thread=thread)
        assert wait(lambda: words[2] != 0, 0.5), "the worker slept on"
        assert words[2] == thread + 1
    assert running.workers.inject(b"packet", "test-whereabouts")
    assert wait(lambda: running.graph.runtime("test-whereabouts", 1).vectors == 3)


def test_a_full_inbox_refuses_and_loses_no_buffer(running: Engine) -> None:
    with running.workers.barrier():
        sent = [running.workers.inject(b"packet", "test-whereabouts", thread=1) for _ in range(1100)]
    assert sent.count(True) == 1024
    assert sent[:1024] == [True] * 1024
    before = pool.total - sum(workers[thread].cache.count for thread in threads_in_use())
    assert wait(lambda: pool.free + sum(workers[thread].cache.count for thread in threads_in_use()) == pool.total), (
        before
    )


def test_a_device_wakes_its_thread(running: Engine) -> None:
    fd = os.eventfd(0, os.EFD_NONBLOCK)
    memory.fill(doorbell.address, 0, Doorbell.size)
    doorbell.bell_fd = fd
    queue = running.workers.place(2, "test-doorbell", doorbell.address, fd=fd)
    assert running.workers.thread_of(queue) == 2
    for ring in range(1, 6):
        assert wait(lambda: workers[2].sleeping != 0)
        looks = doorbell.times_looked
        time.sleep(0.02)
        assert doorbell.times_looked == looks, "a sleeping thread looked"
        os.eventfd_write(fd, 1)
        assert wait(lambda ring=ring: doorbell.rings == ring, 0.5), "the worker slept on"  # type: ignore[misc]
    running.workers.displace(queue, fd=fd)
    looks = doorbell.times_looked
    running.workers.wake(2)
    time.sleep(0.05)
    assert doorbell.times_looked == looks
    os.close(fd)


def test_a_wake_up_between_the_last_look_and_sleep_is_not_lost(running: Engine) -> None:
    """Rings at every moment of falling asleep."""
    fd = os.eventfd(0, os.EFD_NONBLOCK)
    memory.fill(doorbell.address, 0, Doorbell.size)
    doorbell.bell_fd = fd
    queue = running.workers.place(1, "test-doorbell", doorbell.address, fd=fd)
    for ring in range(1, 300):
        os.eventfd_write(fd, 1)
        assert wait(lambda ring=ring: doorbell.rings == ring, 0.7), "the worker slept on"  # type: ignore[misc]
        until = time.perf_counter() + ring * 2e-6
        while time.perf_counter() < until:
            pass
    running.workers.displace(queue, fd=fd)
    os.close(fd)


def test_a_polling_queue_keeps_its_thread_awake(running: Engine) -> None:
    flood(running, "flood", 1)
    assert not any(workers[1].sleeping for _ in range(1000))
    running[PacketGenerator].delete("flood")
    assert wait(lambda: workers[1].sleeping != 0)


def test_packets_of_two_threads_are_counted_together(running: Engine) -> None:
    port = running[Interfaces]["pg0"]
    for thread in (1, 2):
        running[PacketGenerator].add(f"some-{thread}", port, [bytes(60)], limit=1000 * thread, thread=thread)
        running[PacketGenerator].enable(f"some-{thread}")
    streams = running[PacketGenerator].streams
    assert wait(lambda: not any(stream.enabled for stream in streams.values()))
    assert wait(lambda: sum(running.graph.errors().values()) >= 3000)
    assert [streams[f"some-{thread}"].row.sent for thread in (1, 2)] == [1000, 2000]
    for thread in (1, 2):
        running[PacketGenerator].delete(f"some-{thread}")
    assert wait(lambda: pool.free + sum(workers[thread].cache.count for thread in threads_in_use()) == pool.total)
