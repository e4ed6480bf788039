"""An engine in a child process, whose rounds are stepped through: what each node does to a vector of packets."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.cases import Case
from bench.decode import LONGEST, Instruction, decode
from bench.measure import BUFFERS, STREAM, configure
from bench.steps import NotTraced, Registers, Stepped, child, traced
from weft import Engine
from weft.core.node import ROUTINES
from weft.core.runtime import FRAME_SIZE, MAX_NODES, runtimes, workers
from weft.core.view import POINTER
from weft.core.worker import poll
from weft.features.pg.model import PacketGenerator

BETWEEN = "(between nodes)"  #: the round itself, and the handing of frames to nodes
PAGE = 4096

See = Callable[[str, Instruction, Registers], None]


@dataclass(frozen=True)
class Layout:
    """Where things are in the child's memory."""

    poll: int
    nodes: dict[int, str]  # address of a node's runtime in one of the threads -> its name
    functions: frozenset[int]  # addresses of nodes' machine code


class SteppedEngine:
    """One case, warm, with a stream on each of its threads; their rounds run one after the other, in turn."""

    def __init__(self, stepped: Stepped, layout: Layout) -> None:
        self._stepped, self._layout = stepped, layout
        self._known: dict[int, Instruction] = {}

    def round(self, see: See) -> None:
        """Step through the next round of the next thread."""
        layout, known = self._layout, self._known
        stack: list[tuple[str, int]] = [(BETWEEN, 1 << 64)]
        for registers in self._stepped.call(layout.poll):
            at, top = registers.rip, registers.rsp
            while top > stack[-1][1]:
                stack.pop()
            if at in layout.functions and (name := layout.nodes.get(registers.rdi)):
                stack.append((name, top))
            instruction = known.get(at)
            if instruction is None:
                instruction = known[at] = decode(self._code(at))
            see(stack[-1][0], instruction, registers)

    def _code(self, at: int) -> bytes:
        """The bytes of an instruction, which may be the last of its page."""
        try:
            code = self._stepped.memory(at, LONGEST)
        except OSError:
            code = b""
        return code or self._stepped.memory(at, PAGE - at % PAGE)


@contextmanager
def stepped_engine(case: Case, threads: int = 0, *, fuse: bool = True) -> Iterator[SteppedEngine]:
    """``threads``: how many workers' rounds; 0: the main thread's. ``fuse``: nodes are compiled together, as they are
    in an engine that has seen this traffic for a while. Raises NotTraced.
    """
    reading, writing = os.pipe()
    pid = child(lambda: _forward(case, threads, writing, fuse))
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.readline()
    if not said:
        os.waitpid(pid, 0)
        raise NotTraced("the engine has not started")
    found = json.loads(said)
    nodes = {int(address): name for address, name in found["nodes"].items()}
    stepped = Stepped(pid)
    try:
        yield SteppedEngine(stepped, Layout(found["poll"], nodes, frozenset(found["functions"])))
    finally:
        stepped.close()


def _forward(case: Case, threads: int, pipe: int, fuse: bool) -> None:
    """What the child does."""
    setup = case.build()
    chosen = range(1, threads + 1) if threads else range(1)
    with Engine(workers=threads, buffers=BUFFERS) as engine, engine.workers.barrier():
        configure(engine, setup, thread=chosen[0])
        for thread in chosen[1:]:
            engine[PacketGenerator].add(
                f"{STREAM}{thread}", engine[PacketGenerator].streams[STREAM].interface, setup.frames, thread=thread
            )
        for name in list(engine[PacketGenerator].streams):
            engine[PacketGenerator].enable(name)
        for _ in range(len(setup.frames) // FRAME_SIZE + 8):  # all frames once: what is to be learned is known
            for thread in chosen:
                engine.call(poll, workers[thread])
            engine.punts.drain()
        if fuse:
            engine.fuser.learn(lambda: [engine.call(poll, workers[thread]) for thread in chosen])
        os.write(pipe, json.dumps(_layout(engine, chosen)).encode() + b"\n")
        traced()
        while True:
            for thread in chosen:
                engine.call(poll, workers[thread])


def _layout(engine: Engine, threads: range) -> dict[str, object]:
    found = {
        runtimes[thread * MAX_NODES + instance.index]: instance.name
        for thread in threads
        for instance in engine.graph.instances
    }
    (routine,) = (each for each in ROUTINES.values() if each.function is poll)
    return {
        "poll": POINTER.load(routine.slot),
        "nodes": {rt.address: name for rt, name in found.items()},
        "functions": sorted({rt.function for rt in found}),
    }
