"""What must hold for every line that somebody types, whatever it is.

It is carried out, or refused in one printable line; a refused one leaves the configuration as it was. No exception but
CliError comes out, and nothing is logged that a programmer would have to look at.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from weft import Engine
from weft.core.cli import CliError, Session
from weft.core.cli.argument import lookup
from weft.core.cli.command import Command
from weft.core.cli.grammar import Sequence, Value, Word
from weft.core.cli.lexer import tokenize
from weft.core.cli.match import Matcher
from weft.features.interface.model import Interfaces

from .journey import Broken
from .lines import Speaker
from .network import PORTS

LONGEST = 1300  #: characters of an error: what was typed is shown cut

#: (command, value) -> the only words for it that are accepted, where others would take long or reach beyond the engine.
TAMED = {
    ("ping", "repeat"): ("1", "2"),
    ("ping", "burst"): ("1", "3"),
    ("set clock adjust", "seconds"): ("0", "1.5", "600", "-1", "604801"),
}
#: Lines that say nothing about the configuration: what time it is, what was counted, who asks.
NO_CONFIGURATION = {
    "show clock",
    "show cli",
    "show cli-sessions",
    "show cpu",
    "show errors",
    "show features",
    "show api message-table",
    "show api plugin",
    "show api trace-status",
    "show bihash",
    "show logging",
    "show memory",
    "show physmem",
    "show punt reasons",
    "show runtime",
    "show threads",
    "show trace",
    "show version",
    "show vlib graph",
}
#: What the plain commands leave out.
DETAILS = (
    "show l2fib all",
    "show packet-generator verbose",
    "show bridge-domain 2 arp",
    *(f"show bridge-domain {number} detail" for number in (1, 2, 3, 5, 6)),
)
#: Commands that may have done something when they are refused, as in VPP.
MAY_CHANGE = {"exec": "a script keeps what it did before the line that failed"}
#: What there is beside the network, so that commands find something to work on.
SETUP = ("packet-generator new { name stream limit 2 interface pg1 data { incrementing 64 } }",)


@dataclass(frozen=True)
class Answer:
    """What a line was answered with."""

    text: str
    refused: bool = False


class Operator:
    """Somebody who types anything, at an engine that has the network of ``network.build``."""

    def __init__(self, engine: Engine, seed: int = 0) -> None:
        self.engine = engine
        self.speaker = Speaker(engine, random.Random(seed), TAMED)
        self._session = Session(engine.commands, "hostile")
        self._logged = engine.messages[-1] if engine.messages else None
        self._before: dict[str, str] = {}
        self._showing = list(configuration_lines(engine))
        for line in SETUP:
            engine.cli(line)

    def say(self, line: str) -> Answer:
        """Carry out a line. Raises Broken."""
        command = understood(self.engine, line)
        if command is not None and command.name in MAY_CHANGE:
            self._before = {}
        if command is None or command.name in MAY_CHANGE or command.name.startswith("show "):
            answer = self._answer(line)
            self.check_log(line)
            return answer
        before, self._before = self._before or self.look(), {}
        answer = self._answer(line)
        self.check_log(line)
        self._before = self.unchanged(before, f"{line[:300]!r} was refused ({answer.text})") if answer.refused else {}
        return answer

    def unchanged(self, before: dict[str, str], what: str) -> dict[str, str]:
        """What is to be seen now, after something was refused. Raises Broken if it is not what was seen before."""
        now = self.look()
        changed = [shown for shown in now if before.get(shown) != now[shown]]
        if changed:
            how = _difference(before.get(changed[0], ""), now[changed[0]])
            raise Broken(f"{what} but `{changed[0]}' changed: {how}")
        return now

    def forget(self) -> None:
        """Something else has happened to the engine: what was seen last is no more."""
        self._before = {}

    def _answer(self, line: str) -> Answer:
        try:
            shown = self.engine.commands.run(self.engine, line, self._session)
        except CliError as error:
            message = str(error)
            if not message or not message.isprintable() or len(message) > LONGEST or "internal error" in message:
                raise Broken(f"{line[:300]!r} was refused with {message[:600]!r}") from error
            return Answer(message, refused=True)
        except BaseException as error:
            raise Broken(f"{line[:300]!r} raised {type(error).__name__}: {error}") from error
        if not isinstance(shown, str) or "Traceback" in shown:
            raise Broken(f"{line[:300]!r} printed {shown[:600]!r}")
        return Answer(shown)

    def check_log(self, line: str) -> None:
        """No exception was logged since the last look."""
        for record in reversed(self.engine.messages):
            if record is self._logged:
                break
            if record.exc_info:
                raise Broken(f"{line[:300]!r} logged {record.getMessage()}: {record.exc_info[1]}")
        self._logged = self.engine.messages[-1] if self.engine.messages else None

    def ask(self, line: str) -> None:
        """Let a line, finished or not, be completed and explained. Raises Broken."""
        for offered in self.engine.commands.complete(self.engine, line):
            if not isinstance(offered, str):
                raise Broken(f"{line[:300]!r} was completed with {offered!r}")
        self._answer(f"{line} ?")

    def look(self) -> dict[str, str]:
        """The configuration, as commands show it: line -> output."""
        lines = [words for line in self._showing for words in _with_interfaces(self.engine, line)]
        return {line: self._answer(line).text for line in (*lines, *DETAILS)}

    @property
    def intact(self) -> bool:
        """Whether most of the network's ports are still there."""
        names = {interface.name for interface in self.engine[Interfaces]}
        return len(names & {f"pg{number}" for number in range(PORTS)}) > PORTS // 2


def understood(engine: Engine, line: str) -> Command | None:
    """The command that a line gives, if its words and values are such as the command takes."""
    try:
        tokens = tokenize(line)
        place, index = engine.commands.table.resolve(line, tokens)
        if place.command is not None:
            Matcher(engine, place.command.name, line, tokens, index).read(place.command.grammar)
    except CliError:
        return None
    return place.command


def configuration_lines(engine: Engine) -> Iterator[tuple[str, Value | None]]:
    """The commands that show something, and what each needs besides its words: nothing, or an interface."""
    for command in engine.commands.table:
        if command.name.startswith("show ") and command.name not in NO_CONFIGURATION:
            needed = needs(command)
            if needed is not None and len(needed) < 2:
                yield command.name, needed[0] if needed else None


def needs(command: Command) -> list[Value] | None:
    """The values without which a command is not complete; None if it needs words or a choice as well."""
    return _needed(command.grammar)


def _needed(sequence: Sequence) -> list[Value] | None:
    needed: list[Value] = []
    for item in sequence.items:
        if isinstance(item, Value):
            needed.append(item)
        elif isinstance(item, Word) or not item.optional:
            return None
    return needed


def _with_interfaces(engine: Engine, line: tuple[str, Value | None]) -> Iterator[str]:
    words, value = line
    if value is None:
        yield words
    else:
        for name in lookup(value.type).complete(engine, ""):
            yield f"{words} {name}"


def _difference(before: str, after: str) -> str:
    old, new = before.splitlines(), after.splitlines()
    gone = [line.strip() for line in old if line not in new]
    come = [line.strip() for line in new if line not in old]
    return f"{gone[:3]} became {come[:3]}"
