"""Stanzas as Structs: the engine's and each feature's own. A field's type says what follows its word.

    @stanza("l2fib")
    class L2Fib(Struct, frozen=True):
        table_size: Size = 1 << 20                  # l2fib { table-size 512M }
        quiet: bool = False                         # l2fib { quiet }
        seed: tuple[Path, ...] = ()                 # l2fib { seed a.txt seed b.txt }
        trace: Trace = Trace()                      # l2fib { trace { ... } }: another Struct
        domain: dict[str, Domain] = {}              # l2fib { domain red { ... } domain blue { ... } }

A stanza with a method ``apply(engine)`` is asked to do so when the engine is there.

A field's word is its name, with - for _. `Annotated[int, size, "default data-size"]` names a reader and other words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from msgspec import Struct

from . import value as readers
from .syntax import Block, ConfigError, Item, Place, Word

S = TypeVar("S")

STANZAS: dict[str, type[Any]] = {}

READERS: dict[type[Any], Callable[[str], Any]] = {
    int: readers.number,
    float: readers.real,
    str: readers.text,
    Path: readers.path,
}


class Rule(Struct, frozen=True):
    """What follows an option's word: nothing (a flag), a value, a block, or a name and a block."""

    field: str
    read: Callable[[str], Any] | None = None
    block: type[Any] | None = None
    named: bool = False
    many: bool = False

    def fits(self, item: Item, following: Item | None) -> bool:
        """Whether a word or block in the text has the form of this option."""
        if self.named:
            return isinstance(item, Word) and isinstance(following, Block)
        return isinstance(item, Word) == (self.block is None)


@cache
def rules(cls: type[Any]) -> dict[str, Rule]:
    """A Struct's rules by word. Raises TypeError for a field of a type that has no reader."""
    found: dict[str, Rule] = {}
    for name, hint in get_type_hints(cls, include_extras=True).items():
        words = [extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, str)]
        found[words[0] if words else name.rstrip("_").replace("_", "-")] = _rule(name, hint)
    return found


def _rule(name: str, hint: Any) -> Rule:
    origin: Any = get_origin(hint)
    arguments: tuple[Any, ...] = get_args(hint)
    if origin is Annotated:
        read = next((extra for extra in hint.__metadata__ if callable(extra)), None)
        return Rule(name, read) if read else _rule(name, arguments[0])
    if origin in (Union, UnionType):
        (inner,) = (argument for argument in arguments if argument is not NoneType)
        return _rule(name, inner)
    if origin is tuple:
        return Rule(name, _rule(name, arguments[0]).read, many=True)
    if origin is dict:
        return Rule(name, block=_rule(name, arguments[1]).block, named=True)
    if hint is bool:
        return Rule(name)
    if isinstance(hint, type) and issubclass(hint, Struct):
        return Rule(name, block=hint)
    if hint in READERS:
        return Rule(name, READERS[hint])
    raise TypeError(f"the stanza field {name!r} has the type {hint}, for which there is no reader")


class Unknown(Struct, frozen=True):
    """Something in the configuration that nobody here understands."""

    place: Place
    stanza: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.stanza}: {self.text}" if self.stanza else f"{self.place}: {self.text}"


def stanza(name: str) -> Callable[[type[S]], type[S]]:
    """Register a Struct as the meaning of a stanza. Raises ValueError for a second of the name."""

    def register(cls: type[S]) -> type[S]:
        taken = STANZAS.get(name)
        if taken is not None and (taken.__module__, taken.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ValueError(f"stanza {name!r} is declared by {taken.__module__} and {cls.__module__}")
        STANZAS[name] = cls
        return cls

    return register


def interpret(cls: type[S], name: str, items: Iterable[Item]) -> tuple[S, list[Unknown]]:
    """The Struct that a stanza's items make, and what it does not know. Raises ConfigError for a bad value.

    A later word overrides an earlier one, as in VPP.
    """
    known: dict[str, Rule] = rules(cls)  # type: ignore[arg-type]  # mypy doubts that a type variable's type hashes
    given: dict[str, Any] = {}
    unknown: list[Unknown] = []
    rest = list(items)[::-1]
    while rest:
        item = rest.pop()
        text = _text(item)
        if isinstance(item, Word) and rest and f"{text} {_text(rest[-1])}" in known:
            item = rest.pop()
            text = f"{text} {_text(item)}"
        rule = known.get(text)
        if rule is None or not rule.fits(item, rest[-1] if rest else None):
            _add_unknown(unknown, name, item, known)
            continue
        value: Any = True
        if rule.block is not None:
            inner = rest.pop() if rule.named else item
            assert isinstance(inner, Block)
            value, deeper = interpret(rule.block, f"{name} {text}", inner.items)
            unknown += deeper
            if rule.named:
                value = {**given.get(rule.field, {}), inner.name: value}
        elif rule.read is not None:
            value = _value(name, text, item.place, rest.pop() if rest else None, rule.read)
        given[rule.field] = (*given.get(rule.field, ()), value) if rule.many else value
    return cls(**given), unknown


def _add_unknown(unknown: list[Unknown], name: str, item: Item, known: Iterable[str]) -> None:
    """Report what is unknown once a line: what follows an unknown word is likely its value."""
    if unknown and unknown[-1].place == item.place and unknown[-1].stanza == name and item.place.line:
        return
    what = f"{item.text[:80]}" if isinstance(item, Word) else f"{item.name[:80]} {{ ... }}"
    words = ", ".join(sorted(known)) or "no words"
    unknown.append(Unknown(item.place, name, f"`{what}' is unknown here and was not used; known are {words}"))


def _value(name: str, word: str, place: Place, following: Item | None, read: Callable[[str], Any]) -> Any:
    if not isinstance(following, Word):
        raise ConfigError(f"{place}: {name}: `{word}' {_takes(read)}, and none is given")
    try:
        return read(following.text)
    except ValueError as error:
        raise ConfigError(f"{following.place}: {name}: `{word}' {error}, not `{following.text[:80]}'") from None


def _takes(read: Callable[[str], Any]) -> str:
    try:
        read("")
    except ValueError as error:
        return str(error)
    return "takes a word"


def _text(item: Item) -> str:
    return item.text if isinstance(item, Word) else item.name
