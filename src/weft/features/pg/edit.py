"""A field of a packet that is being described: one value, or a range that packets take in turn or at random."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from msgspec import Struct

from weft.core.model import Invalid

#: Reads a value from a word; raises ValueError.
Reader = Callable[[str], int]

TOKEN = re.compile(r"->|hop-limit|[-+/{}]|[^\s+/{}-]+")


class Range(Struct, frozen=True):
    """The values of a field: ``low`` to ``high``, one after the other, or at random."""

    low: int
    high: int
    random: bool = False

    @property
    def period(self) -> int:
        """After so many packets it begins again."""
        return self.high - self.low + 1


class Edit(Struct, frozen=True):
    """A range, and where its values go: ``size`` bytes at ``offset``, the first one highest."""

    offset: int
    size: int
    values: Range


class Words:
    """What is left to be read of a description."""

    def __init__(self, text: str) -> None:
        self._words: list[str] = TOKEN.findall(text)
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._words)

    def peek(self) -> str:
        return self._words[self._at] if self else ""

    def next(self, what: str) -> str:
        """The next word, which is to be ``what``."""
        if not self:
            raise Invalid(f"packet data ends where {what} is missing")
        self._at += 1
        return self._words[self._at - 1]

    def take(self, word: str) -> bool:
        """Whether the next word is this one; then it is read."""
        if self.peek().lower() != word:
            return False
        self._at += 1
        return True

    def need(self, word: str, what: str) -> None:
        found = self.next(f"`{word}'")
        if found != word:
            raise Invalid(f"expected `{word}' in {what}, got `{found}'")

    def value(self, read: Reader, what: str) -> int:
        """One value."""
        word = self.next(what)
        try:
            return read(word)
        except ValueError:
            raise Invalid(f"expected {what}, got `{word}'") from None

    def range(self, read: Reader, what: str) -> Range:
        """``a``, ``a - b`` (one after the other) or ``a + b`` (at random)."""
        low = self.value(read, what)
        if self.peek() not in ("-", "+"):
            return Range(low, low)
        random = self.next("a range") == "+"
        high = self.value(read, what)
        if high < low:
            raise Invalid(f"a range of {what} ends before it begins")
        return Range(low, high, random)


def number(bits: int) -> Reader:
    """A decimal or 0x hexadecimal number of so many bits."""

    def read(word: str) -> int:
        if len(word) > 20:
            raise ValueError(word)
        value = int(word, 16 if word[:2].lower() == "0x" else 10)
        if value >> bits:
            raise ValueError(word)
        return value

    return read


def mac(word: str) -> int:
    """``02:00:00:00:00:01`` or, three words of 16 bits, ``1.2.3``."""
    parts, width = (word.split(":"), 2) if ":" in word else (word.split("."), 4)
    if len(parts) != 12 // width or not all(1 <= len(part) <= width for part in parts):
        raise ValueError(word)
    return int("".join(part.zfill(width) for part in parts), 16)


def ip4(word: str) -> int:
    return int(ipaddress.IPv4Address(word))


def ip6(word: str) -> int:
    return int(ipaddress.IPv6Address(word))
