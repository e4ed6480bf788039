"""Macros: names for pieces of text, in command lines and in scripts.

define trunk host-eth1
set interface state $(trunk) up

`$(name)` and `$name` stand for the text, `\\$` for a dollar. A macro may have others in it. They are all sessions',
until the engine ends.
"""

from __future__ import annotations

import re
from typing import Any

from .command import command
from .error import CliError, quote
from .lexer import LINE_LIMIT
from .session import current

DEPTH = 8
USE = re.compile(r"\\(?P<escaped>\$)|\$(?:\((?P<inside>[^()\s]*)\)|(?P<plain>[A-Za-z_]\w*))")


def expand(line: str, macros: dict[str, str]) -> str:
    """The line with all macros replaced. Raises CliError for one that is not defined, or without end."""
    return Expansion(macros).text(line) if "$" in line else line


class Expansion:
    """One line's; what it may become is limited."""

    def __init__(self, macros: dict[str, str]) -> None:
        self._macros = macros
        self._depth = self._size = 0

    def text(self, line: str) -> str:
        return USE.sub(self._replaced, line)

    def _replaced(self, found: re.Match[str]) -> str:
        if found["escaped"]:
            return "$"
        name = found["inside"] if found["inside"] is not None else found["plain"]
        value = self._macros.get(name)
        if value is None:
            raise CliError(f"macro {quote(name)} is not defined: define {name or 'NAME'} VALUE")
        if self._depth == DEPTH:
            raise CliError(f"macro {quote(name)} is nested more than {DEPTH} deep; does it contain itself?")
        self._size += 1 + len(value)
        if self._size > LINE_LIMIT:
            raise CliError(f"line too long: its macros have more than {LINE_LIMIT} characters")
        self._depth += 1
        value = self.text(value)
        self._depth -= 1
        return value


@command("define", "<name> <value:rest>", help="Give a name to some text: $(name) in a line stands for it")
def define(engine: Any, name: str, value: str) -> None:
    if not re.fullmatch(r"[A-Za-z_][\w.-]*", name):
        raise CliError(f"{quote(name)} cannot name a macro: letters, digits, _, . and - can, a letter first")
    current().cli.macros[name] = value


@command("undefine", "<name>", help="Forget a macro")
def undefine(engine: Any, name: str) -> None:
    if current().cli.macros.pop(name, None) is None:
        raise CliError(f"macro {quote(name)} is not defined")


@command("show macro", "[noevaluate]", help="Show all macros, with those in them replaced or not")
def show_macro(engine: Any, noevaluate: bool = False) -> str:
    macros = current().cli.macros
    return "\n".join(
        f"{name:<20} {value if noevaluate else expand(value, macros)}" for name, value in sorted(macros.items())
    )
