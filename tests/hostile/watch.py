"""What must hold for every frame, whatever it is.

Every buffer that a packet of theirs was in ends exactly once: at an interface, under an error, or with Python. In the
end all buffers are back, each once. What was counted is what happened. Nothing is logged.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

from weft import Engine
from weft.core import memory
from weft.core.buffer import METADATA, SIZE, buffer_at, pool, stack
from weft.core.runtime import threads_in_use, workers
from weft.features.interface.model import Interface, Interfaces, drops, punts, rx
from weft.features.ip4.errors import FragmentError
from weft.features.pg.model import PacketGenerator, streams

from .journey import FRAGMENTED, Broken, Fate, Journeys, reason
from .network import build, forget_questions

INTERFACES = range(64)  #: more than the network has
STREAM = "hostile"
GRAVE = ("ERROR", "CRITICAL", "WARNING")


def free_buffers() -> list[int]:
    """The indices of all buffers that nobody has; while nothing is forwarded."""
    indices = list(memoryview(memory.read(stack.address, 4 * pool.free)).cast("I"))
    for thread in threads_in_use():
        cache = workers[thread].cache
        indices += memoryview(memory.read(cache.indices.address, 4 * cache.count)).cast("I")
    return indices


def check_buffers() -> None:
    """All buffers are free, each once."""
    indices = free_buffers()
    if len(indices) != pool.total or len(set(indices)) != pool.total:
        raise Broken(f"{pool.total} buffers, {len(indices)} of them free, {len(set(indices))} of these different")


def settle(engine: Engine) -> None:
    """Let everything end that is under way, whatever the configuration has become; all buffers are free then."""
    for stream in list(engine[PacketGenerator].streams):
        engine[PacketGenerator].disable(stream)
    engine.step()
    try:
        check_buffers()
    except Broken:
        # Loopbacks may have been bridged into a circle: packets go round until one of them is down.
        for interface in list(engine[Interfaces]):
            engine[Interfaces].set_admin(interface, False)
        engine.step()
        check_buffers()


class Watch:
    """The network without workers, and everything that is to be checked of it."""

    def __init__(self, engine: Engine, poison: int = 0xFF) -> None:
        self.engine, self.poison = engine, poison
        self.ports: dict[str, Interface] = build(engine)
        self._generator = engine[PacketGenerator]
        self._logged = len(engine.messages)

    def send(self, port: str, frames: Sequence[bytes]) -> list[Fate]:
        """What becomes of frames that come in together by a port. Raises Broken."""
        engine, interface = self.engine, self.ports[port]
        forget_questions()
        self.poison_buffers()
        before = self._counts(interface)
        engine.trace.clear()
        engine.trace.add("pg-input", len(frames))
        self._let_in(interface, frames)
        check_buffers()
        outputs = {name: deque(self._generator.captured(each)) for name, each in self.ports.items()}
        journeys = Journeys(engine, outputs)
        if sorted(journeys.fates) != list(range(len(frames))):
            raise Broken(f"{len(frames)} frames were sent, {len(journeys.fates)} were received")
        fates = [journeys.fates[number] for number in range(len(frames))]
        self._check_counts(before, self._counts(interface), fates, journeys.fragments)
        self._check_log()
        return fates

    def poison_buffers(self) -> None:
        """Fill all buffers: what stands behind a packet's end must not matter."""
        for index in free_buffers():
            memory.fill(buffer_at(index).address + METADATA, self.poison, SIZE - METADATA)

    def _let_in(self, interface: Interface, frames: Sequence[bytes]) -> None:
        stream = self._generator.add(STREAM, interface, frames, limit=len(frames))
        row = streams[stream.slot]
        for position, frame in enumerate(frames):
            end = row.templates + position * row.stride + len(frame)
            memory.fill(end, self.poison, row.stride - len(frame))
        try:
            self._generator.enable(STREAM)
            self.engine.step()
        finally:
            self._generator.delete(STREAM)

    def _counts(self, interface: Interface) -> Counter[str]:
        counts = Counter({reason(number): count for number, count in self.engine.graph.errors().items()})
        counts["received"] = rx.read(interface.sw_if_index)[0]
        counts["dropped"] = sum(drops.read(each) + punts.read(each) for each in INTERFACES)
        return counts

    def _check_counts(self, before: Counter[str], after: Counter[str], fates: list[Fate], fragments: int) -> None:
        """Counters say what happened: no more, no less."""
        after.subtract(before)
        ends = Counter(way.end for fate in fates for way in fate.ways)
        dropped = {end: count for end, count in ends.items() if ": " in end}
        fragmented, pieces = (after[reason(each)] for each in (FragmentError.NONE, FragmentError.FRAGMENT_SENT))
        wanted = {
            "received": len(fates),
            "dropped": sum(dropped.values()),
            FRAGMENTED: fragmented,
        }
        found = {"received": after["received"], "dropped": after["dropped"], FRAGMENTED: ends[FRAGMENTED]}
        if wanted != found:
            raise Broken(f"counted: {found}, happened: {wanted}")
        if fragments != pieces - fragmented:
            raise Broken(f"{fragments} later fragments left, {pieces - fragmented} were made")
        for end, count in dropped.items():
            if after[end] != count:
                raise Broken(f"{count} packets were dropped under `{end}', which counts {after[end]}")

    def _check_log(self) -> None:
        new = list(self.engine.messages)[self._logged :]
        self._logged = len(self.engine.messages)
        grave = [message.getMessage() for message in new if message.levelname in GRAVE]
        if grave:
            raise Broken(f"logged: {grave}")
