"""The syntax of VPP's startup.conf: words and named blocks of them, in braces.

unix { nodaemon  exec /etc/weft/setup.cli }      # a comment
plugins { plugin default { disable } }
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from weft.core.cli.lexer import ESCAPE, LEXEME

WORD = re.compile(r"(?P<word>[^\s{}]+)")

NESTING_LIMIT = 32
SIZE_LIMIT = 4 << 20


class ConfigError(Exception):
    """The configuration cannot be used. The message is one line that begins with file and line."""


class Place(Struct, frozen=True):
    """Where something stands: a file, or "command line", and a line."""

    source: str
    line: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


class Word(Struct, frozen=True):
    text: str
    place: Place


class Block(Struct, frozen=True):
    """`name { items }`. A name of more words (`plugin default { ... }`) leaves the others before it as words."""

    name: str
    items: tuple[Item, ...]
    place: Place


Item: TypeAlias = Word | Block


def read_file(path: Path) -> tuple[Item, ...]:
    """Raises ConfigError, also when there is no such file."""
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path}: cannot read the configuration: {reason}") from error
    if len(data) > SIZE_LIMIT:
        raise ConfigError(f"{path}: larger than {SIZE_LIMIT >> 20} MB, which is no configuration")
    return read_text(data.decode("utf-8", "replace"), str(path))


def read_arguments(arguments: Sequence[str]) -> tuple[Item, ...]:
    """As `vpp unix { nodaemon } cpu { workers 2 }` takes it: the shell's words, or several in one; # is no comment."""
    return read_text(" ".join(arguments), "command line", numbered=False)


def read_text(text: str, source: str, *, numbered: bool = True) -> tuple[Item, ...]:
    """The words and blocks of a text. Raises ConfigError."""
    line = 1 if numbered else 0
    opened: list[tuple[str, Place]] = []
    levels: list[list[Item]] = [[]]
    for found in _lexemes(text, comments=numbered):
        place = Place(source, line)
        if numbered:
            line += found[0].count("\n")
        kind, lexeme = found.lastgroup, found[0]
        if kind == "blank":
            continue
        if kind == "open":
            raise ConfigError(f'{place}: a quote is not closed; write "..." within one line')
        if kind == "quoted":
            levels[-1].append(Word(ESCAPE.sub(r"\1", found["quoted"]), place))
        elif kind == "word":
            if not lexeme.isprintable():
                raise ConfigError(f"{place}: unprintable characters in {lexeme[:80]!a}")
            levels[-1].append(Word(lexeme, place))
        elif lexeme == "{":
            _open(levels, opened, place)
        else:
            _close(levels, opened, place)
    if opened:
        name, place = opened[-1]
        raise ConfigError(f"{place}: `{name} {{' is not closed; expected a }}")
    return tuple(levels[0])


def _lexemes(text: str, *, comments: bool) -> Iterator[re.Match[str]]:
    position = 0
    while position < len(text):
        pattern = LEXEME if comments or text[position] != "#" else WORD
        found = pattern.match(text, position)
        assert found is not None  # every character begins some lexeme
        yield found
        position = found.end()


def _open(levels: list[list[Item]], opened: list[tuple[str, Place]], place: Place) -> None:
    before = levels[-1].pop() if levels[-1] else None
    if not isinstance(before, Word):
        raise ConfigError(f"{place}: a {{ without a name before it; write `unix {{ ... }}'")
    if len(levels) > NESTING_LIMIT:
        raise ConfigError(f"{place}: braces nested more than {NESTING_LIMIT} deep")
    opened.append((before.text[:80], before.place))
    levels.append([])


def _close(levels: list[list[Item]], opened: list[tuple[str, Place]], place: Place) -> None:
    if not opened:
        raise ConfigError(f"{place}: a }} that closes nothing; remove it")
    items = tuple(levels.pop())
    name, where = opened.pop()
    levels[-1].append(Block(name, items, where))
