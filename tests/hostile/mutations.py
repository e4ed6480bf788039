"""Frames changed at random."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from .fields import ETHERTYPES, with_checksums

BYTES = (0, 1, 2, 4, 5, 6, 8, 0x0F, 0x10, 0x40, 0x44, 0x45, 0x46, 0x4F, 0x7F, 0x80, 0x81, 0xAA, 0xE0, 0xFE, 0xFF)
TAGS = (0x8100, 0x88A8, 0x9100)
HEADS = (60, 60, 130)  #: bytes of a frame in which changes matter most; in a tunnel there is a frame behind them

Chance = random.Random


def _place(chance: Chance, data: bytes, size: int) -> int:
    return chance.randrange(max(1, min(len(data), chance.choice(HEADS)) - size + 1))


def _byte(chance: Chance, data: bytearray) -> None:
    data[_place(chance, data, 1)] = chance.choice(BYTES)


def _bit(chance: Chance, data: bytearray) -> None:
    data[_place(chance, data, 1)] ^= 1 << chance.randrange(8)


def _word(chance: Chance, data: bytearray) -> None:
    at = _place(chance, data, 2)
    data[at : at + 2] = chance.choice([chance.randrange(1 << 16), len(data), 0xFFFF, *ETHERTYPES]).to_bytes(2, "big")


def _cut(chance: Chance, data: bytearray) -> None:
    del data[max(1, chance.randrange(len(data))) :]


def _grow(chance: Chance, data: bytearray) -> None:
    data += chance.randbytes(chance.choice([1, 3, 46, 700, 2500]))


def _tag(chance: Chance, data: bytearray) -> None:
    vlan = chance.choice([0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 50, 60, 80, 100, 4095])
    data[12:12] = chance.choice(TAGS).to_bytes(2, "big") + vlan.to_bytes(2, "big")


def _untag(chance: Chance, data: bytearray) -> None:
    del data[12:16]


def _swap(chance: Chance, data: bytearray) -> None:
    data[:12] = data[6:12] + data[:6]


def _mend(chance: Chance, data: bytearray) -> None:
    data[:] = with_checksums(bytes(data)) if len(data) > 14 else data


CHANGES: list[Callable[[Chance, bytearray], None]] = [_byte, _byte, _bit, _word, _cut, _grow, _tag, _untag, _swap]


def mutated(chance: Chance, whole: Sequence[bytes]) -> bytes:
    """One of these frames, changed once or a few times; mostly with right checksums then."""
    data = bytearray(chance.choice(whole))
    for _ in range(chance.choice([1, 1, 1, 2, 3, 6])):
        chance.choice(CHANGES)(chance, data)
        if not data:
            data += b"\0"
    if chance.random() < 0.7:
        _mend(chance, data)
    return bytes(data)
