"""What the instrument reads in short stretches of time, and what is concluded from many of them."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field

ALONE = 0.93  #: of the highest rate of independent instructions ever seen: the core is shared with nobody
LITTLE = 0.01  #: part of a sample
FEWEST = 5  #: samples to make a median of


@dataclass(frozen=True)
class Core:
    """The worker's core at one time."""

    cycles_per_clock: float
    rate: float  # of independent instructions, per cycle; only good to be compared

    def between(self, other: Core) -> Core:
        """It and another time taken together."""
        return Core((self.cycles_per_clock + other.cycles_per_clock) / 2, min(self.rate, other.rate))


@dataclass(frozen=True)
class Reading:
    """What a stretch of time gives."""

    clocks: dict[str, float]  # of each node, per packet that was generated
    rate: float  # packets per second
    vector: float  # packets that the generator made at a time

    @property
    def total(self) -> float:
        return sum(self.clocks.values())

    @property
    def forwarding(self) -> float:
        return sum(clocks for name, clocks in self.clocks.items() if not generates(name))


@dataclass(frozen=True)
class Sample(Reading):
    """With what the worker's core was like meanwhile."""

    core: Core
    waited: float = 0.0  # part of the time in which the worker's processor was given to others

    def alone(self, best: float) -> bool:
        """Whether the worker had its core to itself, as far as has been seen; ``best``: the highest rate ever seen."""
        return self.waited < LITTLE and self.core.rate >= ALONE * best


def generates(node: str) -> bool:
    """Whether a node makes or swallows the packets; the design's table gives a sum without those."""
    return node == "pg-input" or (node.startswith("pg") and node.endswith(("-output", "-tx")))


@dataclass
class Result:
    """One case's figures: medians of the samples of all runs."""

    case: str
    mpps: float
    clocks_total: float
    clocks_forwarding: float
    spread: float  # of clocks_total: half of what is between the quarters, as a part of the median
    cycles_per_clock: float  # of the worker's core meanwhile
    alone: float  # part of the samples in which the worker had its core to itself
    shared: bool  # there were hardly any of these, so all were taken
    rate: float  # of independent instructions per cycle: ``bench.core``
    vector: float
    nodes: dict[str, float] = field(default_factory=dict)
    runs: list[float | None] = field(default_factory=list)  # medians of clocks_total, run by run

    def record(self) -> dict[str, object]:
        return asdict(self)


def conclude(case: str, runs: list[list[Sample]], best: float) -> Result:
    """Medians of the samples that count: those in which the core was the worker's own, or all if there are fewer than
    five of these. Raises ValueError if there is none at all.
    """
    every = [sample for run in runs for sample in run]
    if not every:
        raise ValueError(f"{case}: the packet generator has sent nothing")
    own = [sample for sample in every if sample.alone(best)]
    shared = len(own) < FEWEST
    samples = every if shared else own
    median = statistics.median
    total = median(each.total for each in samples)
    names = sorted({name for each in samples for name in each.clocks})
    counted = [[each.total for each in run if shared or each.alone(best)] for run in runs]
    return Result(
        case=case,
        mpps=round(median(each.rate for each in samples) / 1e6, 3),
        clocks_total=round(total, 2),
        clocks_forwarding=round(median(each.forwarding for each in samples), 2),
        spread=round(spread([each.total for each in samples]), 4),
        cycles_per_clock=round(median(each.core.cycles_per_clock for each in samples), 4),
        alone=round(len(own) / len(every), 2),
        shared=shared,
        rate=round(median(each.core.rate for each in samples), 3),
        vector=round(median(each.vector for each in samples), 1),
        nodes={name: round(median(each.clocks.get(name, 0.0) for each in samples), 2) for name in names},
        runs=[round(median(run), 2) if run else None for run in counted],
    )


def spread(values: list[float]) -> float:
    """How far values are apart: half the distance between their quarters, as a part of their median."""
    if len(values) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / 2 / middle if middle else 0.0
