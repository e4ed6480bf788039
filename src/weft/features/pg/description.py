"""Packets from words: ``IP4: 1.2.3 -> 4.5.6  UDP: 10.0.0.1 - 10.0.0.9 -> 10.1.0.1  UDP: 1 -> 2  incrementing 30``.

Ranges make as many different packets as it takes until all begin again.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable

from msgspec import Struct

from weft.core.model import Invalid
from weft.features.pg.edit import Range, Words
from weft.features.pg.layer import BEGINS, Finish, Layer, ethernet

MAX_PACKETS = 1 << 20
MAX_SIZE = 65535
RANDOM_PERIOD = 1024  #: different packets of what is random


class Description(Struct, frozen=True):
    """Headers, one within the other, then the payload."""

    layers: tuple[Layer, ...]
    payload: bytes

    @property
    def headers(self) -> int:
        """Bytes of all headers."""
        return sum(len(layer.header) for layer in self.layers)

    def packets(self, size: Range | None = None, most: int = 0) -> list[bytes]:
        """All packets; ``size``: theirs in bytes, what is short is filled with zeros; ``most``: so many are enough, if
        there would be too many. Raises Invalid.
        """
        natural = self.headers + len(self.payload)
        sizes = size or Range(natural, natural)
        if not self.headers <= sizes.low <= sizes.high <= MAX_SIZE or sizes.low < 1:
            raise Invalid(f"size {sizes.low} to {sizes.high}: packets have {max(1, self.headers)} to {MAX_SIZE} bytes")
        count = self._count(sizes, most)
        whole = b"".join(bytes(layer.header) for layer in self.layers) + self.payload
        whole = whole.ljust(sizes.high, b"\0")
        edits, finishing = self._steps()
        if not edits and sizes.period == 1:
            count = 1
        packets = []
        chosen = random.Random(0)
        for number in range(count):
            packet = bytearray(whole[: _value(sizes, number, chosen)])
            for offset, end, values in edits:
                packet[offset:end] = _value(values, number, chosen).to_bytes(end - offset, "big")
            for finish, start, outer in finishing:
                finish(packet, start, outer)
            packets.append(bytes(packet))
        return packets

    def _count(self, sizes: Range, most: int) -> int:
        """After how many packets all ranges begin again."""
        ranges = [sizes, *(edit.values for layer in self.layers for edit in layer.edits)]
        count = math.lcm(*(each.period for each in ranges if not each.random))
        if any(each.random for each in ranges):
            count *= -(-RANDOM_PERIOD // count)
        if count > MAX_PACKETS and most:
            count = min(count, most)
        if count > MAX_PACKETS:
            raise Invalid(f"these ranges make {count} different packets; {MAX_PACKETS} is the most: set a lower limit")
        return count

    def _steps(self) -> tuple[list[tuple[int, int, Range]], list[tuple[Finish, int, int]]]:
        """Where each varying field stands in the packet, and what completes it, from the innermost header out."""
        edits: list[tuple[int, int, Range]] = []
        finishing: list[tuple[Finish, int, int]] = []
        start = outer = 0
        for layer in self.layers:
            for edit in layer.edits:
                edits.append((start + edit.offset, start + edit.offset + edit.size, edit.values))
            finishing = [*((finish, start, outer) for finish in layer.finish), *finishing]
            outer, start = start, start + len(layer.header)
        return edits, finishing


def _value(values: Range, number: int, chosen: random.Random) -> int:
    return chosen.randint(values.low, values.high) if values.random else values.low + number % values.period


def describe(text: str, node: str) -> Description:
    """Read a description of packets that start at a node. Raises Invalid."""
    words = Words(text)
    layers: list[Layer] = []
    following: Callable[[Words], Layer] | None = BEGINS.get(node, ethernet)
    while following is not None and words and not _begins_payload(words):
        layers.append(following(words))
        following = layers[-1].inner
    payload = b""
    while words:
        payload += _payload(words)
        if len(payload) > MAX_SIZE:
            raise Invalid(f"packet data has more than {MAX_SIZE} bytes")
    if not layers and not payload:
        raise Invalid("no packet data: write data { hex 0x... }, or headers as in data { UDP: 1.1.1.1 -> 2.2.2.2 ... }")
    return Description(tuple(layers), payload)


def _begins_payload(words: Words) -> bool:
    return words.peek().lower() in ("hex", "incrementing")


def _payload(words: Words) -> bytes:
    """``incrementing N``, ``hex 0x...``"""
    if words.take("incrementing"):
        count = words.value(_count, "a number of bytes")
        return bytes(range(256)) * (count // 256) + bytes(range(count % 256))
    if words.take("hex"):
        digits = words.next("hexadecimal digits").lower().removeprefix("0x")
        if not re.fullmatch("[0-9a-f]+", digits) or len(digits) % 2:
            raise Invalid(f"expected an even number of hexadecimal digits, got `{digits}'")
        return bytes.fromhex(digits)
    raise Invalid(f"expected `incrementing N' or `hex 0x...', got `{words.peek()}'")


def _count(word: str) -> int:
    count = int(word)
    if not 0 <= count <= MAX_SIZE:
        raise ValueError(word)
    return count
