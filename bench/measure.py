"""How a case is measured: packets through the graph on one worker, clocks booked node by node."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

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


#: Nodes that make and swallow the packets, as the design's table leaves them out.
GENERATOR = ("pg-input",)


def measure(case: Case, *, runs: int = 5, seconds: float = 1.0) -> Result:
    """Run a case ``runs`` times for so many seconds each."""
    with Engine(workers=1, corelist=[1], buffers=16808) as engine:
        case.build(engine)
        engine[PacketGenerator].enable("bench")
        time.sleep(0.3)
        samples = [_sample(engine, seconds) for _ in range(runs)]
        engine[PacketGenerator].disable("bench")
    nodes = {name: statistics.median(sample.get(name, 0.0) for sample, _, _ in samples) for name in samples[0][0]}
    totals = [sum(sample.values()) for sample, _, _ in samples]
    generator = [
        sum(value for name, value in sample.items() if name in GENERATOR or _leaves_by_pg(name))
        for sample, _, _ in samples
    ]
    return Result(
        case=case.name,
        mpps=statistics.median(rate for _, rate, _ in samples) / 1e6,
        clocks_total=statistics.median(totals),
        clocks_forwarding=statistics.median(a - b for a, b in zip(totals, generator, strict=True)),
        nodes={name: round(value, 2) for name, value in nodes.items()},
        runs=[round(total, 1) for total in totals],
        vector=statistics.median(vector for _, _, vector in samples),
    )


def _leaves_by_pg(name: str) -> bool:
    return name.startswith("pg") and name.endswith(("-output", "-tx"))


def _sample(engine: Engine, seconds: float) -> tuple[dict[str, float], float, float]:
    """Clocks per generated packet of each node, packets per second, and the mean vector, over a stretch of time."""
    before = _read(engine)
    start = time.perf_counter()
    time.sleep(seconds)
    after = _read(engine)
    took = time.perf_counter() - start
    packets = after["pg-input"][1] - before.get("pg-input", (0, 0, 0))[1]
    if packets <= 0:
        raise RuntimeError("the packet generator has sent nothing")
    clocks = {}
    for name, (_, vectors, spent) in after.items():
        _, vectors_before, spent_before = before.get(name, (0, 0, 0))
        if vectors > vectors_before:
            clocks[name] = (spent - spent_before) / packets
    calls = after["pg-input"][0] - before.get("pg-input", (0, 0, 0))[0]
    return clocks, packets / took, packets / max(calls, 1)


def _read(engine: Engine) -> dict[str, tuple[int, int, int]]:
    """Node -> calls, vectors, clocks of the first worker."""
    found = {}
    with engine.workers.barrier():
        for instance in engine.graph.instances:
            rt = runtimes[MAX_NODES + instance.index]
            if rt.vectors:
                found[instance.name] = (rt.calls, rt.vectors, rt.clocks)
    return found
