"""The arena: constant addresses for what is static, a heap that gives zeroed memory, one engine at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.core import arena, memory
from weft.core.arena import HEAP_BASE, HUGE_PAGE, LINE, Arena

from .packet_code import everything as everything


@pytest.fixture
def mapped() -> Iterator[Arena]:
    made = Arena(1 << 21)
    yield made
    made.close()


def test_memory_is_zeroed_when_it_is_used_again(mapped: Arena) -> None:
    for size in (1, 64, 100, 4096, 65536, 200_000, 5 << 20):
        first = mapped.allocate(size)
        assert memory.read(first, size) == bytes(size)
        memory.fill(first, 0xFF, size)
        mapped.release(first)
        again = mapped.allocate(size)
        assert again == first
        assert memory.read(again, size) == bytes(size)


def test_alignment(mapped: Arena) -> None:
    for size in (1, 63, 64, 65, 129, 4097):
        assert mapped.allocate(size) % LINE == 0
    assert mapped.allocate(HUGE_PAGE + 1) % HUGE_PAGE == 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 100_000)), max_size=60))
def test_pieces_never_overlap(steps: list[tuple[bool, int]]) -> None:
    mapped = Arena(1 << 21)
    try:
        held: dict[int, int] = {}
        for give, size in steps:
            if give and held:
                mapped.release(held.popitem()[0])
                continue
            address = mapped.allocate(size)
            assert all(address + size <= other or other + length <= address for other, length in held.items())
            held[address] = size
        assert mapped.heap_used() >= sum(held.values())
        for address in held:
            mapped.release(address)
        assert mapped.heap_used() == 0
    finally:
        mapped.close()


def test_memory_that_is_given_back_occupies_none(mapped: Arena) -> None:
    address = mapped.allocate(8 << 20)
    memory.fill(address, 1, 8 << 20)
    before = mapped.heap.resident()
    mapped.release(address)
    assert before - mapped.heap.resident() == 8 << 20


def test_what_nobody_has_touched_occupies_no_memory(mapped: Arena) -> None:
    mapped.allocate(1 << 30)
    assert mapped.heap.resident() == 0


def test_the_heap_has_an_end(mapped: Arena) -> None:
    with pytest.raises(MemoryError, match="heap has no"):
        mapped.allocate(arena.HEAP_SIZE * 2)


def test_two_tables_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="already has a table named test-everything"):
        arena.reserve("test-everything", 8)


def test_a_table_that_does_not_fit_is_refused() -> None:
    before = dict(arena.layout)
    with pytest.raises(MemoryError, match="does not fit"):
        arena.reserve("test-too-large", 1 << 40)
    assert arena.layout == before


def test_a_refused_table_takes_no_room(mapped: Arena) -> None:
    with pytest.raises(MemoryError):
        arena.reserve("test-too-large", 1 << 40)
    following = arena.reserve("test-small", 8)
    try:
        assert following < arena.BASE + arena.STATIC_SIZE
    finally:
        del arena.layout["test-small"]


def test_tables_do_not_share_cache_lines() -> None:
    stretches = sorted(arena.layout.values())
    for (address, size), (following, _) in itertools.pairwise(stretches):
        assert address % LINE == 0
        assert address + size <= following


def test_a_second_arena_is_refused_and_the_first_lives_on(mapped: Arena) -> None:
    address = mapped.allocate(64)
    with pytest.raises(MemoryError, match="one engine at a time: close the other first"):
        Arena(1 << 21)
    memory.write(address, b"still here")
    assert memory.read(address, 10) == b"still here"


def test_closed_memory_is_gone() -> None:
    mapped = Arena(1 << 21)
    mapped.close()
    with pytest.raises(memory.BadAccess):
        memory.read(HEAP_BASE, 1)
    with Mapped() as again:
        assert memory.read(again.allocate(64), 64) == bytes(64)


class Mapped:
    def __enter__(self) -> Arena:
        self.arena = Arena(1 << 21)
        return self.arena

    def __exit__(self, *_: object) -> None:
        self.arena.close()


def test_regions_may_not_overlap(mapped: Arena) -> None:
    with pytest.raises(ValueError, match="overlaps"):
        memory.add_region("another", HEAP_BASE + 4096, 8192)
    with pytest.raises(ValueError, match="overlaps"):
        memory.add_region("another", HEAP_BASE - 4096, 8192)


@pytest.mark.parametrize(("address", "size"), [(HEAP_BASE + 4, 8), (HEAP_BASE, 12)])
def test_regions_are_whole_words(address: int, size: int) -> None:
    """So the number at the end of one is read in one access, as any other."""
    with pytest.raises(ValueError, match="whole words"):
        memory.add_region("odd", address, size)
