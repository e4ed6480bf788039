"""How a case is measured: packets through the graph on one worker, clocks booked node by node."""

from __future__ import annotations

import time
from contextlib import nullcontext

from bench.cases import Case, Setup
from bench.core import look_at_core, waited_for_core
from bench.hold import others_held
from bench.samples import Sample
from weft import Engine
from weft.core.runtime import MAX_NODES, runtimes
from weft.features.interface.model import Interfaces
from weft.features.pg.model import PacketGenerator

STREAM = "bench"
CORE = 1  #: the worker's
SETTLE = 0.3  #: seconds until caches and tables have what they will have
LEARN = 0.002  #: seconds between two packets that are followed, before nodes are compiled together
BUFFERS = 16808


def configure(engine: Engine, setup: Setup, name: str = STREAM, thread: int | None = None) -> None:
    """Carry out a case's commands and add its stream, disabled."""
    for line in setup.lines:
        engine.cli(line)
    engine[PacketGenerator].add(name, engine[Interfaces][setup.port], setup.frames, thread=thread)


class Best:
    """The highest rate of independent instructions that the core has been seen at."""

    def __init__(self) -> None:
        self.rate = 0.0

    def see(self, samples: list[Sample]) -> float:
        self.rate = max([self.rate, *(each.core.rate for each in samples)])
        return self.rate


def measure(
    case: Case, best: Best, *, samples: int, seconds: float, patience: float, hold: bool = False
) -> list[Sample]:
    """Run a case in an engine of its own until so many samples, of so many seconds each, were taken while the worker
    had its core to itself, but no longer than ``patience`` seconds. All samples. ``hold``: nothing else runs meanwhile.
    """
    with Engine(workers=1, corelist=[CORE], buffers=BUFFERS) as engine:
        configure(engine, case.build())
        engine[PacketGenerator].enable(STREAM)
        time.sleep(SETTLE)
        engine.fuser.learn(lambda: time.sleep(LEARN))
        every: list[Sample] = []
        deadline = time.monotonic() + patience
        with others_held(engine, CORE) if hold else nullcontext():
            while time.monotonic() < deadline:
                every += sample(engine, seconds)
                rate = best.see(every)
                if sum(each.alone(rate) for each in every) >= samples:
                    break
        engine[PacketGenerator].disable(STREAM)
    return every


def sample(engine: Engine, seconds: float) -> list[Sample]:
    """Measure for so long. The core is looked at before and after, while packets run. Nothing, if the worker did not
    run at all.
    """
    core = look_at_core(engine)
    waited = waited_for_core(engine)
    before = read(engine)
    start = time.perf_counter()
    time.sleep(seconds)
    after = read(engine)
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


def read(engine: Engine, thread: int = 1) -> dict[str, tuple[int, int, int]]:
    """Node -> calls, vectors, clocks of a thread, by default of the first worker."""
    found = {}
    with engine.workers.barrier():
        for instance in engine.graph.instances:
            rt = runtimes[thread * MAX_NODES + instance.index]
            if rt.vectors:
                found[instance.name] = (rt.calls, rt.vectors, rt.clocks)
    return found
