"""Reading a command's arguments by its grammar.

One pass without backtracking: at each point the next word chooses among everything that may stand there. A keyword in
full goes first, then a typed value that accepts the word, then a keyword's abbreviation, then a free value.
"""

from __future__ import annotations

from collections.abc import Sequence as Many
from enum import IntEnum
from typing import Any, NoReturn

from .argument import lookup
from .error import CliError, either, quote
from .grammar import AnyOrder, Atom, Group, Sequence, Value, Word, keyword
from .lexer import Token


class Fit(IntEnum):
    """How well a word fits; the smallest is chosen."""

    KEYWORD = 0
    TYPED = 1
    ABBREVIATION = 2
    FREE = 3
    NOT = 4


class Matcher:
    """One reading of a line's tokens. Afterwards `expected` is what could have stood where the reading stopped."""

    def __init__(self, engine: Any, command: str, line: str, tokens: Many[Token], start: int) -> None:
        self.engine = engine
        self.command = command
        self.line = line
        self.tokens = tokens
        self.index = start
        self.expected: list[Atom] = []
        self._expected_at = -1

    def read(self, grammar: Sequence) -> dict[str, Any]:
        """The keyword arguments that the tokens give. Raises CliError."""
        values: dict[str, Any] = {}
        self.sequence(grammar, values, ())
        if self.index < len(self.tokens):
            self.refuse()
        return values

    def sequence(self, sequence: Sequence, values: dict[str, Any], follow: tuple[Atom, ...]) -> None:
        for item, (after, open_end) in zip(sequence.items, sequence.tails[1:], strict=True):
            if isinstance(item, Word):
                self.expect((item,))
                if self.fit(item) is Fit.NOT:
                    self.refuse()
                self.index += 1
            elif isinstance(item, Value):
                self.expect((item,))
                values[keyword(item.name)] = self.value(item)
            else:
                self.any_order(item, values, after + follow if open_end else after)

    def any_order(self, item: AnyOrder, values: dict[str, Any], follow: tuple[Atom, ...]) -> None:
        open_groups = list(item.groups)
        missing = [group for group in item.groups if group.required]
        while True:
            ways = [
                (atom, group, branch) for group in open_groups for branch in group.branches for atom in branch.first
            ]
            chosen = self.choose([atom for atom, _, _ in ways], () if missing else follow)
            if chosen is None:
                break
            _, group, branch = ways[chosen]
            if group in missing:
                missing.remove(group)
            if not group.repeats:
                open_groups.remove(group)
            beyond = tuple(atom for other in open_groups for atom in other.first) + follow
            self.branch(group, branch, values, beyond)
        if missing:
            self.refuse()

    def branch(self, group: Group, branch: Sequence, values: dict[str, Any], follow: tuple[Atom, ...]) -> None:
        inner: dict[str, Any] = {} if group.repeats else values
        self.sequence(branch, inner, follow)
        if branch.flag:
            inner[branch.flag] = True
        if group.repeats:
            values.setdefault(keyword(group.name), []).append(inner)

    def choose(self, own: list[Atom], follow: tuple[Atom, ...]) -> int | None:
        """Which of our own atoms the next word is; None when it is none, or better fits what follows."""
        atoms = [*own, *follow]
        self.expect(atoms)
        if self.index >= len(self.tokens):
            return None
        fits = [self.fit(atom) for atom in atoms]
        best = min(fits, default=Fit.NOT)
        if best is Fit.NOT:
            return None
        if best is Fit.ABBREVIATION:
            meant = {
                atom.text: None for atom, fit in zip(atoms, fits, strict=True) if fit is best and isinstance(atom, Word)
            }
            if len(meant) > 1:
                self.fail("ambiguous input", f"; could be {either(list(meant))}")
        index = fits.index(best)
        return index if index < len(own) else None

    def fit(self, atom: Atom) -> Fit:
        if self.index >= len(self.tokens):
            return Fit.NOT
        token = self.tokens[self.index]
        brace = token.is_brace("{") or token.is_brace("}")
        if isinstance(atom, Word):
            if token.quoted or not atom.text.startswith(token.text):
                return Fit.NOT
            return Fit.KEYWORD if atom.text == token.text else Fit.ABBREVIATION
        kind = lookup(atom.type)
        if kind.takes == "rest":
            return Fit.FREE
        if kind.takes == "block" or brace:
            return Fit.TYPED if kind.takes == "block" and token.is_brace("{") else Fit.NOT
        try:
            kind.parse(self.engine, token.text)
        except (ValueError, CliError):
            return Fit.NOT
        return Fit.FREE if kind.free else Fit.TYPED

    def value(self, value: Value) -> Any:
        kind = lookup(value.type)
        if self.index >= len(self.tokens):
            self.refuse()
        token = self.tokens[self.index]
        start = self.index
        if kind.takes == "rest":
            self.index = len(self.tokens)
            text = self.line[token.start : self.tokens[-1].end]
        elif kind.takes == "block" or token.is_brace("{") or token.is_brace("}"):
            text = self.block(value) if kind.takes == "block" else self.refuse()
        else:
            self.index += 1
            text = token.text
        try:
            return kind.parse(self.engine, text)
        except (ValueError, CliError) as error:
            self.index = start
            self.fail(str(error))

    def block(self, value: Value) -> str:
        """The raw text inside a { block }; the lexer has seen that braces balance."""
        if not self.tokens[self.index].is_brace("{"):
            self.refuse()
        start, depth = self.tokens[self.index].end, 0
        while True:
            token = self.tokens[self.index]
            depth += token.is_brace("{") - token.is_brace("}")
            self.index += 1
            if depth == 0:
                return self.line[start : token.start].strip()

    def expect(self, atoms: Many[Atom]) -> None:
        if self._expected_at != self.index:
            self._expected_at, self.expected = self.index, []
        self.expected += [atom for atom in atoms if atom not in self.expected]

    def refuse(self) -> NoReturn:
        """The next word, or the end of the line, fits nothing."""
        expected = self.expected if self._expected_at == self.index else []
        wanted = either([describe(atom) for atom in expected])
        if self.index >= len(self.tokens):
            raise CliError(f"{self.command}: missing {wanted}")
        if len(expected) == 1 and isinstance(expected[0], Value):
            kind = lookup(expected[0].type)
            if kind.takes == "word" and not self.tokens[self.index].is_brace("{"):
                try:
                    kind.parse(self.engine, self.tokens[self.index].text)
                except (ValueError, CliError) as error:
                    self.fail(str(error))
        self.fail("unknown input", f"; expected {wanted}" if wanted else "; nothing more is expected")

    def fail(self, reason: str, hint: str = "") -> NoReturn:
        rest = self.line[self.tokens[self.index].start : self.tokens[-1].end]
        raise CliError(f"{self.command}: {reason} {quote(rest)}{hint}")


def describe(atom: Atom) -> str:
    """`bvi`, or `<shg> (a number from 0 to 255)`."""
    if isinstance(atom, Word):
        return atom.text
    words = lookup(atom.type).describe
    return f"<{atom.name}>" if words in ("", atom.name) else f"<{atom.name}> ({words})"
