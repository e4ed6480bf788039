"""An engine with the network, and steps that are done to it: anything that somebody hostile may do.

A step is data, so that it can be kept and done again: ``Step("frames", ("pg0", "02fe...", ...))``. `KINDS` is the table
of all kinds; whoever adds an input from outside (messages of the binary API, say) adds a row.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.api.answers import carry_out, refused
from tests.api.messages import message, requests

from weft import Engine
from weft.core.api.calls import Calls
from weft.core.api.client import Client
from weft.core.model import Invalid
from weft.features.interface.model import Interfaces
from weft.features.pg.model import PacketGenerator

from .frames import FRAMES, JUMBO
from .journey import Broken
from .mutations import mutated
from .network import forget_questions
from .operator import Operator
from .watch import Watch, settle

WHOLE = [frame.data for frame in FRAMES.values()]
PORTS = [f"pg{number}" for number in (0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 12)]
AT_ONCE = 64  #: frames


@dataclass(frozen=True)
class Step:
    kind: str
    words: tuple[str, ...]


class Trial:
    """The network, built as ``network.build`` does, and what is done to it. Use it ``apart``."""

    def __init__(self, interpret: bool, seed: int = 0) -> None:
        self.engine = Engine(workers=0, interpret=interpret, buffers=1024)
        self.chance = random.Random(seed)
        self.watch = Watch(self.engine, poison=0x00 if interpret else 0xFF)
        self.operator = Operator(self.engine, seed)
        self._commands = list(self.engine.commands.table)
        self._calls = self.engine[Calls]
        self._client = Client(0, self._calls.table, lambda event: None)
        self.as_built = True  #: nobody has changed the configuration, so that more is known of what must happen

    def make(self, kind: str) -> Step:
        """A step at random, fit for the engine as it is."""
        return Step(kind, KINDS[kind][0](self))

    def do(self, step: Step) -> object:
        """What came of it, which is the same compiled and interpreted. Raises Broken when something that must hold does
        not.
        """
        return KINDS[step.kind][1](self, step.words)

    def close(self) -> None:
        self.engine.close()
        self.operator.check_log("close")

    # --- frames

    def make_frames(self) -> tuple[str, ...]:
        chance = self.chance
        made = [mutated(chance, WHOLE) for _ in range(chance.choice((1, 8, AT_ONCE)))]
        if chance.random() < 0.05:
            made.append(chance.choice([frame.data for frame in JUMBO.values()]))
        return chance.choice(PORTS), *(frame.hex() for frame in made)

    def do_frames(self, words: tuple[str, ...]) -> object:
        port, *texts = words
        frames = [bytes.fromhex(text) for text in texts]
        self.operator.forget()
        return self.watch.send(port, frames) if self.as_built else self._send(port, frames)

    def _send(self, port: str, frames: list[bytes]) -> object:
        """Whatever the configuration is: nothing breaks, and all buffers come back. What left, and what was counted."""
        generator, interfaces = self.engine[PacketGenerator], self.engine[Interfaces]
        for stream in list(generator.streams):
            generator.disable(stream)
        forget_questions()
        self.watch.poison_buffers()
        try:
            generator.send(interfaces[port], frames)
        except Invalid:
            return None  # the port is gone
        finally:
            settle(self.engine)
        self.operator.check_log(f"{len(frames)} frames by {port}")
        there = [each for each in self.watch.ports.values() if interfaces.by_index.get(each.sw_if_index) is each]
        return [generator.captured(each) for each in there], self.engine.graph.errors()

    # --- lines

    def make_line(self) -> tuple[str, ...]:
        return (self.operator.speaker.any(self.chance.choice(self._commands)),)

    def do_line(self, words: tuple[str, ...]) -> object:
        (line,) = words
        answer = self.operator.say(line)
        self.as_built = self.as_built and (answer.refused or line.lstrip().startswith("show "))
        return answer if answer.refused else None  # what is shown may be clocks and addresses

    def do_ask(self, words: tuple[str, ...]) -> None:
        self.operator.ask(words[0])

    # --- messages of the binary API

    def make_message(self) -> tuple[str, ...]:
        return (message(requests(self._calls.table), self.chance).hex(),)

    def do_message(self, words: tuple[str, ...]) -> object:
        """It is answered as it was declared, or its client sent away; a refused one leaves things as they were."""
        data = bytes.fromhex(words[0])
        self.operator.forget()
        before = self.operator.look()
        try:
            replies = carry_out(self._calls, self._client, data)
        except AssertionError as error:
            raise Broken(f"message {words[0][:300]}: {error}") from error
        self.operator.check_log(words[0])
        if replies is None or refused(self._calls, replies):
            self.operator.unchanged(before, f"message {words[0][:300]} was refused")
            return "refused"
        self.as_built = False
        return None

    @property
    def spent(self) -> bool:
        """Whether there is little left of the network."""
        return not self.operator.intact


#: Kind -> how a step is made, how it is done.
KINDS: dict[str, tuple[Callable[[Trial], tuple[str, ...]], Callable[[Trial, tuple[str, ...]], object]]] = {
    "frames": (Trial.make_frames, Trial.do_frames),
    "line": (Trial.make_line, Trial.do_line),
    "ask": (Trial.make_line, Trial.do_ask),
    "message": (Trial.make_message, Trial.do_message),
}
