"""What a command's arguments look like: a grammar written as data.

    bvi                       a word
    <bd-id:u32>               a value: its name and its type; `<interface>` is a value of the type of that name
    <op:pop|push>             one of these words, as a value        <vlan:1-4094>   a number in a range
    [ a <x:u8> | b ]          may be given        ( a | b )   must be given
    ( ... )+   [ ... ]*       may be given again; each time makes one dict in a list named after the group's first
                              word, or `paths:( ... )+`
    { ... }                   braces, as in `packet-generator new { ... }`

**Groups that stand next to each other may come in any order.** A group's branch that consists of words only is a flag:
`[bvi]` gives `bvi=True`. Words elsewhere only lead to what follows them: `[learn <learn:u32>]` gives `learn=1`.
"""

from __future__ import annotations

import re
from functools import cached_property
from keyword import iskeyword
from typing import TypeAlias

from msgspec import Struct


class Word(Struct, frozen=True):
    text: str


class Value(Struct, frozen=True):
    name: str
    type: str


Atom: TypeAlias = Word | Value


class Group(Struct, frozen=True, dict=True):
    """Alternatives, of which one is given: never, once or often."""

    branches: tuple[Sequence, ...]
    required: bool
    repeats: bool
    name: str

    @cached_property
    def first(self) -> tuple[Atom, ...]:
        return tuple(atom for branch in self.branches for atom in branch.first)


class AnyOrder(Struct, frozen=True):
    """Groups that stand next to each other."""

    groups: tuple[Group, ...]

    @property
    def optional(self) -> bool:
        return not any(group.required for group in self.groups)


Item: TypeAlias = Word | Value | AnyOrder


class Sequence(Struct, frozen=True, dict=True):
    """Items one after the other."""

    items: tuple[Item, ...]

    @cached_property
    def first(self) -> tuple[Atom, ...]:
        """What it may begin with."""
        return self.tails[0][0]

    @cached_property
    def tails(self) -> tuple[tuple[tuple[Atom, ...], bool], ...]:
        """For each item and for the end: what may stand from there on, and whether nothing may."""
        tails: list[tuple[tuple[Atom, ...], bool]] = [((), True)]
        for item in reversed(self.items):
            atoms, empty = tails[0]
            if isinstance(item, AnyOrder):
                own = tuple(atom for group in item.groups for atom in group.first)
                tails.insert(0, (own + atoms, empty) if item.optional else (own, False))
            else:
                tails.insert(0, ((item,), False))
        return tuple(tails)

    @cached_property
    def flag(self) -> str | None:
        """The keyword argument that a branch of words alone sets."""
        words = [item.text for item in self.items if isinstance(item, Word)]
        return keyword("-".join(words)) if words and len(words) == len(self.items) else None


def keyword(name: str) -> str:
    """`bd-id` as a Python name: `bd_id`; `del`, which Python reserves, becomes `del_`."""
    plain = re.sub(r"\W", "_", name)
    return f"{plain}_" if iskeyword(plain) else plain


LEXEME = re.compile(
    r"\s*(?:<(?P<value>[a-z][\w-]*)(?::(?P<type>[^<>\s]+))?>"
    r"|(?:(?P<name>[a-z][\w-]*):)?(?P<open>[\[(])"
    r"|(?P<close>[\])])(?P<repeat>[+*]?)"
    r"|(?P<bar>\|)"
    r"|(?P<word>[{}]|[^\s<>\[\](){}|]+))"
)


def parse(text: str) -> Sequence:
    """Read a grammar. Raises ValueError: a grammar is the programmer's, and is read when its module is imported."""
    lexemes: list[re.Match[str]] = []
    position, text = 0, text.rstrip()
    while position < len(text):
        found = LEXEME.match(text, position)
        if found is None:
            raise ValueError(f"grammar {text!r}: cannot read {text[position:]!r}")
        lexemes.append(found)
        position = found.end()
    reader = Reader(text, lexemes)
    sequence = reader.sequence()
    if reader.rest:
        raise ValueError(f"grammar {text!r}: {reader.rest[-1][0].strip()!r} closes or divides nothing")
    return sequence


class Reader:
    """Recursive descent over the lexemes of a grammar; `rest` is a stack of what is left."""

    def __init__(self, text: str, lexemes: list[re.Match[str]]) -> None:
        self.text = text
        self.rest = lexemes[::-1]

    def sequence(self) -> Sequence:
        items: list[Item] = []
        while self.rest and not (self.rest[-1]["close"] or self.rest[-1]["bar"]):
            lexeme = self.rest.pop()
            if lexeme["word"]:
                items.append(Word(lexeme["word"]))
            elif lexeme["value"]:
                items.append(Value(lexeme["value"], lexeme["type"] or lexeme["value"]))
            elif items and isinstance(items[-1], AnyOrder):
                items[-1] = AnyOrder((*items[-1].groups, self.group(lexeme)))
            else:
                items.append(AnyOrder((self.group(lexeme),)))
        return Sequence(tuple(items))

    def group(self, opening: re.Match[str]) -> Group:
        branches = [self.sequence()]
        while self.rest and self.rest[-1]["bar"]:
            self.rest.pop()
            branches.append(self.sequence())
        if not self.rest or "[(".index(opening["open"]) != "])".index(self.rest[-1]["close"]):
            raise ValueError(f"grammar {self.text!r}: {opening['open']} is not closed")
        closing = self.rest.pop()
        if not all(branch.items for branch in branches):
            raise ValueError(f"grammar {self.text!r}: an empty alternative")
        if closing["repeat"] not in ("", "+" if closing["close"] == ")" else "*"):
            raise ValueError(f"grammar {self.text!r}: write ( ... )+ or [ ... ]*")
        name = opening["name"] or self.name(branches[0])
        return Group(tuple(branches), closing["close"] == ")", bool(closing["repeat"]), name)

    @staticmethod
    def name(branch: Sequence) -> str:
        first = branch.items[0]
        return first.text if isinstance(first, Word) else first.name if isinstance(first, Value) else "groups"


def names(sequence: Sequence, needed: bool = True) -> dict[str, bool]:
    """The keyword arguments that a grammar can give, and which of them it always gives."""
    given: dict[str, bool] = {}
    for item in sequence.items:
        if isinstance(item, Value):
            given[keyword(item.name)] = needed
        elif isinstance(item, AnyOrder):
            for group in item.groups:
                if group.repeats:
                    given[keyword(group.name)] = needed and group.required
                    continue
                sure = needed and group.required and len(group.branches) == 1
                for branch in group.branches:
                    inner = {branch.flag: sure} if branch.flag else names(branch, sure)
                    for name, always in inner.items():
                        given[name] = given.get(name, False) or always
    return given


def values(sequence: Sequence) -> list[Value]:
    """Every value in a grammar, in its order."""
    found: list[Value] = []
    for item in sequence.items:
        if isinstance(item, Value):
            found.append(item)
        elif isinstance(item, AnyOrder):
            found += [value for group in item.groups for branch in group.branches for value in values(branch)]
    return list(dict.fromkeys(found))


def usage(text: str) -> str:
    """A grammar as a user reads it: without types and group names."""
    return re.sub(r"<([a-z][\w-]*):[^<>\s]+>", r"<\1>", re.sub(r"(?<!\S)[a-z][\w-]*:([\[(])", r"\1", text.strip()))
