"""A node's machine code as it is run: each instruction, and how often a packet meets it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.decode import Instruction

FEW = 0.02  #: of the packets


class Listing:
    """What is seen of one node, in the order of addresses."""

    def __init__(self, node: str) -> None:
        self.node = node
        self._seen: dict[int, tuple[Instruction, int]] = {}

    def see(self, node: str, instruction: Instruction, registers: Any) -> None:
        if node == self.node:
            at = registers.rip
            _, times = self._seen.get(at, (instruction, 0))
            self._seen[at] = instruction, times + 1

    def lines(self, packets: int) -> Iterator[str]:
        """Times per packet, address, instruction. A line of dots stands for what lies between: it was not run, or for
        few packets (once a frame, that is).
        """
        follows = 0
        for at, (instruction, times) in sorted(self._seen.items()):
            if times < packets * FEW:
                continue
            if follows and at != follows:
                yield "   ..."
            yield f"{times / packets:6.2f}  {at & 0xFFFFFF:06x}  {instruction.text}"
            follows = at + instruction.length
