"""Timers: what is due is done, in order, on a clock that can be turned."""

from __future__ import annotations

import pytest

from weft import Engine
from weft.core.timers import now


def test_in_the_order_in_which_they_are_due(shared: Engine) -> None:
    done: list[str] = []
    shared.timers.after(3, lambda: done.append("c"))
    shared.timers.after(1, lambda: done.append("a"))
    shared.timers.after(2, lambda: done.append("b"))
    shared.advance(0.5)
    assert done == []
    shared.advance(2)
    assert done == ["a", "b"]
    shared.advance(1)
    assert done == ["a", "b", "c"]


def test_again_and_again(shared: Engine) -> None:
    seconds: list[float] = []
    timer = shared.timers.every(10, lambda: seconds.append(shared.timers.seconds))
    start = shared.timers.seconds
    shared.advance(65)
    assert [round(each - start) for each in seconds] == [10, 20, 30, 40, 50, 60]
    timer.cancel()
    shared.advance(65)
    assert len(seconds) == 6


def test_a_cancelled_timer_does_nothing(shared: Engine) -> None:
    done: list[int] = []
    timer = shared.timers.after(1, lambda: done.append(1))
    timer.cancel()
    shared.advance(5)
    assert not done


def test_a_timer_may_cancel_itself_and_start_others(shared: Engine) -> None:
    done: list[float] = []
    start = shared.timers.seconds

    def action() -> None:
        done.append(round(shared.timers.seconds - start))
        if len(done) == 2:
            timer.cancel()
            shared.timers.after(1, lambda: done.append(round(shared.timers.seconds - start)))

    timer = shared.timers.every(1, action)
    shared.advance(10)
    assert done == [1, 2, 3]


def test_a_mistake_is_logged_and_ends_nothing(shared: Engine, caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    def mistake() -> None:
        raise RuntimeError("in a timer")

    broken = shared.timers.every(1, mistake)
    shared.timers.after(2.5, lambda: done.append(1))
    shared.advance(3)
    broken.cancel()
    assert done == [1]
    assert caplog.text.count("a timer's action failed") == 3


def test_packet_code_sees_the_time(shared: Engine) -> None:
    before = now.milliseconds
    shared.advance(60)
    assert 60_000 <= now.milliseconds - before < 61_000


def test_what_is_due_is_done_by_running_the_engine(shared: Engine) -> None:
    done: list[int] = []
    shared.timers.after(0, lambda: done.append(1))
    shared.pump()
    assert done == [1]
    assert 0 <= shared.timers.run() <= 0.1
