"""Machine code run instruction by instruction, and what is counted of it."""

from __future__ import annotations

import ctypes
import mmap
import platform
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from bench.steps import NotTraced, Stepped, child, traced
from bench.tally import LINE, Cache, Count, Tally

pytest.importorskip("capstone")
pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="steps and decodes x86-64")

from bench.decode import Instruction, Operand, decode  # noqa: E402
from bench.listing import Listing  # noqa: E402

#: xor eax, eax; again: add rax, rdi; dec rdi; jnz again; ret
SUM = bytes.fromhex("31c0 4801f8 48ffcf 75f8 c3")


@pytest.fixture
def code() -> Iterator[int]:
    """The address of ``SUM``, executable."""
    area = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    area.write(SUM)
    holder = ctypes.c_char.from_buffer(area)
    yield ctypes.addressof(holder)
    del holder
    area.close()


def test_each_instruction_of_a_call_is_seen(code: int) -> None:
    function = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long)(code)

    def run() -> None:
        traced()
        function(10)
        function(3)

    stepped = Stepped(child(run))
    try:
        for turns in (10, 3):
            seen = [(registers.rip - code, registers.rax) for registers in stepped.call(code)]
            assert [at for at, _ in seen] == [0, *[2, 5, 8] * turns, 10]
            assert seen[-1][1] == turns * (turns + 1) // 2
        assert stepped.memory(code, len(SUM)) == SUM  # as it was
        with pytest.raises(NotTraced, match="ended"):
            list(stepped.call(code))
    finally:
        stepped.close()


@pytest.mark.parametrize(
    ("text", "name", "loads", "stores"),
    [
        ("4801f8", "add", 0, 0),  # add rax, rdi
        ("488b4708", "mov", 1, 0),  # mov rax, [rdi + 8]
        ("48894708", "mov", 0, 1),  # mov [rdi + 8], rax
        ("48830701", "add", 1, 1),  # add qword [rdi], 1
        ("488d4708", "lea", 0, 0),  # lea rax, [rdi + 8]
        ("0f1f440000", "nop", 0, 0),  # nop [rax + rax]
        ("0f1808", "prefetcht0", 0, 0),  # prefetcht0 [rax]
        ("50", "push", 0, 1),
        ("c3", "ret", 1, 0),
        ("62f17e486f07", "vmovdqu32", 1, 0),  # vmovdqu32 zmm0, [rdi]
    ],
)
def test_what_instructions_do_with_memory(text: str, name: str, loads: int, stores: int) -> None:
    instruction = decode(bytes.fromhex(text))
    assert (instruction.name, instruction.loads, instruction.stores) == (name, loads, stores)
    assert instruction.length == len(text) // 2
    assert instruction.prefetch == name.startswith("prefetch")


def test_addresses_are_computed_from_registers() -> None:
    (operand,) = decode(bytes.fromhex("488b44f7f8")).operands  # mov rax, [rdi + rsi * 8 - 8]
    assert operand.address(SimpleNamespace(rdi=0x1000, rsi=3)) == 0x1010
    (operand,) = decode(bytes.fromhex("488b0510000000")).operands  # mov rax, [rip + 16]: from the next instruction on
    assert operand.address(SimpleNamespace(rip=0x2000)) == 0x2017


def test_a_cache_forgets_what_was_used_longest_ago() -> None:
    cache = Cache(4 * LINE, ways=2)  # two sets
    assert [cache.touch(line) for line in (0, 2, 0, 4, 0, 2, 1)] == [True, True, False, True, False, True, True]


def operation(
    address: int, size: int, *, read: bool = True, write: bool = False, prefetch: bool = False
) -> Instruction:
    operand = Operand("rdi", "", 1, address, size, read and not prefetch, write)
    return Instruction("mov", 4, False, prefetch, (operand,))


def test_instructions_and_lines_are_counted_for_each_node() -> None:
    tally, registers = Tally(Cache(64 * LINE, 8)), SimpleNamespace(rdi=0x10000)
    tally.see("a", operation(0, 8), registers)
    tally.see("a", operation(60, 8), registers)  # across two lines, of which one is there
    tally.see("b", operation(128, 64, prefetch=True), registers)
    tally.see("b", operation(128, 8, read=False, write=True), registers)
    assert tally.counts["a"].each(2) == Count(instructions=2, loads=2, misses=2).each(2)
    assert tally.counts["b"].each(1) == Count(instructions=2, stores=1, prefetches=1, fetched=1).each(1)
    assert tally.lines == {0x400, 0x401, 0x402}
    assert tally.written == {0x402}
    tally.begin()
    tally.see("a", operation(0, 8), registers)
    assert tally.counts["a"].misses == 0  # the cache is as it was


def test_a_listing_shows_what_a_node_ran_and_how_often() -> None:
    listing = Listing("mine")
    again = decode(bytes.fromhex("4801f8"))  # add rax, rdi
    for node, at, instruction in (
        ("mine", 0x12, again),
        ("mine", 0x20, decode(bytes.fromhex("c3"))),
        ("mine", 0x12, again),
        ("other", 0x30, again),
    ):
        listing.see(node, instruction, SimpleNamespace(rip=at))
    assert list(listing.lines(packets=2)) == [
        "  1.00  000012  add rax, rdi",
        "   ...",
        "  0.50  000020  ret",
    ]
    assert len(list(listing.lines(packets=51))) == 1  # the one that fewer than one packet in fifty met is left out
