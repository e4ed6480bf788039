"""How fast the worker's core runs while it forwards, and how much of it the worker has.

The time-stamp counter runs at one speed; the core's speed depends on the machine's other load, its temperature, its
host. A chain of multiplications, each of which needs the one before, takes 3 cycles each on every Intel core since 2008
and on AMD's since 2017, whatever else runs beside it on the same core. That gives cycles per clock.

A core's second hardware thread (another processor to the system, perhaps another virtual machine's) halves what the
first can do, without changing its clock. Simple instructions that need little of one another show that: their rate is
either what it is at best, or about half of it.
"""

from __future__ import annotations

import time
from pathlib import Path

from bench.samples import Core
from weft import Engine
from weft.core import arena, features
from weft.core.memory import clock, shift_right, wrap
from weft.core.node import Kind, node
from weft.core.runtime import Frame, NodeRuntime, drop_frame
from weft.core.view import View, i64

features.load()  # first, so that what is declared here moves none of their addresses

LATENCY = 3  #: cycles
CHAIN = 20_000  #: multiplications
TRIES = 5  #: of which the shortest counts: the others were interrupted
ROUNDS = 10_000  #: of independent instructions


class Speed(View):
    """What the node has found."""

    chain: i64  # clocks
    rounds: i64  # clocks
    result: i64  # somebody must want it, or the compiler leaves the work out


speed = arena.root("bench-core-speed", Speed)


@node("bench-core-speed", kind=Kind.FRAME)
def core_speed(rt: NodeRuntime, frame: Frame) -> int:
    """Runs where packets are forwarded, between two of their frames."""
    chain = rounds = 1 << 62
    a = speed.result | 3
    b, c, d, e, f = a, a, a, a, a
    for _ in range(TRIES):
        start = clock()
        for _ in range(CHAIN):
            a = wrap(a * a)
        middle = clock()
        speed.result = a
        for i in range(ROUNDS):
            b = wrap(b + (c ^ i))
            c = wrap(c ^ shift_right(c, 7))
            d = wrap(d - shift_right(d, 3))
            e = wrap(e | (d << 1))
            f = wrap(f + (f << 2))
        chain = min(chain, middle - start)
        rounds = min(rounds, clock() - middle)
        speed.result = b + c + d + e + f
    speed.rounds = rounds
    speed.chain = chain
    return drop_frame(rt, frame)


def waited_for_core(engine: Engine) -> float:
    """For how many seconds in all the first worker was ready to run and the system ran others (``schedstat``)."""
    return int(Path(f"/proc/self/task/{engine.workers.lwp[1]}/schedstat").read_text().split()[1]) / 1e9


def look_at_core(engine: Engine) -> Core:
    """How the first worker's core does now. Takes some of its time, less than a millisecond."""
    speed.chain = 0
    if not engine.workers.inject(b"", "bench-core-speed"):
        raise RuntimeError("the worker takes no packet to measure its core's speed with")
    deadline = time.monotonic() + 5
    while speed.chain == 0:
        if time.monotonic() > deadline:
            raise RuntimeError("the worker has not measured its core's speed within 5 seconds")
        time.sleep(0.0002)
    cycles = LATENCY * CHAIN / speed.chain
    return Core(cycles, ROUNDS / (speed.rounds * cycles))
