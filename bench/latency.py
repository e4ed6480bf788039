"""``python -m bench.latency [CASE ...]``: how long packets take through the graph, at parts of the highest rate.

Packets fall due at equal distances. Each is stamped with the time at which it fell due, not at which the generator got
round to it, and its time ends where it would be handed to the device. So waiting for the vector before it is counted,
and if the worker falls behind, that shows in all packets that wait. One polling worker on a core of its own, no device:
what a network card, the kernel or a guest adds is not in it.
"""

from __future__ import annotations

import ctypes
import statistics
import time
from array import array
from contextlib import nullcontext
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bench.cases import Case, Setup
from bench.core import waited_for_core
from bench.hold import others_held
from bench.instrument import cases_argument, keep, one_by_one, results_option
from bench.measure import BUFFERS, CORE, LEARN, SETTLE, STREAM, configure
from bench.quantiles import WANTED, quantiles
from bench.samples import LITTLE
from weft import Engine
from weft.core import arena
from weft.core.buffer import buffer_at
from weft.core.graph import feature, next_feature
from weft.core.memory import clock
from weft.core.node import Kind, node
from weft.core.runtime import Frame, NodeRuntime, drop_frame, scatter
from weft.core.view import Array, Ref, View, i64, times
from weft.features.interface.model import Interfaces
from weft.features.pg.model import PacketGenerator
from weft.features.pg.stream import CREDIT, Stream

PARTS = (0.1, 0.5, 0.9)  #: of the highest rate
SLICE = 0.05  #: seconds
WIDTH_BITS = 6
WIDTH = 1 << WIDTH_BITS  #: clocks of a bucket
BUCKETS = 1 << 16
STAMP = 8  #: bytes at a frame's end


class Stamped(View):
    """The time at which a packet fell due, where its frame ends."""

    due: i64


class Latencies(View):
    """What was measured, and the stream that is."""

    stream: Ref[Stream]
    buckets: Array[i64] = times(BUCKETS)


latencies = arena.root("bench-latencies", Latencies)


@node("bench-latency-stamp", kind=Kind.FRAME)
def stamp(rt: NodeRuntime, frame: Frame) -> int:
    """Write on each packet of a round when it fell due: the generator has credit left from after the last of them."""
    stream = latencies.stream
    price = stream.price
    worker = rt.worker
    n = frame.n
    owed = stream.credit + (n - 1) * price
    for i in range(n):
        pkt = buffer_at(frame.vector[i])
        due = worker.now
        if price > 0:
            due = stream.last - owed // CREDIT
        owed -= price
        Stamped(pkt.data + pkt.current_length - STAMP).due = due
        worker.nexts[i] = next_feature(pkt)
    return scatter(rt, frame)


@node("bench-latency-end", kind=Kind.FRAME)
def end(rt: NodeRuntime, frame: Frame) -> int:
    """Count how long it was for each packet since then, in place of the device."""
    now = clock()
    for i in range(frame.n):
        pkt = buffer_at(frame.vector[i])
        took = now - Stamped(pkt.data + pkt.current_length - STAMP).due
        bucket = min(max(took, 0) >> WIDTH_BITS, BUCKETS - 1)
        latencies.buckets[bucket] = latencies.buckets[bucket] + 1
    return drop_frame(rt, frame)


feature("device-input", "bench-latency-stamp")
feature("interface-output", "bench-latency-end")


def measure(case: Case, slices: int, patience: float, hold: bool) -> dict[str, Any]:
    """A case's quantiles at each part of its highest rate, in nanoseconds: medians of those of slices of time."""
    setup = case.build()
    with Engine(workers=1, corelist=[CORE], buffers=BUFFERS) as engine:
        configure(engine, setup)
        instrument(engine, setup)
        generator = engine[PacketGenerator]
        generator.enable(STREAM)
        time.sleep(SETTLE)
        engine.fuser.learn(lambda: time.sleep(LEARN))
        with others_held(engine, CORE) if hold else nullcontext():
            highest = statistics.median(rate_of(engine, SLICE) for _ in range(9))
            loads = []
            for part in PARTS:
                generator.disable(STREAM)
                generator.configure(STREAM, rate=part * highest)
                generator.enable(STREAM)
                time.sleep(SETTLE)
                taken = taken_slices(engine, slices, patience)
                found = [statistics.median(each[n] for each, _ in taken) for n in range(len(WANTED))]
                loads.append(
                    {
                        "part": part,
                        "offered": round(part * highest / 1e6, 3),
                        "sent": round(statistics.median(rate for _, rate in taken) / 1e6, 3),
                        "ns": [round(value / engine.clocks_per_second * 1e9) for value in found],
                        "slices": len(taken),
                    }
                )
        generator.disable(STREAM)
    return {"case": case.name, "highest": round(highest / 1e6, 3), "loads": loads}


def instrument(engine: Engine, setup: Setup) -> None:
    """Stamp what comes in by the case's port, and end what leaves."""
    interfaces = engine[Interfaces]
    latencies.stream = engine[PacketGenerator].streams[STREAM].row
    engine.graph.enable("device-input", "bench-latency-stamp", interfaces[setup.port].sw_if_index, True)
    for each in interfaces:
        if each.name.split(".")[0] == setup.leaves_by:  # or a sub-interface of it
            engine.graph.enable("interface-output", "bench-latency-end", each.sw_if_index, True)


def rate_of(engine: Engine, seconds: float) -> float:
    """Packets a second that the stream makes."""
    row = engine[PacketGenerator].streams[STREAM].row
    sent, began = row.sent, time.perf_counter()
    time.sleep(seconds)
    return (row.sent - sent) / (time.perf_counter() - began)


def taken_slices(engine: Engine, slices: int, patience: float) -> list[tuple[list[float], float]]:
    """Quantiles, in clocks, and the rate, in each of so many slices in which nobody else was given the worker's
    processor; of all that there were, if that takes too long.
    """
    own: list[tuple[list[float], float]] = []
    every: list[tuple[list[float], float]] = []
    deadline = time.monotonic() + patience
    while len(own) < slices and time.monotonic() < deadline:
        before, waited = counted(), waited_for_core(engine)
        rate = rate_of(engine, SLICE)
        waited = waited_for_core(engine) - waited
        counts = [after - earlier for after, earlier in zip(counted(), before, strict=True)]
        if not any(counts):
            continue
        every.append((quantiles(counts, WIDTH), rate))
        if waited < LITTLE * SLICE:
            own.append(every[-1])
    return own or every


def counted() -> array[int]:
    """What is in the buckets."""
    return array("q", ctypes.string_at(latencies.buckets.address, 8 * BUCKETS))


def table(rows: list[dict[str, Any]]) -> Table:
    made = Table(
        title="Microseconds through the graph at parts of the highest rate: median, 99 %, 99.9 %",
        box=None,
        pad_edge=False,
    )
    made.add_column("case", no_wrap=True)
    made.add_column("Mpps", justify="right")
    for part in PARTS:
        for heading in (f"{part:.0%}: 50", "99", "99.9"):
            made.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        cells = [f"{value / 1000:.1f}" for load in row["loads"] for value in load["ns"]]
        made.add_row(row["case"], f"{row['highest']:.1f}", *cells)
    return made


@click.command()
@cases_argument
@click.option("--slices", default=15, show_default=True, help="Of 50 ms, at each rate.")
@click.option("--patience", default=5.0, show_default=True, help="Seconds to wait for undisturbed ones.")
@results_option
@click.option("--hold", is_flag=True, help="Let nothing else run on the machine meanwhile (root).")
def main(cases: list[Case], slices: int, patience: float, results: str, hold: bool) -> None:
    """Measure latencies of the cases named, or all."""
    console = Console()
    rows = list(one_by_one(console, cases, lambda case: measure(case, slices, patience, hold)))
    console.print(table(rows), soft_wrap=True)
    keep(console, "latency", rows, results)


if __name__ == "__main__":
    main()
