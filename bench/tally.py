"""Instructions, and what they do with memory, counted node by node; and what a first-level cache would say to it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from bench.decode import Instruction

LINE = 64  #: bytes


class Cache:
    """A set-associative cache that forgets what was used longest ago, and fetches nothing on its own account."""

    def __init__(self, size: int, ways: int) -> None:
        self.ways, self.sets = ways, size // LINE // ways
        self._lines: list[OrderedDict[int, None]] = [OrderedDict() for _ in range(self.sets)]

    def touch(self, line: int) -> bool:
        """Whether a line was not there."""
        lines = self._lines[line % self.sets]
        missing = line not in lines
        lines[line] = None
        lines.move_to_end(line)
        if len(lines) > self.ways:
            lines.popitem(last=False)
        return missing


@dataclass
class Count:
    """Of one node."""

    instructions: int = 0
    loads: int = 0
    stores: int = 0
    branches: int = 0
    calls: int = 0
    prefetches: int = 0
    misses: int = 0  # loads and stores of lines that were not in the cache
    fetched: int = 0  # lines that a prefetch brought
    written: set[int] = field(default_factory=set)
    lines: set[int] = field(default_factory=set)

    def each(self, packets: int) -> dict[str, float]:
        """Per packet."""
        counted = {name: value for name, value in vars(self).items() if isinstance(value, int)}
        return {name: round(value / packets, 3) for name, value in counted.items()}


class Tally:
    """What was done between two ``begin``."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.counts: dict[str, Count] = {}

    def begin(self) -> None:
        self.counts = {}

    def see(self, node: str, instruction: Instruction, registers: Any) -> None:
        count = self.counts.get(node)
        if count is None:
            count = self.counts[node] = Count()
        count.instructions += 1
        count.loads += instruction.loads
        count.stores += instruction.stores
        count.branches += instruction.branch
        count.calls += instruction.name == "call"
        count.prefetches += instruction.prefetch
        for operand in instruction.operands:
            at = operand.address(registers)
            for line in range(at // LINE, (at + max(operand.size, 1) - 1) // LINE + 1):
                missing = self.cache.touch(line)
                if instruction.prefetch:
                    count.fetched += missing
                    continue
                count.misses += missing
                count.lines.add(line)
                if operand.write:
                    count.written.add(line)

    @property
    def lines(self) -> set[int]:
        return set().union(*(count.lines for count in self.counts.values()))

    @property
    def written(self) -> set[int]:
        return set().union(*(count.written for count in self.counts.values()))

    def each(self, packets: int) -> dict[str, dict[str, float]]:
        """Node -> figures per packet."""
        return {name: count.each(packets) for name, count in self.counts.items()}
