"""Which fusions there are: chosen by what the graph sees, compiled in the background, put in under traffic, undone."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weft.core.compiler import Store, compile_loop, kept_code, loaded
from weft.core.compilers import in_background
from weft.core.digest import Digests
from weft.core.fusing import MODES, probe
from weft.core.fusing.facts import facts_of
from weft.core.fusing.fusion import Fusion
from weft.core.fusing.probe import Shape
from weft.core.fusing.rows import Rows
from weft.core.graph import Instance
from weft.core.memory import functions
from weft.core.model import Invalid
from weft.core.node import NODES, Kind, Per
from weft.core.runtime import workers
from weft.core.timers import Timer

if TYPE_CHECKING:
    from weft.core.engine import Engine

LOOK = 1.0  #: seconds between two looks at how busy the graph is
BUSY = 50_000  #: packets in a second that make it worth while
PROBES = 24  #: packets that are followed in a thread before anything is decided
PAUSE = 0.01  #: seconds between two of them
REST = 10  #: looks until packets are followed again
LEAST = 3  #: packets that must have gone a way
MOST_MADE = 2000  #: what is compiled stays in memory


@dataclass
class Making:
    """Fusions that are being compiled."""

    fusions: dict[str, Fusion]  # by their keys
    pid: int
    fd: int
    said: bytes = b""


class Fuser:
    """``engine.fuser``."""

    def __init__(self, engine: Engine, store: Store | None, mode: str) -> None:
        self._engine, self._store = engine, store
        self._graph = engine.graph
        self.mode = "off"
        #: Whether what is configured is compiled in. Not where each test would have machine code of its own.
        self.specialise = mode != "forced" or engine.interpret
        self._rows = Rows(engine, self._look_soon)
        self._seen: Counter[Shape] = Counter()
        self._probes = 0
        self._rest = 0
        self._round = 0
        self._packets = 0
        self._making: Making | None = None
        self._failed: set[Shape] = set()
        self._made = 0
        self._timers: list[Timer] = []
        self._inputs = [name for name, node in NODES.items() if node.kind is Kind.INPUT and not node.template]
        self.set_mode(mode)

    # --- what people say and ask

    def set_mode(self, mode: str) -> None:
        """One of MODES, from now on."""
        if mode not in MODES:
            raise Invalid(f"nodes are fused {', '.join(MODES)}, not {mode}")
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._probes = 0
        if mode == "off":
            for each in list(self._rows.installed):
                self._rows.undo(each)
        elif self._engine.workers.count:
            period, look = (LOOK, self._look) if mode == "on" else (PAUSE, self._force)
            self._timers.append(self._engine.timers.every(period, look))
        self.mode = mode

    @property
    def installed(self) -> list[Fusion]:
        """The fusions that packets go by now."""
        return [each.fusion for each in self._rows.installed]

    @property
    def making(self) -> int:
        """How many are being compiled."""
        return len(self._making.fusions) if self._making else 0

    # --- following packets

    @property
    def _threads(self) -> list[int]:
        return self._engine.workers.forwarding

    def ask(self) -> None:
        """Let each thread follow a packet."""
        for thread in self._threads:
            probe.ask(workers[thread])

    def see(self) -> None:
        """Take down the ways of the packets that have been followed."""
        for thread in self._threads:
            for shape in probe.shapes(probe.taken(workers[thread]), self._instance):
                self._seen[shape] += 1

    def learn(self, forward: Callable[[], object]) -> None:
        """Fuse what packets pass now, and wait until it is: for measurements. ``forward`` lets some be forwarded."""
        for _ in range(PROBES):
            self.ask()
            forward()
            self.see()
        self.decide(wait=True)

    def before_round(self) -> None:
        """Without workers: a round is to begin. Each second one shows where packets go, and the others go by it."""
        self._round += 1
        if self.mode == "forced" and self._round % 2:
            self.ask()

    def after_round(self) -> None:
        """It has ended."""
        if self.mode == "forced":
            self.see()
            self.decide(least=1, wait=True)

    def _force(self) -> None:
        self.see()
        self.decide(least=1)
        self.ask()

    def _instance(self, index: int) -> Instance | None:
        instances = self._graph.instances
        return instances[index] if index < len(instances) else None

    def _look(self) -> None:
        """Begin to follow packets, if there are many."""
        packets = sum(self._graph.runtime(name, thread).vectors for thread in self._threads for name in self._inputs)
        busy = (packets - self._packets) / LOOK > BUSY
        self._packets = packets
        self._rest = max(0, self._rest - 1)
        if busy and not self._rest and not self._probes and self._making is None:
            self._probe()

    def _look_soon(self) -> None:
        """What was fused is so no longer: see what it has become."""
        self._rest = 0

    def _probe(self) -> None:
        """Follow one packet after the other, then decide."""
        if self.mode != "on":
            return
        self.see()
        if self._probes == PROBES:
            self._probes = 0
            self._rest = REST
            for thread in self._threads:
                probe.forget(workers[thread])
            self.decide()
            return
        self._probes += 1
        self.ask()
        self._engine.timers.after(PAUSE, self._probe)

    # --- deciding

    def decide(self, *, least: int = LEAST, wait: bool = False) -> None:
        """Have fusions for the ways that packets have gone so often at least. ``wait`` until they are there."""
        wanted = self._chosen(least)
        self._seen.clear()
        there = {each.fusion.stages for each in self._rows.installed}
        fresh = [shape for shape in wanted if shape not in there and shape not in self._failed]
        if fresh and self._making is None and self._made < MOST_MADE:
            self._make(fresh, wait)

    def _chosen(self, least: int) -> list[Shape]:
        """For each node and interface the way that most packets have gone."""
        chosen: dict[tuple[int, Per, int], Shape] = {}
        for shape, count in self._seen.most_common():
            if count >= least:
                chosen.setdefault((shape[0].index, shape[0].node.per, shape[0].key), shape)
        return list(chosen.values())

    def _fusion(self, shape: Shape, digests: Digests) -> Fusion:
        if not self.specialise:
            return Fusion(shape)
        named = digests.places(*(stage.node.function for stage in shape))
        return Fusion(shape, facts_of(named, (stage.key for stage in shape if stage.node.per)))

    # --- making

    def _make(self, shapes: list[Shape], wait: bool) -> None:
        """Put fusions in that are compiled, and compile the others first."""
        digests = Digests()
        fusions = [self._fusion(shape, digests) for shape in shapes]
        if self._engine.interpret:
            for fusion in fusions:
                number = len(functions) + 1
                functions[number] = fusion.function
                self._rows.install(fusion, number)
            return
        missing: dict[str, Fusion] = {}
        for fusion in fusions:
            key = digests.of(fusion.function)
            if not self._take(key, fusion):
                missing[key] = fusion
        if not missing:
            return
        self._made += len(missing)
        store = self._store or Store()

        def work() -> None:
            for key, fusion in missing.items():
                store.put(key, *compile_loop(fusion.head.node, fusion.function, fusion.functions))

        pid, fd = in_background(work, nice=0 if wait else 19)
        self._making = Making(missing, pid, fd)
        self._engine.files.watch(fd, self._hear)
        while wait and self._making is not None:
            os.set_blocking(fd, True)
            self._hear()

    def _take(self, key: str, fusion: Fusion) -> bool:
        """Put a fusion in, if its machine code is there."""
        address = loaded(key) or kept_code(key, self._store or Store())
        if address:
            self._rows.install(fusion, address)
        return address != 0

    def _hear(self) -> None:
        """The process that compiles says what went wrong, or has ended."""
        making = self._making
        assert making is not None
        said = os.read(making.fd, 4096)
        if said:
            making.said += said
            return
        self._engine.files.forget(making.fd)
        os.close(making.fd)
        os.waitpid(making.pid, 0)
        self._making = None
        for key, fusion in making.fusions.items():
            if not all(fact.holds for fact in fusion.facts):
                continue  # it will be chosen again, as it is now
            if not self._alive(fusion) or self.mode == "off":
                continue
            if not self._take(key, fusion):
                self._failed.add(fusion.stages)
        if making.said:
            self._engine.log.warning("nodes were not fused: %s", making.said.decode(errors="replace").strip())

    def _alive(self, fusion: Fusion) -> bool:
        """Whether its nodes are there still."""
        for stage in fusion.stages:
            instance = self._instance(stage.index)
            if instance is None or instance.node.name != stage.name or instance.data != stage.data:
                return False
            if instance.name not in self._graph.by_name:
                return False
        return True

    def close(self) -> None:
        """Compile no more."""
        self.set_mode("off")
        if self._making is not None:
            os.kill(self._making.pid, 9)
            os.waitpid(self._making.pid, 0)
            self._engine.files.forget(self._making.fd)
            os.close(self._making.fd)
            self._making = None
