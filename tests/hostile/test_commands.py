"""Every command that is registered, called wrongly in every way: it is refused in one line, and nothing has changed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from weft import Engine
from weft.core import features
from weft.core.cli.command import COMMANDS, Command

from .journey import Broken
from .network import build
from .operator import Operator
from .watch import settle
from .words import LETTERS, PROBES

features.load()
NAMES = [command.name for command in COMMANDS]
AT_RANDOM = {"compiled": 15, "interpreted": 4}  #: lines for each command
WORDS = sorted({word for name in NAMES for word in name.split()})


@dataclass
class Desk:
    """Where the operator sits; the engine is made anew when little is left of its network."""

    way: str
    engine: Engine | None = None
    made: Operator | None = None

    @property
    def operator(self) -> Operator:
        if self.made is None or not self.made.intact:
            self.close()
            self.engine = Engine(workers=0, interpret=self.way == "interpreted", buffers=1024)
            build(self.engine)
            self.made = Operator(self.engine)
        return self.made

    def command(self, name: str) -> Command:
        return next(command for command in self.operator.engine.commands.table if command.name == name)

    def close(self) -> None:
        engine, made = self.engine, self.made
        self.engine = self.made = None
        if engine is not None:
            try:
                settle(engine)
            finally:
                engine.close()
        if made is not None:
            made.check_log("close")


@pytest.fixture(scope="module", params=["compiled", "interpreted"])
def desk(request: pytest.FixtureRequest, no_time: Path) -> Iterator[Desk]:
    desk = Desk(request.param)
    yield desk
    desk.close()


@pytest.mark.parametrize("name", NAMES)
def test_wrong_lines_are_refused_and_change_nothing(desk: Desk, name: str) -> None:
    command = desk.command(name)
    speaker = desk.operator.speaker
    lines = [speaker.any(command) for _ in range(AT_RANDOM[desk.way])]
    if desk.way == "compiled":  # what reads a line is the same
        lines = [*speaker.wrong(command), *lines]
    for line in lines:
        desk.operator.say(line)
    desk.operator.ask(name)


def test_any_text_is_answered(desk: Desk) -> None:
    chance = random.Random(3)
    for _ in range(300):
        words = [chance.choice(chance.choice((WORDS, WORDS, PROBES))) for _ in range(chance.randrange(1, 8))]
        line = " ".join(words)
        if chance.random() < 0.3:
            at = chance.randrange(len(line) + 1)
            line = line[:at] + chance.choice(LETTERS) + line[at:]
        if not line.startswith("ping"):
            desk.operator.say(line)
            desk.operator.ask(line)


def test_a_script_of_any_lines_ends_at_the_first_that_is_refused(desk: Desk, no_time: Path) -> None:
    script = no_time / "script"
    command = desk.command("set interface state")
    for number in range(20):
        lines = [desk.operator.speaker.any(command) for _ in range(5)]
        script.write_text("\n".join([*lines, f"echo reached {number}"]), "utf-8", "backslashreplace")
        answer = desk.operator.say(f"exec {script}")
        assert answer.refused or answer.text.endswith(f"reached {number}")


def test_a_half_done_command_would_be_seen(desk: Desk) -> None:
    """The check itself: a change that a refused command leaves is noticed."""
    operator, refusable = desk.operator, "delete packet-generator interface local0"
    assert operator.say(refusable).refused
    operator.engine.cli("set interface tag local0 behind-its-back")
    with pytest.raises(Broken, match="`show interface tag' changed"):
        operator.say(refusable)
    assert operator.say(refusable).refused
