"""Numbers that are given out and come back."""

from __future__ import annotations

from collections.abc import Sequence

from weft.core.counters import Combined
from weft.core.model import Invalid


class Indices:
    """The free rows of a table. Those that came back are used first. What ``counters`` count goes by these numbers."""

    def __init__(self, what: str, count: int, first: int = 0, counters: Sequence[Combined] = ()) -> None:
        self.what, self.count, self._counters = what, count, counters
        self._next = first
        self._free: list[int] = []

    @property
    def left(self) -> int:
        """How many are free."""
        return self.count - self._next + len(self._free)

    def take(self) -> int:
        """A free one. Raises Invalid if there is none."""
        if self._free:
            return self._free.pop()
        if self._next == self.count:
            raise Invalid(f"there are {self.count} {self.what} already", "TABLE_TOO_BIG")
        self._advance(1)
        return self._next - 1

    def take_many(self, count: int) -> list[int]:
        """So many free ones. Raises Invalid if there are not as many."""
        if count > self.left:
            raise Invalid(f"{count} more {self.what} are too many: there is room for {self.left}", "TABLE_TOO_BIG")
        again = [self._free.pop() for _ in range(min(count, len(self._free)))]
        first = self._next
        self._advance(count - len(again))
        return again + list(range(first, self._next))

    def _advance(self, count: int) -> None:
        self._next += count
        if count:
            for counter in self._counters:
                counter.validate(self._next - 1)

    def give(self, index: int) -> None:
        """It is free again."""
        self._free.append(index)

    def give_many(self, indices: list[int]) -> None:
        self._free += indices
