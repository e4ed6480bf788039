"""Punting: Python gets the packet, at a bounded rate, whatever happens to it there."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from weft import Engine
from weft.core.buffer import pool
from weft.core.punt import REASONS, SLOTS, SNAP, rings
from weft.core.runtime import workers
from weft.features.interface.model import Interfaces
from weft.features.pg.model import PacketGenerator

from .packet_code import BROKEN, OFTEN, RARE, punted


@pytest.fixture(autouse=True)
def nothing_punted() -> Iterator[None]:
    punted.clear()
    yield
    punted.clear()


def inject(engine: Engine, node: str, *packets: bytes, sw_if_index: int = 0) -> None:
    for packet in packets:
        assert engine.workers.inject(packet, node, rx_sw_if_index=sw_if_index, tx_sw_if_index=3)


def refused(why: int) -> int:
    found: int = rings[0].refused[why]
    return found


def test_the_handler_gets_the_packet(engine: Engine) -> None:
    inject(engine, "test-punt-often", b"first packet", bytes(range(256)) * 30, sw_if_index=5)
    engine.step()
    first, second = punted
    assert (first.data, first.length, first.reason) == (b"first packet", 12, "test-often")
    assert (first.rx_sw_if_index, first.tx_sw_if_index, first.l2, first.l3) == (5, 3, None, None)
    assert second.length == 7680
    assert second.data == (bytes(range(256)) * 30)[:SNAP]
    assert pool.free + workers[0].cache.count == pool.total


def test_a_copy_goes_to_python_and_the_packet_its_way(engine: Engine) -> None:
    inject(engine, "test-punt-copy", b"to be copied")
    engine.step()
    assert [(packet.data, packet.value) for packet in punted] == [(b"to be copied", 42)]
    assert engine.graph.runtime("error-drop", 0).vectors == 1


def test_a_reason_has_a_burst_and_a_rate(engine: Engine) -> None:
    inject(engine, "test-punt-rare", *[b"packet"] * 20)
    engine.step()
    assert len(punted) == REASONS[RARE].burst == 5
    assert refused(RARE) == 15
    name, count, over = engine.punts.counts()[RARE]
    assert (name, count, over) == ("test-rare", 5, 15)


def test_tokens_come_back_with_time(engine: Engine) -> None:
    inject(engine, "test-punt-rare", *[b"packet"] * 6)
    engine.step()
    assert len(punted) == 5
    # As if 250 seconds had passed: at one in 100 seconds that is two packets.
    rings[0].filled[RARE] = rings[0].filled[RARE] - int(250 * engine.clocks_per_second)
    inject(engine, "test-punt-rare", *[b"packet"] * 6)
    engine.step()
    assert len(punted) == 7


def test_another_reason_is_not_held_up(engine: Engine) -> None:
    inject(engine, "test-punt-rare", *[b"packet"] * 20)
    inject(engine, "test-punt-often", *[b"packet"] * 20)
    engine.step()
    assert len(punted) == 25


def test_a_full_ring_refuses_and_loses_nothing_else(engine: Engine) -> None:
    generator = engine[PacketGenerator]
    port = generator.create("pg0")
    engine[Interfaces].set_admin(port, True)
    count = SLOTS + 88
    generator.add("flood", port, [n.to_bytes(2, "big") for n in range(count)], limit=count, node="test-punt-often")
    generator.enable("flood")
    for _ in range(10):
        engine.workers.step()  # without looking at what was punted
    assert refused(OFTEN) == 88
    engine.step()
    engine.step()
    assert [packet.data for packet in punted] == [n.to_bytes(2, "big") for n in range(SLOTS)]
    assert pool.free + workers[0].cache.count == pool.total
    inject(engine, "test-punt-often", b"after")
    engine.step()
    assert punted[-1].data == b"after"


def test_a_handler_s_mistake_is_logged_and_ends_nothing(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        inject(engine, "test-punt-broken", b"one", b"two")
        inject(engine, "test-punt-often", b"three")
        engine.step()
    assert sum("test-broken" in message for message in caplog.messages) == 2
    assert [packet.data for packet in punted] == [b"three"]
    assert engine.punts.counts()[BROKEN][1:] == (2, 0)


def test_more_than_one_drain_takes_is_not_forgotten(engine: Engine) -> None:
    inject(engine, "test-punt-often", *[b"packet"] * 300)
    engine.workers.step()
    assert engine.punts.drain(most=256) == 256
    assert engine.punts.drain(most=256) == 44
    assert engine.punts.drain() == 0
