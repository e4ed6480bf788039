"""Views: a field reads what was written, cut to its size and in its byte order, compiled and interpreted."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft import Engine
from weft.core import memory
from weft.core.view import VIEWS, Bytes, RowsAt, View, over, u8, u32

from .packet_code import Everything, Inner, aim, computed, overlay, peek, poke, through_both, word, word_at

#: Which field of ``poke`` and ``peek`` -> where it is, and its format for ``struct``. By hand, from the declaration.
INNERS, ROWS, REF = 52, 128, 256
FIELDS = {
    0: (1, "<B"),
    1: (2, "<H"),
    2: (4, "<I"),
    3: (8, "<b"),
    4: (9, "<h"),
    5: (11, "<i"),
    6: (15, "<q"),
    7: (23, ">H"),
    8: (25, ">I"),
    9: (29, ">q"),
    11: (48, "<H"),
    12: (50, ">I"),
    13: (58, ">H"),
    14: (60 + 6 + 2, ">I"),
    15: (ROWS + 12, "<H"),
    16: (REF + 2, ">I"),
    17: (60 + 12, "<H"),
}
INT64 = st.integers(-(1 << 63), (1 << 63) - 1) | st.sampled_from([0, -1, 127, 128, 255, 256, 65535, 65536, 1 << 31])


@pytest.fixture(scope="module")
def thing(shared: Engine) -> Everything:
    """A record with its pointers set, in memory where nothing else is."""
    address = shared.arena.allocate(1024)
    assert shared.call(aim, Everything(address), address + ROWS, Inner(address + REF)) == 43
    return Everything(address)


def test_layout_is_that_of_the_declaration() -> None:
    assert Everything.size == 1 + 1 + 2 + 4 + 1 + 2 + 4 + 8 + 2 + 4 + 8 + 6 + 5 + 6 + 3 * 2 + 3 * 6 + 8 + 8 + 8 + 1
    assert Everything.fields["back"].offset == Everything.size - 1


@pytest.mark.parametrize("which", FIELDS)
def test_scalar(shared: Engine, thing: Everything, which: int) -> None:
    offset, code = FIELDS[which]
    size = struct.calcsize(code)

    @given(INT64)
    def check(value: int) -> None:
        before, after = memory.read(thing.address, offset), memory.read(thing.address + offset + size, 64)
        shared.call(poke, thing, which, value)
        order = "little" if code[0] == "<" else "big"
        stored = (value & (1 << 8 * size) - 1).to_bytes(size, order)  # type: ignore[arg-type]
        assert memory.read(thing.address + offset, size) == stored
        assert shared.call(peek, thing, which) == struct.unpack(code, stored)[0]
        assert memory.read(thing.address, offset) == before
        assert memory.read(thing.address + offset + size, 64) == after

    check()
    shared.call(aim, thing, thing.address + ROWS, Inner(thing.address + REF))


def test_what_is_written_through_one_view_is_read_through_another(shared: Engine, thing: Everything) -> None:
    thing.a_u32 = 0x11223344
    assert shared.call(overlay, thing, 0x5566) == 0x11223344_11225566


def test_a_field_over_others_is_their_bytes(shared: Engine, thing: Everything) -> None:
    memory.write(thing.address + 1, bytes([0x12, 0, 0, 0x78]))
    assert shared.call(through_both, thing, 0x5634) == 0x12345678 << 32 | (0x5634 ^ 0xFFFF)
    assert thing.together == 0x12_CB_A9_78
    assert thing.a_u8 == 0x12
    assert "together" not in dict(thing.show())


@pytest.mark.parametrize("bits", [0x060504030201, 0xFFFFFFFFFFFF, 1 << 47])
def test_mac_is_six_bytes_with_the_first_one_lowest(shared: Engine, thing: Everything, bits: int) -> None:
    before, after = memory.read(thing.address, 37), memory.read(thing.address + 43, 64)
    shared.call(poke, thing, 10, bits | 0x7777 << 48)
    assert memory.read(thing.address + 37, 6) == bits.to_bytes(6, "little")
    assert shared.call(peek, thing, 10) == bits
    assert (memory.read(thing.address, 37), memory.read(thing.address + 43, 64)) == (before, after)


def test_python_sees_the_same(shared: Engine, thing: Everything) -> None:
    for which, value in ((7, 0xABCD), (15, 77), (16, 0x01020304), (17, 9)):
        shared.call(poke, thing, which, value)
    assert thing.a_be16 == 0xABCD
    assert thing.farther[2].lower == 77
    assert thing.ref.upper == 0x01020304
    assert thing.link.link.inners[2].lower == 9
    assert dict(thing.show())["a_be16"] == 0xABCD
    assert "inside" not in dict(thing.show())


def test_methods_and_properties(shared: Engine) -> None:
    assert shared.call(computed, 5) == 16 * 1000 + 16


@given(INT64, INT64)
def test_words_compute_the_same_in_both_forms(a: int, b: int) -> None:
    expected = {
        0: _signed(a + b),
        1: _signed(a * b),
        3: (a & -a).bit_length() - 1 if a else 64,
        4: (a & M64).bit_length() - 1,
        5: bin(a & M64).count("1"),
        6: int.from_bytes((a & 0xFFFF).to_bytes(2, "little"), "big"),
        7: _signed((a & M64) >> (b & 63)),
        8: a ^ b,
    }
    for which, value in expected.items():
        assert word(which, a, b) == value


def test_words_compiled(shared: Engine) -> None:
    @given(st.integers(0, 8), INT64, INT64)
    def check(which: int, a: int, b: int) -> None:
        assert shared.call(word, which, a, b) == word(which, a, b)

    check()


def test_words_at_an_address(shared: Engine) -> None:
    at = shared.arena.allocate(256)
    memory.write(at, (5).to_bytes(8, "little"))
    assert shared.call(word_at, 0, at, -7, 0) == 5
    assert shared.call(word_at, 2, at, 0, 0) == -2
    assert shared.call(word_at, 1, at, 3, 4) == 0
    assert shared.call(word_at, 1, at, -2, 4) == 1
    assert shared.call(word_at, 2, at, 0, 0) == 4
    shared.call(word_at, 3, at, 99, 0)
    assert shared.call(word_at, 2, at, 0, 0) == 99
    memory.write(at, bytes(range(16)))
    shared.call(word_at, 4, at + 64, at, 11)
    assert memory.read(at + 64, 12) == bytes(range(11)) + b"\0"
    shared.call(word_at, 5, at + 2, at, 8)  # overlapping
    assert memory.read(at, 12) == bytes([0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 10, 11])
    shared.call(word_at, 6, at, 0x1AB, 3)
    assert memory.read(at, 4) == b"\xab\xab\xab\x01"
    shared.arena.release(at)


def test_interpreted_code_touches_declared_memory_only() -> None:
    with pytest.raises(memory.BadAccess, match="no such memory"):
        peek(Everything(0x1234), 0)


class TestDeclarations:
    """What no view can be."""

    @pytest.fixture(autouse=True)
    def forget(self) -> Iterator[None]:
        declared = [*VIEWS]
        yield
        VIEWS[:] = declared

    def test_inline_areas_need_their_size(self) -> None:
        with pytest.raises(TypeError, match="needs its size"):
            type("Bad", (View,), {"__annotations__": {"area": Bytes}, "__module__": __name__})

    def test_a_field_may_not_hide_what_views_have(self) -> None:
        with pytest.raises(TypeError, match="no field can be named address"):
            type("Bad", (View,), {"__annotations__": {"address": u8}, "__module__": __name__})

    def test_a_field_over_others_ends_with_them(self) -> None:
        fields = {"first": u32, "second": u8, "both": u32}
        with pytest.raises(TypeError, match="both is to lie over other fields"):
            type("Bad", (View,), {"__annotations__": fields, "both": over("second"), "__module__": __name__})
        made = type("Good", (View,), {"__annotations__": fields, "both": over("first"), "__module__": __name__})
        assert made.size == 5

    def test_memory_that_is_apart_is_shown_by_no_other_view(self) -> None:
        base = type("Base", (View,), {"__annotations__": {"value": u32}, "__module__": __name__}, apart=True)
        with pytest.raises(TypeError, match="the view that it goes on after is apart"):
            type("More", (base,), {"__annotations__": {"more": u32}, "__module__": __name__})

    def test_other_types_are_no_fields(self) -> None:
        with pytest.raises(TypeError, match="is no field of a view"):
            type("Bad", (View,), {"__annotations__": {"name": str}, "__module__": __name__})

    def test_inline_parts_and_rows_of_views_cannot_be_assigned(self, shared: Engine, thing: Everything) -> None:
        with pytest.raises(TypeError, match="assign its fields"):
            thing.inside = 1  # type: ignore[assignment]
        with pytest.raises(TypeError, match="assign its fields"):
            thing.inners[0] = 1  # type: ignore[call-overload]

    def test_rows_step_by_the_size_of_a_row(self, shared: Engine) -> None:
        at = shared.arena.allocate(64)
        rows = RowsAt(u32, at)
        rows[3] = 7
        assert memory.read(at + 12, 4) == b"\7\0\0\0"
        shared.arena.release(at)


M64 = (1 << 64) - 1


def _signed(value: int) -> int:
    value &= M64
    return value - (1 << 64) if value >> 63 else value
