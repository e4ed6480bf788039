"""Commands: their words, their arguments and what carries them out; and the table that finds one by its words.

    @command("set interface l2 bridge", "<interface> <bd-id:u32> [bvi | uu-fwd] [<shg:u8>]",
             help="Put an interface into a bridge domain")
    def set_interface_l2_bridge(engine, interface, bd_id, bvi=False, uu_fwd=False, shg=0) -> str | None: ...

A handler gets the engine and the values that its grammar names. It returns the text to print, may be `async`, and
raises CliError("no such table 4") to refuse: the command's words are put before that.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct

from . import grammar
from .argument import lookup
from .error import CliError, either, quote
from .lexer import Token

Handler: TypeAlias = Callable[..., "str | Awaitable[str | None] | None"]
H = TypeVar("H", bound=Handler)


class Command(Struct, frozen=True):
    name: str
    usage: str
    grammar: grammar.Sequence
    handler: Handler
    help: str


@dataclass(slots=True)
class Branch:
    """A place in the tree of command words."""

    name: str = ""
    help: str = ""
    command: Command | None = None
    children: dict[str, Branch] = field(default_factory=dict)

    def candidates(self, word: str) -> list[str]:
        """The words that `word` may stand for: itself, or all those that it abbreviates."""
        return [word] if word in self.children else [known for known in self.children if known.startswith(word)]

    def walk(self) -> Iterator[Branch]:
        yield self
        for _, child in sorted(self.children.items()):
            yield from child.walk()


class CommandTable:
    """All commands, as a tree of their words."""

    def __init__(self) -> None:
        self.root = Branch()

    def branch(self, words: str) -> Branch:
        """The place of these words, made if need be."""
        here = self.root
        for word in words.split():
            here = here.children.setdefault(word, Branch(f"{here.name} {word}".strip()))
        return here

    def add(self, words: str, command: Command) -> None:
        """Raises ValueError when another command has these words."""
        place = self.branch(words)
        taken = place.command
        if taken is not None and _origin(taken) != _origin(command):
            raise ValueError(f"two commands are called {words!r}: {_origin(taken)} and {_origin(command)}")
        place.command = command

    def __iter__(self) -> Iterator[Command]:
        """Every command once, by name."""
        found = (place.command for place in self.root.walk())
        return iter({id(command): command for command in found if command}.values())

    def check(self) -> None:
        """Raises LookupError when a grammar names a type that nobody registered; for tests and after start."""
        for command in self:
            for value in grammar.values(command.grammar):
                try:
                    lookup(value.type)
                except LookupError as error:
                    raise LookupError(f"{command.name}: {error}") from None

    def resolve(self, line: str, tokens: list[Token]) -> tuple[Branch, int]:
        """Follow the line's words, each abbreviated or not, as far as they lead; and how many those were.

        Raises CliError for a word that abbreviates several.
        """
        place, index = self.root, 0
        while index < len(tokens):
            word = tokens[index].text
            found = [] if tokens[index].quoted or not word else place.candidates(word)
            if not found or (found != [word] and _is_argument(place.command, word)):
                break
            # Two names of one command are no ambiguity.
            targets = {
                id(child.command) if child.command and not child.children else id(child)
                for child in map(place.children.__getitem__, found)
            }
            if len(targets) > 1:
                rest = line[tokens[index].start : tokens[-1].end]
                where = f"{place.name}: " if place.name else ""
                raise CliError(f"{where}ambiguous input {quote(rest)}; could be {either(sorted(found))}")
            place = place.children[found[0]]
            index += 1
        return place, index


def _is_argument(command: Command | None, word: str) -> bool:
    """Whether a word that abbreviates a command's word is, in full, a keyword of the command so far."""
    return command is not None and grammar.Word(word) in command.grammar.first


def _origin(command: Command) -> str:
    return f"{command.handler.__module__}.{command.handler.__qualname__}"


COMMANDS = CommandTable()


def command(
    words: str, arguments: str = "", *, help: str = "", aliases: tuple[str, ...] = (), table: CommandTable = COMMANDS
) -> Callable[[H], H]:
    """Register a handler as a command. Raises ValueError when its grammar and its parameters do not agree."""

    def register(handler: H) -> H:
        tree = grammar.parse(arguments)
        _check_parameters(words, tree, handler)
        description = help or (inspect.getdoc(handler) or "").partition("\n")[0]
        made = Command(" ".join(words.split()), grammar.usage(arguments), tree, handler, description)
        for name in (words, *aliases):
            table.add(name, made)
        return handler

    return register


def describe_words(words: str, help: str, *, table: CommandTable = COMMANDS) -> None:
    """Give words that only begin commands ("set interface") a help text of their own."""
    table.branch(words).help = help


def _check_parameters(words: str, tree: grammar.Sequence, handler: Handler) -> None:
    _, *parameters = inspect.signature(handler).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return
    given = grammar.names(tree)
    accepted = {parameter.name for parameter in parameters}
    needed = {parameter.name for parameter in parameters if parameter.default is parameter.empty}
    if given.keys() - accepted:
        raise ValueError(f"{words!r}: {handler.__qualname__} does not take {sorted(given.keys() - accepted)}")
    unsure = sorted(name for name in needed if not given.get(name))
    if unsure:
        raise ValueError(f"{words!r}: {handler.__qualname__} has no default for {unsure}, which are not always given")


def arguments_of(command: Command) -> list[tuple[str, Any]]:
    """A command's values and their types in words, for help."""
    return [(f"<{value.name}>", lookup(value.type).describe) for value in grammar.values(command.grammar)]
