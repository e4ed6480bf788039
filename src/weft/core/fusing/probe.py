"""Where packets really go: one at a time is followed from an input node to its end, by all that is done to it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from msgspec import Struct

from weft.core.fusing.fusion import Stage
from weft.core.graph import Instance
from weft.core.node import Kind, Per
from weft.core.runtime import DONE, MOST_STAGES, NOT, WANTED, Worker

Shape = tuple[Stage, ...]


class Seen(Struct, frozen=True):
    """A node that a packet has come to: the interfaces that it then had, and its way out."""

    node: int
    next: int
    rx: int
    tx: int

    def key(self, per: Per) -> int:
        return {Per.ANY: 0, Per.RX: self.rx, Per.TX: self.tx}[per]


def ask(worker: Worker) -> None:
    """Let a thread follow the next packet, whatever it did before: what it follows has long ended, or never will."""
    worker.probing = WANTED


def forget(worker: Worker) -> None:
    """Follow none any more, or what was followed no longer."""
    worker.probing = NOT


def taken(worker: Worker) -> list[Seen]:
    """The way of a packet that has been followed to its end, after the input node; none, if there is no such."""
    if worker.probing != DONE:
        return []
    steps = [worker.steps[number] for number in range(worker.steps_used)]
    way = [Seen(step.node, step.next, before.rx_sw_if_index, before.tx_sw_if_index) for before, step in pairwise(steps)]
    worker.probing = NOT
    return way


def shapes(way: list[Seen], instance: Callable[[int], Instance | None]) -> list[Shape]:
    """A way cut into pieces that can be compiled as one."""
    found: list[list[Stage]] = [[]]
    for seen in way:
        at = instance(seen.node)
        if at is None or at.node.kind is not Kind.PACKET or at.node.waits is not None or at.node.whole is not None:
            found.append([])
            continue
        node = at.node
        piece = found[-1]
        if len(piece) == MOST_STAGES or (node.asked and piece and not piece[-1].node.asked):
            found.append([])
        found[-1].append(Stage(node.name, at.index, at.data, seen.key(node.per), seen.next))
    # Where the last goes need not be known: so that it can be the same for all.
    whole = [(*piece[:-1], _last(piece[-1])) for piece in found if piece]
    return [shape for shape in whole if len(shape) > 1 or shape[0].node.per]


def _last(stage: Stage) -> Stage:
    return Stage(stage.name, stage.index, stage.data, stage.key, 0)
