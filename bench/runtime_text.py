"""What ``show runtime`` says, read back."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Name, state (one word, or several in quotes), calls, vectors, suspends, clocks per packet, vectors per call.
LINE = re.compile(
    r'^(?P<name>\S+)\s+(?:"[^"]*"|\S+(?: \S+)?)\s+(?P<calls>\d+)\s+(?P<vectors>\d+)\s+\d+\s+'
    r"(?P<clocks>\d*\.\d+(?:e[+-]?\d+)?)\s+\d*\.\d+\s*$"
)
THREAD = re.compile(r"^Thread (\d+) (\S+)")
TIME = re.compile(r"^Time (\d*\.\d+),")


@dataclass(frozen=True)
class Row:
    calls: int
    vectors: int
    clocks: float  # per packet; per call for a node that had none


@dataclass(frozen=True)
class Thread:
    """What a thread did since the last ``clear runtime``."""

    seconds: float
    nodes: dict[str, Row]

    @property
    def generated(self) -> int:
        """Packets of the generator."""
        return self.nodes["pg-input"].vectors if "pg-input" in self.nodes else 0

    def clocks(self) -> dict[str, float]:
        """Node -> clocks per packet that was generated. Raises ValueError if there was none."""
        if not self.generated:
            raise ValueError("the packet generator has sent nothing")
        return {name: row.clocks * row.vectors / self.generated for name, row in self.nodes.items() if row.vectors}


def parse(text: str) -> dict[int, Thread]:
    """The threads, by their numbers. Without workers there is no line that names one: thread 0."""
    threads: dict[int, Thread] = {}
    number, seconds = 0, 0.0
    for line in text.splitlines():
        if found := THREAD.match(line):
            number = int(found[1])
        elif found := TIME.match(line):
            seconds = float(found[1])
            threads[number] = Thread(seconds, {})
        elif (found := LINE.match(line)) and number in threads:
            row = Row(int(found["calls"]), int(found["vectors"]), float(found["clocks"]))
            threads[number].nodes[found["name"]] = row
    return threads


def busiest(threads: dict[int, Thread]) -> Thread:
    """The thread that has generated most. Raises ValueError if there is none at all."""
    if not threads:
        raise ValueError("this is not what `show runtime' prints")
    return max(threads.values(), key=lambda thread: thread.generated)
