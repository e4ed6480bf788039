"""The hash table behaves as a dict, whatever is done to it in whatever order; readers never miss what is there."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weft import Engine
from weft.core import arena, memory
from weft.core.hashmap import HashMap, put_one
from weft.core.memory import wrap
from weft.core.node import routine
from weft.core.table import LOAD, SLOTS, HashTable, hash_of, lookup

table = arena.root("test-table", HashTable)


@routine
def count_wrong(first: int, last: int, rounds: int) -> int:
    """How many of the keys from ``first`` to ``last`` do not have their own number as value, over some rounds."""
    wrong = 0
    for _ in range(rounds):
        for key in range(first, last):
            wrong += lookup(table, key, -1) != key
    return wrong


@pytest.fixture(scope="module", params=["compiled", "interpreted"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with Engine(workers=0, interpret=request.param == "interpreted") as engine:
        yield engine


def fresh(engine: Engine, buckets: int = 1) -> HashMap:
    """An empty table."""
    if table.where:
        engine.arena.release(table.where & -64)
        memory.fill(table.address, 0, HashTable.size)
    return HashMap(engine, table, buckets=buckets)


def same_bucket(count: int, buckets: int) -> list[int]:
    """Keys that all want the same bucket."""
    bits = buckets.bit_length() - 1
    found = (key for key in range(1, 1 << 30) if (hash_of(key) >> (64 - bits) & buckets - 1) == 0)
    return [next(found) for _ in range(count)]


CROWDED = same_bucket(20, 64)
KEYS = st.one_of(
    st.integers(1, 60),
    st.sampled_from(CROWDED),
    st.integers(-(1 << 63), (1 << 63) - 1).filter(bool),
)
VALUES = st.integers(-(1 << 63), (1 << 63) - 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, VALUES),
        st.tuples(st.just("remove"), KEYS, st.just(0)),
        st.tuples(st.just("get"), KEYS, st.just(0)),
        st.tuples(st.just("grow"), st.just(0), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_it_is_a_dict(engine: Engine, steps: list[tuple[str, int, int]]) -> None:
    mapping, model = fresh(engine), {}
    for step, key, value in steps:
        match step:
            case "put":
                mapping[key] = model[key] = value
            case "remove":
                assert mapping.discard(key) == (model.pop(key, None) is not None)
            case "get":
                assert mapping.get(key, 77) == model.get(key, 77)
            case "grow" if mapping.buckets < 1024:
                mapping.grow()
        assert len(mapping) == len(model)
    assert dict(mapping.items()) == model
    assert all(mapping.get(key, value + 1 if value < 0 else value - 1) == value for key, value in model.items())


def test_keys_that_want_the_same_bucket_find_room(engine: Engine) -> None:
    """Eight stand in two buckets; more make others move, and at last the table grow."""
    mapping = fresh(engine, 64)
    for key in CROWDED:
        mapping[key] = -key
    assert dict(mapping.items()) == {key: -key for key in CROWDED}


def test_it_grows_before_it_is_full(engine: Engine) -> None:
    mapping = fresh(engine, 1)
    for key in range(1, 501):
        mapping[key] = key
    assert mapping.buckets * SLOTS * LOAD + 100 >= 500 * 100
    assert all(mapping.get(key) == key for key in range(1, 501))


def test_many_are_put_at_once(engine: Engine) -> None:
    count = 3000 if engine.interpret else 200_000
    mapping = fresh(engine)
    mapping.put_many(array("q", (number for key in range(1, count + 1) for number in (wrap(key << 40), -key))))
    assert len(mapping) == count
    assert all(mapping.get(wrap(key << 40)) == -key for key in range(1, count + 1, 97))
    mapping.update((wrap(key << 40), key) for key in range(1, count + 1, 2))
    assert len(mapping) == count
    assert [mapping.get(wrap(key << 40)) for key in (1, 2, 3)] == [1, -2, 3]


def test_most_keys_stand_in_their_first_bucket(engine: Engine) -> None:
    """One cache line a lookup, even when the table is about to grow, for keys as networks make them."""
    mapping = fresh(engine, 1024)
    count = 1024 * SLOTS * LOAD // 100 - 1
    mapping.update((int.from_bytes(b"\2\0\0" + n.to_bytes(3, "big"), "little") | 1 << 48, n) for n in range(count))
    assert mapping.buckets == 1024
    shift = table.where & 63
    first = 0
    rows = memory.read(table.where & -64, 64 * 1024)
    for bucket in range(1024):
        keys = array("q", rows[64 * bucket : 64 * bucket + 32])
        first += sum(memory.shift_right(hash_of(key), shift) == bucket for key in keys if key)
    assert first > 0.85 * count


def test_key_0_cannot_be_used(engine: Engine) -> None:
    with pytest.raises(ValueError, match="key 0"):
        fresh(engine)[0] = 1
    with pytest.raises(ValueError, match="key 0"):
        fresh(engine).put_many(array("q", [0, 1]))


def test_removing_what_is_not_there_is_an_error(engine: Engine) -> None:
    with pytest.raises(KeyError):
        del fresh(engine)[5]


def test_readers_miss_nothing_while_entries_come_move_and_go(engine: Engine) -> None:
    """Keys 1 to 400 stay; others crowd into the same buckets, and go again, while another thread reads."""
    mapping = fresh(engine, 256)
    for key in range(1, 401):
        mapping[key] = key
    wrong: list[int] = []
    rounds = 3 if engine.interpret else 5000
    reader = threading.Thread(target=lambda: wrong.append(engine.call(count_wrong, 1, 401, rounds)))
    reader.start()
    number = 1000
    while reader.is_alive() or number < 3000:
        number += 1
        engine.call(put_quietly, number)
        if number % 600 == 0:
            for gone in range(number - 599, number + 1):
                mapping.discard(gone)
    reader.join()
    assert wrong == [0]
    assert table.moves > 0


@routine
def put_quietly(key: int) -> int:
    """``put_one`` that never asks for growth: the test's reader is no worker, nobody would wait for it."""
    table.limit = 1 << 40
    result = put_one(table, key, key)
    table.wanted = 0
    return result
