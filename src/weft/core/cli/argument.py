"""The types that values on the command line have: a registry, open to features.

    @argument("interface", "an interface's name", complete=interface_names)
    def interface(engine, word): ...            # returns the value, or raises ValueError("unknown interface")

or the same as a class with the methods `parse(engine, word)` and `complete(engine, prefix)`. The reason in the
ValueError is followed by the input from there on: "unknown interface `loop9 up'".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Literal, TypeAlias, TypeVar

from msgspec import Struct

from .error import either

Parse: TypeAlias = Callable[[Any, str], Any]
Complete: TypeAlias = Callable[[Any, str], Iterable[str]]
Takes: TypeAlias = Literal["word", "rest", "block"]
Declared = TypeVar("Declared")

RANGE = re.compile(r"(0x[0-9a-f]+|\d+)-(0x[0-9a-f]+|\d+)")


def nothing(engine: Any, prefix: str) -> Iterable[str]:
    """Completes to nothing."""
    return ()


class Argument(Struct, frozen=True):
    """A type: how a word becomes a value, what may be offered in its place, and what it is in words.

    `takes` says whether it takes one word, the raw rest of the line, or the raw inside of a { block }. A `free` type
    accepts any word, so that a keyword's abbreviation goes before it.
    """

    describe: str
    parse: Parse
    complete: Complete = nothing
    takes: Takes = "word"
    free: bool = False


ARGUMENTS: dict[str, Argument] = {}


def argument(
    name: str, describe: str = "", *, complete: Complete = nothing, takes: Takes = "word", free: bool = False
) -> Callable[[Declared], Declared]:
    """Register a type under a name. Decorates a parse function, or a class with `parse` and perhaps `complete`."""

    def register(declared: Declared) -> Declared:
        source: Any = declared() if isinstance(declared, type) else declared
        parse = source.parse if hasattr(source, "parse") else source
        offer = getattr(source, "complete", complete)
        ARGUMENTS[name] = Argument(describe or name, parse, offer, takes, free)
        return declared

    return register


def lookup(type_name: str) -> Argument:
    """The type of that name; `a|b` and `1-4094` need no registration. Raises LookupError."""
    known = ARGUMENTS.get(type_name)
    if known is not None:
        return known
    if "|" in type_name:
        return one_of(type_name)
    if RANGE.fullmatch(type_name):
        return number_between(type_name)
    raise LookupError(f"no argument type {type_name!r} is registered")


@lru_cache
def one_of(type_name: str) -> Argument:
    words = type_name.split("|")

    def parse(engine: Any, word: str) -> str:
        found = [word] if word in words else [known for known in words if word and known.startswith(word)]
        if len(found) != 1:
            raise ValueError(f"expected {either(found or words)}, got")
        return found[0]

    return Argument(either(words), parse, lambda engine, prefix: words)


@lru_cache
def number_between(type_name: str) -> Argument:
    bounds = RANGE.fullmatch(type_name)
    assert bounds is not None
    low, high = int(bounds[1], 0), int(bounds[2], 0)
    return Argument(f"a number from {low} to {high}", lambda engine, word: read_number(word, low, high))


def read_number(word: str, low: int, high: int) -> int:
    """A decimal or 0x hexadecimal number within bounds. Raises ValueError."""
    # Twenty digits hold any u64; int() is slow on long input.
    if re.fullmatch(r"-?[0-9]{1,20}|0[xX][0-9a-fA-F]{1,16}", word):
        number = int(word, 16 if word[:2] in ("0x", "0X") else 10)
        if low <= number <= high:
            return number
    raise ValueError(f"expected a number from {low} to {high}, got")
