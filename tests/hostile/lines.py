"""Command lines made from the commands' own grammars: right ones, and wrong ones of every kind.

Nothing here names a command or a type: whatever is registered is covered. A type's good words are those of `PROBES`
and of its completions that it accepts.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from weft import Engine
from weft.core.cli import CliError
from weft.core.cli.argument import lookup
from weft.core.cli.command import Command
from weft.core.cli.grammar import Group, Sequence, Value, Word, values
from weft.core.cli.lexer import LINE_LIMIT

from .words import BLOCKS, LETTERS, LIKELY, PROBES, WRONG

Chance = random.Random


@dataclass(frozen=True)
class Spoken:
    """A word of a line, and the value that it is given for."""

    text: str
    value: Value | None = None


Line = list[Spoken]


def text(line: Line) -> str:
    return " ".join(word.text for word in line)


class Speaker:
    """Makes lines for an engine as it is. ``tamed``: (command, value) -> the only words for it that are right."""

    def __init__(self, engine: Engine, chance: Chance, tamed: dict[tuple[str, str], tuple[str, ...]]) -> None:
        self._engine, self._chance, self._tamed = engine, chance, tamed
        self._good: dict[str, tuple[str, ...]] = {}

    def good(self, command: Command, value: Value) -> str:
        """A word that the value's type accepts."""
        words = self._tamed.get((command.name, value.name)) or self._accepted(value.type)
        likely = [word for word in words if word in LIKELY]
        return self._chance.choice(likely if likely and self._chance.random() < 0.5 else words)

    def _accepted(self, type_name: str) -> tuple[str, ...]:
        kind = lookup(type_name)
        if kind.takes == "block":
            return tuple(BLOCKS)
        if type_name not in self._good:
            offered = [*PROBES, *list(kind.complete(self._engine, ""))[:40]]
            good = [word for word in offered if _accepts(self._engine, kind.parse, word)]
            self._good[type_name] = tuple(good) or ("x",)
        return self._good[type_name]

    def right(self, command: Command, *, all_of_it: bool = False) -> Line:
        """A line as the command's grammar wants it; with ``all_of_it``, all options are given."""
        options = 1.0 if all_of_it else self._chance.random()
        return [Spoken(word) for word in command.name.split()] + self._sequence(command, command.grammar, options)

    def _sequence(self, command: Command, sequence: Sequence, options: float) -> Line:
        line: Line = []
        for item in sequence.items:
            if isinstance(item, Word):
                line.append(Spoken(item.text))
            elif isinstance(item, Value):
                line.append(Spoken(self.good(command, item), item))
            else:
                for group in self._chance.sample(item.groups, len(item.groups)):
                    line += self._group(command, group, options)
        return line

    def _group(self, command: Command, group: Group, options: float) -> Line:
        if not group.required and self._chance.random() >= options:
            return []
        times = self._chance.choice((1, 1, 2, 3)) if group.repeats else 1
        line: Line = []
        for _ in range(times):
            line += self._sequence(command, self._chance.choice(group.branches), options)
        return line

    def with_value(self, command: Command, value: Value) -> Line:
        """A right line in which this value is given."""
        for _ in range(200):
            line = self.right(command)
            if any(word.value == value for word in line):
                return line
        raise AssertionError(f"{command.name}: no line gives <{value.name}>")

    def wrong(self, command: Command) -> Iterator[str]:
        """Lines that are wrong in one way each; a few of them may happen to be right."""
        whole = self.right(command, all_of_it=True)
        for end in range(len(command.name.split()), len(whole) + 1):
            yield text(whole[:end])
        for surplus in ("surplus", "99999999999", "é", "}", "y" * 3000):
            yield f"{text(self.right(command))} {surplus}"
        for value in values(command.grammar):
            line = self.with_value(command, value)
            where = next(at for at, word in enumerate(line) if word.value == value)
            for probe in self._refusable(command, value, WRONG):
                yield text([*line[:where], Spoken(probe), *line[where + 1 :]])
        yield f"{command.name} {'z' * LINE_LIMIT}"

    def _refusable(self, command: Command, value: Value, probes: tuple[str, ...]) -> Iterator[str]:
        """Those of the words that a tamed value may be given: those that its type refuses."""
        tamed, parse = (command.name, value.name) in self._tamed, lookup(value.type).parse
        return (probe for probe in probes if not (tamed and _accepts(self._engine, parse, probe)))

    def any(self, command: Command) -> str:
        """A line at random: right, or changed a few times."""
        line = self.right(command)
        for _ in range(self._chance.choice((0, 0, 1, 1, 2, 4))):
            line = self._chance.choice(CHANGES)(self._chance, line)
        return text([self._safe(command, word) for word in line])

    def _safe(self, command: Command, word: Spoken) -> Spoken:
        """Changes may have put any word in the place of a tamed value."""
        if word.value is None or (command.name, word.value.name) not in self._tamed:
            return word
        return replace(word, text=self.good(command, word.value))


def _accepts(engine: Engine, parse: Callable[[Engine, str], object], word: str) -> bool:
    if not word.isprintable() or set(word) & set(' "{}#'):
        return False  # the line's own grammar makes something else of them
    try:
        parse(engine, word)
    except (ValueError, CliError):
        return False
    return True


def _probe(chance: Chance, line: Line) -> Line:
    at = chance.randrange(len(line))
    return [*line[:at], replace(line[at], text=chance.choice(PROBES)), *line[at + 1 :]]


def _insert(chance: Chance, line: Line) -> Line:
    at = chance.randrange(len(line) + 1)
    return [*line[:at], Spoken(chance.choice(PROBES)), *line[at:]]


def _cut(chance: Chance, line: Line) -> Line:
    return line[: chance.randrange(1, len(line) + 1)]


def _twice(chance: Chance, line: Line) -> Line:
    at = chance.randrange(len(line))
    return [*line[: at + 1], *line[at:]]


def _leave_out(chance: Chance, line: Line) -> Line:
    at = chance.randrange(len(line))
    return [*line[:at], *line[at + 1 :]] or line


def _abbreviate(chance: Chance, line: Line) -> Line:
    at = chance.randrange(len(line))
    return [*line[:at], replace(line[at], text=line[at].text[: chance.randrange(1, 5)]), *line[at + 1 :]]


def _letter(chance: Chance, line: Line) -> Line:
    at = chance.randrange(len(line))
    word = list(line[at].text or "x")
    word[chance.randrange(len(word))] = chance.choice(LETTERS)
    return [*line[:at], replace(line[at], text="".join(word)), *line[at + 1 :]]


CHANGES: list[Callable[[Chance, Line], Line]] = [
    _probe,
    _probe,
    _insert,
    _cut,
    _twice,
    _leave_out,
    _abbreviate,
    _letter,
]
