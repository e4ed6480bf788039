"""``python -m bench.scaling [CASE ...]``: what a second worker adds, and what it could.

Each case runs with one worker on each of the two cores alone, with two workers of one engine, and, as a control, with
two engines of one worker each, in processes of their own that share nothing but the machine. What the two engines lose
against two times one is the machine's: a core that is two threads of one, the memory, a clock that falls when both are
busy, other users. Only what two workers lose against two engines is ours. The ways are measured in turn, in short
stretches, several times over, so what the machine does meanwhile meets all of them. Rates are packets in a second in
which a worker had its processor: time that the system gave to others does not count.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bench.added import concluded
from bench.cases import Case
from bench.instrument import cases_argument, keep, one_by_one, results_option
from bench.measure import BUFFERS, LEARN, STREAM, configure
from weft import Engine
from weft.features.pg.model import PacketGenerator

CORES = (0, 1)
SETTLE = 0.1  #: seconds until caches have what they will have
PATIENCE = 20.0  #: seconds that a worker may wait for its processor
WANTED = 0.8  #: of a worker, that a second one is to add


class Runner:
    """An engine in a process of its own, with a stream on each of its workers, which run when they are told to."""

    def __init__(self, case: Case, cores: tuple[int, ...]) -> None:
        command = [sys.executable, "-m", "bench.scaling", "--serve", ",".join(map(str, cores)), case.name]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.cores = cores

    def say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("an engine that was to be measured has ended")
        return json.loads(line)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


def serve(case: Case, cores: tuple[int, ...]) -> None:
    """In a runner's process: for each line on standard input that says which workers, let them run so long, and say how
    many packets each has made in a second in which it had its processor.
    """
    setup = case.build()
    with Engine(workers=len(cores), corelist=list(cores), buffers=BUFFERS * len(cores)) as engine:
        generator = engine[PacketGenerator]
        configure(engine, setup, thread=1)
        for thread in range(2, len(cores) + 1):
            port = generator.streams[STREAM].interface
            generator.add(f"{STREAM}{thread}", port, setup.frames, thread=thread)
        streams = list(generator.streams.values())
        for stream in streams:
            generator.enable(stream.name)
        time.sleep(SETTLE)
        engine.fuser.learn(lambda: time.sleep(LEARN))
        for stream in streams:
            generator.disable(stream.name)
        print(json.dumps("ready"), flush=True)
        for line in sys.stdin:
            wanted, seconds = json.loads(line)
            running = [(stream, core) for stream, core in zip(streams, cores, strict=True) if core in wanted]
            for stream, _ in running:
                generator.enable(stream.name)
            time.sleep(SETTLE)
            before = [(stream.row.sent, ran(engine, core)) for stream, core in running]
            deadline = time.monotonic() + PATIENCE
            while True:
                time.sleep(seconds)
                after = [(stream.row.sent, ran(engine, core)) for stream, core in running]
                if all(t - u >= seconds / 4 for (_, t), (_, u) in zip(after, before, strict=True)):
                    break
                if time.monotonic() > deadline:
                    sys.exit(f"a worker has not had its processor for {seconds / 4:.2f} of {PATIENCE:.0f} seconds")
            rates = [(a - b) / (t - u) for (a, t), (b, u) in zip(after, before, strict=True)]
            for stream, _ in running:
                generator.disable(stream.name)
            print(json.dumps(rates), flush=True)


def ran(engine: Engine, core: int) -> float:
    """For how many seconds the worker bound to a core has had it (``schedstat``)."""
    number = engine.workers.lwp[engine.workers.corelist.index(core) + 1]
    return int(Path(f"/proc/self/task/{number}/schedstat").read_text().split()[0]) / 1e9


def rate(runners: list[tuple[Runner, tuple[int, ...]]], seconds: float) -> float:
    """Packets a second of these workers of these engines, all at the same time."""
    for runner, cores in runners:
        runner.say(json.dumps([cores, seconds]))
    return sum(sum(runner.hear()) for runner, _ in runners)


def measure(case: Case, rounds: int, seconds: float) -> dict[str, Any]:
    """Rates in millions a second, and what a second worker, or engine, adds to the first as a part of it."""
    both = Runner(case, CORES)
    singles = [Runner(case, (core,)) for core in CORES]
    found: dict[str, list[float]] = {"one": [], "other": [], "workers": [], "engines": []}
    try:
        for runner in (both, *singles):
            runner.hear()
        for _ in range(rounds):
            found["one"].append(rate([(both, CORES[:1])], seconds))
            found["workers"].append(rate([(both, CORES)], seconds))
            found["engines"].append(rate([(single, single.cores) for single in singles], seconds))
            found["other"].append(rate([(both, CORES[1:])], seconds))
    finally:
        for runner in (both, *singles):
            runner.close()
    return {"case": case.name, **concluded(found)}


def table(rows: list[dict[str, Any]]) -> Table:
    made = Table(
        title="Mpps of one worker, on either core; of two workers; of two engines of one worker each",
        box=None,
        pad_edge=False,
        caption=f"added: by the second worker, of one ({WANTED:.0%} is wanted) · control: by the second engine · "
        "kept: workers/engines",
        caption_justify="left",
    )
    made.add_column("case", no_wrap=True)
    for heading in ("core 0", "core 1", "workers", "engines", "added", "control", "kept"):
        made.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        cells = [f"{row[name]:.1f}" for name in ("one", "other", "workers", "engines")]
        made.add_row(row["case"], *cells, *(f"{row[name]:.0%}" for name in ("added", "control", "kept")))
    return made


@click.command()
@cases_argument
@click.option("--rounds", default=5, show_default=True, help="How often each way is measured.")
@click.option("--seconds", default=0.25, show_default=True, help="How long, each time.")
@results_option
@click.option("--serve", "cores", default="", hidden=True)
def main(cases: list[Case], rounds: int, seconds: float, results: str, cores: str) -> None:
    """Measure one and two workers in the cases named, or all."""
    if cores:
        serve(cases[0], tuple(map(int, cores.split(","))))
        return
    if len(os.sched_getaffinity(0)) < len(CORES):
        sys.exit("two workers need two processors: this process may run on one only")
    console = Console()
    rows = list(one_by_one(console, cases, lambda case: measure(case, rounds, seconds)))
    console.print(table(rows), soft_wrap=True)
    keep(console, "scaling", rows, results)


if __name__ == "__main__":
    main()
