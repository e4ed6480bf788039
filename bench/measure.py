"""How a case is measured: packets through the graph on one worker, clocks booked node by node."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from bench.core import Core, look_at_core, waited_for_core
from weft import Engine
from weft.core.runtime import MAX_NODES, runtimes
from weft.features.pg.model import PacketGenerator


@dataclass
class Result:
    """One case's figures: medians over the runs."""

    case: str
    mpps: float
    clocks_total: float
    clocks_forwarding: float
    cycles_per_clock: float  # of the worker's core meanwhile
    alone: float  # part of the time in which the worker had its core to itself
    rate: float  # of independent instructions per cycle: ``bench.core``
    nodes: dict[str, float] = field(default_factory=dict)
    runs: list[float] = field(default_factory=list)
    vector: float = 0.0

    def record(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True)
class Case:
    """A configuration to be measured. ``build`` configures an engine and adds the stream ``bench``, disabled."""

    name: str
    what: str
    build: Callable[[Engine], None]


@dataclass(frozen=True)
class Sample:
    """What a stretch of time gives."""

    clocks: dict[str, float]  # of each node, per packet that was generated
    rate: float  # packets per second
    vector: float  # packets that the generator made at a time
    core: Core
    waited: float  # part of the time in which the worker's core was given to others

    @property
    def alone(self) -> bool:
        """Whether the worker had its core to itself, as far as has been seen."""
        return self.waited < LITTLE and self.core.rate >= ALONE * _best_rate

    @property
    def total(self) -> float:
        return sum(self.clocks.values())

    @property
    def forwarding(self) -> float:
        return sum(clocks for name, clocks in self.clocks.items() if not _generates(name))


ALONE = 0.93  #: of the highest rate ever seen: the core is shared with nobody
LITTLE = 0.01  #: part of a sample
FEWEST = 10  #: samples to make a median of
_best_rate = 0.0


def measure(case: Case, *, runs: int = 50, seconds: float = 0.02, patience: float = 10.0) -> Result:
    """Run a case ``runs`` times for so many seconds each, not counting those during which the worker did not have its
    core to itself; if there are hardly any of them within ``patience`` seconds, all count.
    """
    global _best_rate
    with Engine(workers=1, corelist=[1], buffers=16808) as engine:
        case.build(engine)
        engine[PacketGenerator].enable("bench")
        time.sleep(0.3)
        every: list[Sample] = []
        samples: list[Sample] = []
        deadline = time.monotonic() + patience
        while len(samples) < runs and time.monotonic() < deadline:
            every += sample(engine, seconds)
            _best_rate = max([_best_rate, *(each.core.rate for each in every)])
            samples = [each for each in every if each.alone]
        engine[PacketGenerator].disable("bench")
    if not every:
        raise RuntimeError("the packet generator has sent nothing")
    alone = len(samples) / len(every)
    if len(samples) < min(runs, FEWEST):
        samples = every
    median = statistics.median
    return Result(
        case=case.name,
        mpps=median(each.rate for each in samples) / 1e6,
        clocks_total=median(each.total for each in samples),
        clocks_forwarding=median(each.forwarding for each in samples),
        cycles_per_clock=round(median(each.core.cycles_per_clock for each in samples), 4),
        alone=round(alone, 2),
        rate=round(median(each.core.rate for each in samples), 3),
        nodes={name: round(median(each.clocks.get(name, 0.0) for each in samples), 2) for name in samples[0].clocks},
        runs=[round(each.total, 1) for each in samples],
        vector=median(each.vector for each in samples),
    )


def shared(result: Result) -> bool:
    """Whether the worker had its core to itself less than it has had it since."""
    return result.rate < ALONE * _best_rate


def _generates(name: str) -> bool:
    """Whether a node makes or swallows the packets; the design's table gives a sum without those."""
    return name == "pg-input" or (name.startswith("pg") and name.endswith(("-output", "-tx")))


def sample(engine: Engine, seconds: float) -> list[Sample]:
    """Measure for so long. The core is looked at before and after, while packets run. Nothing, if the worker did not
    run at all.
    """
    core = look_at_core(engine)
    waited = waited_for_core(engine)
    before = _read(engine)
    start = time.perf_counter()
    time.sleep(seconds)
    after = _read(engine)
    took = time.perf_counter() - start
    waited = (waited_for_core(engine) - waited) / took
    core = core.between(look_at_core(engine))
    calls, packets = (a - b for a, b in zip(after["pg-input"][:2], before.get("pg-input", (0, 0)), strict=False))
    if packets <= 0:
        return []
    clocks = {}
    for name, (_, vectors, spent) in after.items():
        _, vectors_before, spent_before = before.get(name, (0, 0, 0))
        if vectors > vectors_before:
            clocks[name] = (spent - spent_before) / packets
    return [Sample(clocks, packets / took, packets / max(calls, 1), core, waited)]


def _read(engine: Engine) -> dict[str, tuple[int, int, int]]:
    """Node -> calls, vectors, clocks of the first worker."""
    found = {}
    with engine.workers.barrier():
        for instance in engine.graph.instances:
            rt = runtimes[MAX_NODES + instance.index]
            if rt.vectors:
                found[instance.name] = (rt.calls, rt.vectors, rt.clocks)
    return found
