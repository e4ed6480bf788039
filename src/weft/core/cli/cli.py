"""The command line itself: a line in, text out."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Coroutine, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from . import help as help_text
from .argument import lookup
from .command import COMMANDS, Branch, Command, CommandTable
from .error import CliError, either, one_line, quote
from .grammar import Word
from .lexer import LINE_LIMIT, Token, tokenize
from .macros import expand
from .match import Matcher
from .session import SESSION, Session

log = logging.getLogger("weft.cli")
#: Every line that a session enters; who wants to know adds a handler.
COMMAND_LOG = logging.getLogger("weft-commands")
COMMAND_LOG.propagate = False


class Cli:
    """Runs, completes and explains the commands of a table.

    `user_errors` are further exceptions whose message is meant for the user, as CliError's is. Any other exception of
    a handler becomes the line "internal error: ..." and a log record.
    """

    def __init__(self, table: CommandTable = COMMANDS, *, user_errors: tuple[type[Exception], ...] = ()) -> None:
        self.table = table
        self.user_errors: tuple[type[Exception], ...] = (CliError, *user_errors)
        self.sessions: list[Session] = []
        self.macros: dict[str, str] = {}
        self.library = Session(self)

    def run(self, engine: Any, line: str, session: Session | None = None) -> str:
        """Carry out a line and return what it prints. Raises CliError, and nothing else.

        Within a running event loop, use `run_async` for commands that wait (ping).
        """
        with self._step(engine, line, session) as result:
            return (_wait(result) if inspect.isawaitable(result) else result) or ""

    async def run_async(self, engine: Any, line: str, session: Session | None = None) -> str:
        """The same without blocking the event loop."""
        with self._step(engine, line, session) as result:
            return (await result if inspect.isawaitable(result) else result) or ""

    @contextmanager
    def _step(self, engine: Any, line: str, session: Session | None) -> Iterator[str | Awaitable[str | None] | None]:
        """Read a line and begin to carry it out; errors, then and later, leave as CliError."""
        name = ""
        if session is not None and not session.nested and line.strip():
            COMMAND_LOG.info("%s: %s", session.name, one_line(line))
        token = SESSION.set(session or self.library)
        try:
            line = expand(line, self.macros)
            result: str | Awaitable[str | None] | None = self._explained(line)
            if result is None:
                command, values = self._read(engine, line)
                if command:
                    name = command.name
                    result = command.handler(engine, **values)
            yield result
        except (Exception, SystemExit) as error:
            if isinstance(error, self.user_errors):
                text = f"{name}: {error}" if name else str(error)
                said = error if isinstance(error, CliError) else CliError("")
                raise CliError(text, said.output, in_script=said.in_script) from error
            log.exception("internal error in %s", quote(line))
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise CliError(f"{name or 'cli'}: internal error: {reason}") from error
        finally:
            SESSION.reset(token)

    def _read(self, engine: Any, line: str) -> tuple[Command | None, dict[str, Any]]:
        tokens = tokenize(line)
        if not tokens:
            return None, {}
        place, index = self.table.resolve(line, tokens)
        if place.command is None:
            raise _unknown(place, line, tokens[index:])
        matcher = Matcher(engine, place.command.name, line, tokens, index)
        return place.command, matcher.read(place.command.grammar)

    def _explained(self, line: str) -> str | None:
        """The help that a ? asks for: one that stands alone at the end, or ends a command's word."""
        text = line.rstrip()
        if not text.endswith("?") or len(text) > LINE_LIMIT:
            return None
        try:
            *before, last = tokenize(text)
            place, index = self.table.resolve(text, before)
        except (CliError, ValueError):
            return None
        in_words = index == len(before) and place.candidates(last.text[:-1])
        return self.help(text[:-1]) if last.text == "?" or in_words else None

    def help(self, line: str) -> str:
        """What may follow these words, and what the command does. Raises CliError for unknown words."""
        tokens = tokenize(line)
        partial = tokens.pop().text if tokens and not line[-1].isspace() else ""
        place, index = self.table.resolve(line, tokens)
        if index < len(tokens) and place.command is None:
            raise _unknown(place, line, tokens[index:])
        if index == len(tokens) and partial:
            found = place.candidates(partial)
            if len(found) > 1 or (found and found != [partial]):
                return help_text.words_below(place, partial)
            if found:
                place = place.children[partial]
            elif place.command is None:
                raise CliError(
                    f"{place.name}: unknown input {quote(partial)}" if place.name else f"unknown input {quote(partial)}"
                )
        return help_text.of_place(place)

    def complete(self, engine: Any, line: str) -> list[str]:
        """The words that may stand at the end of an unfinished line, sorted. Raises nothing."""
        try:
            start = max(line.rfind(" "), line.rfind("\t")) + 1
            return sorted(self._candidates(engine, line[:start], line[start:]))
        except Exception:
            log.debug("no completion for %s", quote(line), exc_info=True)
            return []

    def _candidates(self, engine: Any, before: str, prefix: str) -> set[str]:
        if len(before) + len(prefix) > LINE_LIMIT:
            return set()
        # An open brace is no error in a line that goes on.
        depth = before.count("{") - before.count("}")
        tokens = tokenize(before + "}" * depth)[: -depth or None]
        place, index = self.table.resolve(before, tokens)
        found = set()
        if index == len(tokens):
            found = {word for word in place.children if word.startswith(prefix)}
        if place.command is None:
            return found
        matcher = Matcher(engine, place.command.name, before, tokens, index)
        try:
            matcher.read(place.command.grammar)
        except CliError:
            if matcher.index < len(tokens):
                return found
        for atom in matcher.expected if matcher.index == len(tokens) else ():
            offered = [atom.text] if isinstance(atom, Word) else lookup(atom.type).complete(engine, prefix)
            found |= {word for word in offered if word.startswith(prefix)}
        return found


def _unknown(place: Branch, line: str, tokens: list[Token]) -> CliError:
    """The error for words that lead to no command."""
    words = sorted(place.children)
    where = f"{place.name}: " if place.name else ""
    if not tokens:
        return CliError(f"{where}missing {either(words)}")
    close = get_close_matches(tokens[0].text, words, n=3)
    hint = f"; did you mean {either(close)}?" if close else f"; expected {either(words)}" if where else ""
    return CliError(f"{where}unknown input {quote(line[tokens[0].start : tokens[-1].end])}{hint}")


def _wait(result: Awaitable[str | None]) -> str | None:
    """Carry an async handler to its end from synchronous code."""

    async def finish() -> str | None:
        return await result

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(finish())
    return _without_waiting(finish())


def _without_waiting(work: Coroutine[Any, Any, str | None]) -> str | None:
    """Within a running loop only what needs no waiting can be carried to its end."""
    try:
        while work.send(None) is None:
            pass
    except StopIteration as done:
        result: str | None = done.value
        return result
    work.close()
    raise CliError("this command waits: use run_async within an event loop")
