"""Packet buffers: none is ever lost, given twice or in two packets."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weft import Engine
from weft.core import memory
from weft.core.buffer import (
    CACHE_SIZE,
    DATA_SIZE,
    NEXT_PRESENT,
    STRIDE,
    Buffer,
    BufferCache,
    buffer_at,
    pool,
)
from weft.core.runtime import workers
from weft.core.worker import allocate_packet

from .packet_code import give, take_clone, take_many, take_one

TOTAL = 4096


@pytest.fixture
def cache(shared: Engine) -> BufferCache:
    found: BufferCache = workers[0].cache
    return found


def chain(index: int) -> Iterator[Buffer]:
    """The buffers of a packet."""
    while True:
        buffer = buffer_at(index)
        yield buffer
        if not buffer.flags & NEXT_PRESENT:
            return
        index = buffer.next_buffer


def free_count(cache: BufferCache) -> int:
    return pool.free + cache.count


def content(index: int) -> bytes:
    return b"".join(memory.read(buffer.data, buffer.current_length) for buffer in chain(index))


LENGTHS = st.one_of(st.integers(1, DATA_SIZE), st.integers(1, 20_000))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("one"), LENGTHS),
        st.tuples(st.just("many"), st.integers(0, 1500)),
        st.tuples(st.just("clone"), st.integers(0, 1000)),
        st.tuples(st.just("free"), st.integers(0, 1000)),
    ),
    max_size=30,
)


def test_buffers_are_conserved(shared: Engine, cache: BufferCache) -> None:
    into = shared.arena.allocate(4 * TOTAL)

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(STEPS)
    def check(steps: list[tuple[str, int]]) -> None:
        held: list[int] = []
        for what, number in steps:
            if what == "one":
                held.append(shared.call(allocate_packet, cache, number))
            elif what == "many":
                got = shared.call(take_many, cache, into, number)
                indices = memoryview(memory.read(into, 4 * got)).cast("I").tolist()
                for index in indices:
                    buffer_at(index).flags = 0
                held += indices
            elif held and what == "clone":
                held.append(shared.call(take_clone, cache, held[number % len(held)]))
            elif held:
                shared.call(give, cache, held.pop(number % len(held)))
            held = [index for index in held if index]
            used = [buffer.index for index in held for buffer in chain(index)]
            assert len(used) == len(set(used))
            assert free_count(cache) + len(used) == TOTAL
        for index in held:
            shared.call(give, cache, index)
        assert free_count(cache) == TOTAL

    check()
    shared.arena.release(into)


def test_each_buffer_is_given_once(shared: Engine, cache: BufferCache) -> None:
    into = shared.arena.allocate(4 * TOTAL)
    got = shared.call(take_many, cache, into, TOTAL + 1)
    assert got == TOTAL
    indices = memoryview(memory.read(into, 4 * got)).cast("I").tolist()
    assert len(set(indices)) == TOTAL
    assert 0 not in indices
    assert {index * 64 % STRIDE for index in indices} == {0}
    failures = cache.failures
    assert shared.call(take_one, cache) == 0
    assert shared.call(allocate_packet, cache, 100) == 0
    assert cache.failures == failures + 2
    for index in indices:
        buffer_at(index).flags = 0
        shared.call(give, cache, index)
    assert cache.count <= CACHE_SIZE
    assert free_count(cache) == TOTAL
    shared.arena.release(into)


def test_a_packet_that_does_not_fit_takes_nothing(shared: Engine, cache: BufferCache) -> None:
    assert shared.call(allocate_packet, cache, (TOTAL + 1) * DATA_SIZE) == 0
    assert free_count(cache) == TOTAL


@pytest.mark.parametrize("length", [1, 64, DATA_SIZE, DATA_SIZE + 1, 9000, 65535])
def test_a_packet_has_the_length_that_was_asked_for(shared: Engine, cache: BufferCache, length: int) -> None:
    index = shared.call(allocate_packet, cache, length)
    buffers = list(chain(index))
    assert sum(buffer.current_length for buffer in buffers) == length
    assert buffer_at(index).total_length == length
    assert len(buffers) == -(-length // DATA_SIZE)
    shared.call(give, cache, index)


def test_a_clone_is_the_packet_again_and_apart_from_it(shared: Engine, cache: BufferCache) -> None:
    index = shared.call(allocate_packet, cache, 5000)
    for buffer in chain(index):
        memory.write(buffer.data, os.urandom(buffer.current_length))
    first = buffer_at(index)
    first.advance(14)
    first.rx_sw_if_index, first.flow_hash = 7, 99
    before = content(index)
    copied = shared.call(take_clone, cache, index)
    assert content(copied) == before
    assert buffer_at(copied).total_length == 4986
    assert (buffer_at(copied).rx_sw_if_index, buffer_at(copied).flow_hash) == (7, 99)
    memory.fill(buffer_at(copied).data, 0, 100)
    assert content(index) == before
    shared.call(give, cache, copied)
    shared.call(give, cache, index)
    assert free_count(cache) == TOTAL


def test_a_clone_that_finds_no_buffers_leaves_none_behind(shared: Engine, cache: BufferCache) -> None:
    index = shared.call(allocate_packet, cache, 3 * DATA_SIZE)
    into = shared.arena.allocate(4 * TOTAL)
    got = shared.call(take_many, cache, into, TOTAL - 3 - 2)
    assert free_count(cache) == 2
    assert shared.call(take_clone, cache, index) == 0
    assert free_count(cache) == 2
    for other in memoryview(memory.read(into, 4 * got)).cast("I").tolist():
        buffer_at(other).flags = 0
        shared.call(give, cache, other)
    shared.call(give, cache, index)
    assert free_count(cache) == TOTAL
    shared.arena.release(into)


def test_advance_moves_the_start_and_keeps_the_end(shared: Engine, cache: BufferCache) -> None:
    index = shared.call(allocate_packet, cache, 100)
    pkt = buffer_at(index)
    end = pkt.data + pkt.current_length
    pkt.advance(14)
    assert (pkt.current_data, pkt.current_length, pkt.data + pkt.current_length) == (14, 86, end)
    pkt.advance(-18)
    assert (pkt.current_data, pkt.current_length, pkt.data + pkt.current_length) == (-4, 104, end)
    shared.call(give, cache, index)
