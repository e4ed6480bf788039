"""``python -m bench.latency [CASE ...]``: how long packets take through the graph, at parts of the highest rate.

Packets fall due at equal distances. Each is stamped with the time at which it fell due, not at which the generator got
round to it, and its time ends where it would be handed to the device. So waiting for the vector before it is counted,
and if the worker falls behind, that shows in all packets that wait. One polling worker on a core of its own, no device:
what a network card, the kernel or a guest adds is not in it.

A host may take the core away for tens of microseconds a thousand times a second, and packets that fall due then say how
long that was, not how long the graph takes. It shows in a round that lasts far longer than its packets need. Such a
round's packets, and those that fall due until what has queued up meanwhile is dealt with, are counted on their own.
"""

from __future__ import annotations

import ctypes
import math
import statistics
import time
from array import array
from contextlib import nullcontext
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bench.cases import Case, Setup
from bench.hold import others_held
from bench.instrument import cases_argument, keep, one_by_one, results_option
from bench.measure import BUFFERS, CORE, LEARN, SETTLE, STREAM, configure
from bench.quantiles import quantiles
from weft import Engine
from weft.core import arena
from weft.core.buffer import buffer_at
from weft.core.graph import feature, next_feature
from weft.core.memory import clock
from weft.core.node import Kind, inline, node
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
#: A round that takes so many times what its packets need, and so many seconds, was interrupted.
FACTOR, GRACE = 2, 5e-6
SOME = 0.01  #: of all packets: so many at least must be counted in a slice


class Stamped(View):
    """The time at which a packet fell due, where its frame ends."""

    due: i64


class Latencies(View):
    """What was measured, and the stream that is."""

    stream: Ref[Stream]
    need: i64  # of a packet, in clocks / CREDIT
    grace: i64  # clocks
    aftermath: i64  # how many times as long as an interruption it takes until nothing waits any more
    packets: i64  # of this round
    ended: i64  # when the last packet had gone through the graph
    again: i64  # packets that fall due from then on count
    buckets: Array[i64] = times(BUCKETS)
    every: Array[i64] = times(BUCKETS)  # the same for all packets


latencies = arena.root("bench-latencies", Latencies)


@inline
def interrupted(since: int, until: int, packets: int) -> int:
    """Whether there was more time in between than so many packets need. Packets count again when it is made up for."""
    took = until - since
    if took <= FACTOR * packets * latencies.need // CREDIT + latencies.grace:
        return False
    latencies.again = until + took * latencies.aftermath
    return True


@node("bench-latency-stamp", kind=Kind.FRAME)
def stamp(rt: NodeRuntime, frame: Frame) -> int:
    """Write on each packet of a round when it fell due: the generator has credit left from after the last of them."""
    stream = latencies.stream
    price = stream.price
    worker = rt.worker
    n = frame.n
    owed = stream.credit + (n - 1) * price
    if interrupted(latencies.ended, worker.now, 0) == 0 and n == stream.batch:
        latencies.again = max(latencies.again, worker.now)  # the generator is behind still, or at its limit
    latencies.packets = n
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
    counts = interrupted(rt.worker.now, now, latencies.packets) == 0
    for i in range(frame.n):
        pkt = buffer_at(frame.vector[i])
        due = Stamped(pkt.data + pkt.current_length - STAMP).due
        bucket = min(max(now - due, 0) >> WIDTH_BITS, BUCKETS - 1)
        latencies.every[bucket] = latencies.every[bucket] + 1
        if counts and due >= latencies.again:
            latencies.buckets[bucket] = latencies.buckets[bucket] + 1
    latencies.ended = now
    return drop_frame(rt, frame)


feature("device-input", "bench-latency-stamp")
feature("interface-output", "bench-latency-end")


def measure(case: Case, slices: int, hold: bool) -> dict[str, Any]:
    """A case's quantiles at each part of its highest rate, in nanoseconds."""
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
            latencies.need = int(engine.clocks_per_second / highest * CREDIT)
            latencies.grace = int(engine.clocks_per_second * GRACE)
            loads = []
            for part in PARTS:
                generator.disable(STREAM)
                generator.configure(STREAM, rate=part * highest)
                latencies.aftermath = math.ceil(part / (1 - part)) + 1
                generator.enable(STREAM)
                time.sleep(SETTLE)
                loads.append({"part": part, "offered": round(part * highest / 1e6, 3)} | look(engine, slices))
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


def look(engine: Engine, slices: int) -> dict[str, Any]:
    """The rate; quantiles of packets while the core was the worker's, and of all; what part the former are."""
    before = [counted(each) for each in (latencies.buckets, latencies.every)]
    rate = statistics.median(rate_of(engine, SLICE) for _ in range(slices))
    after = [counted(each) for each in (latencies.buckets, latencies.every)]
    own, every = ([y - x for x, y in zip(*pair, strict=True)] for pair in zip(before, after, strict=True))
    part = sum(own) / max(sum(every), 1)
    return {
        "sent": round(rate / 1e6, 3),
        "own": round(part, 4),
        "ns": in_nanoseconds(engine, own) if part >= SOME else None,
        "every_ns": in_nanoseconds(engine, every),
    }


def in_nanoseconds(engine: Engine, counts: list[int]) -> list[int]:
    return [round(value / engine.clocks_per_second * 1e9) for value in quantiles(counts, WIDTH)]


def counted(buckets: Array[int]) -> array[int]:
    """What is in the buckets."""
    return array("q", ctypes.string_at(buckets.address, 8 * BUCKETS))


def table(rows: list[dict[str, Any]]) -> Table:
    made = Table(
        title="Microseconds through the graph at parts of the highest rate, while the core was the worker's:\n"
        "median, 99 %, 99.9 %; own: of how many of the packets",
        box=None,
        pad_edge=False,
    )
    made.add_column("case", no_wrap=True)
    made.add_column("Mpps", justify="right")
    for part in PARTS:
        for heading in (f"{part:.0%}: 50", "99", "99.9", "own"):
            made.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        made.add_row(row["case"], f"{row['highest']:.1f}", *(cell for load in row["loads"] for cell in cells(load)))
    return made


def cells(load: dict[str, Any]) -> list[str]:
    """What the table says of a load."""
    figures = [f"{value / 1000:.1f}" for value in load["ns"]] if load["ns"] else ["-"] * 3
    return [*figures, f"{load['own']:.0%}"]


@click.command()
@cases_argument
@click.option("--slices", default=20, show_default=True, help="Of 50 ms, at each rate.")
@results_option
@click.option("--hold", is_flag=True, help="Let nothing else run on the machine meanwhile (root).")
def main(cases: list[Case], slices: int, results: str, hold: bool) -> None:
    """Measure latencies of the cases named, or all."""
    console = Console()
    rows = list(one_by_one(console, cases, lambda case: measure(case, slices, hold)))
    console.print(table(rows), soft_wrap=True)
    keep(console, "latency", rows, results)


if __name__ == "__main__":
    main()
