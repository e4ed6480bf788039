"""A startup configuration: its text, and what each stanza means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from .stanza import STANZAS, Unknown, interpret
from .stanzas import WITHOUT_EFFECT, WORDS_WITHOUT_EFFECT
from .syntax import Block, ConfigError, Item, Word, read_arguments, read_file, read_text

S = TypeVar("S")


class Config:
    """`config[Unix]` is the stanza as declared, with defaults for what the text leaves out.

    A stanza is read when it is first asked for, so that features may declare theirs after the file was read. A stanza
    that stands in the text several times counts as one; what comes later overrides.
    """

    def __init__(self, items: Sequence[Item] = ()) -> None:
        self.items = tuple(items)
        self._read: dict[str, tuple[Any, list[Unknown]]] = {}

    @classmethod
    def from_file(cls, path: Path | str) -> Config:
        """Raises ConfigError."""
        return cls(read_file(Path(path)))

    @classmethod
    def from_text(cls, text: str, source: str = "configuration") -> Config:
        """Raises ConfigError."""
        return cls(read_text(text, source))

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> Config:
        """As VPP's command line: `-c FILE`, stanzas, or both; what comes later overrides. Raises ConfigError."""
        items: list[Item] = []
        words: list[str] = []
        rest = list(arguments)[::-1]
        while rest:
            word = rest.pop()
            if word in ("-c", "--config"):
                if not rest:
                    raise ConfigError(f"command line: `{word}' needs a file: {word} /etc/weft/startup.conf")
                items += read_arguments(words) + read_file(Path(rest.pop()))
                words = []
            else:
                words.append(word)
        return cls([*items, *read_arguments(words)])

    def __getitem__(self, stanza: type[S]) -> S:
        """Raises ConfigError for a value that is no value, KeyError for a class that is no registered stanza."""
        for name, declared in STANZAS.items():
            if declared is stanza:
                return cast(S, self._stanza(name)[0])
        raise KeyError(f"{stanza.__qualname__} is not a registered stanza")

    def __contains__(self, stanza: type[Any]) -> bool:
        """Whether the text has a stanza at all."""
        names = {name for name, declared in STANZAS.items() if declared is stanza}
        return any(isinstance(item, Block) and item.name in names for item in self.items)

    def unknown(self) -> list[Unknown]:
        """Everything in the text that no registered stanza understands, in its order; to be reported once.

        Raises ConfigError for a bad value in any stanza.
        """
        found: list[Unknown] = []
        stanzas = ", ".join(sorted(STANZAS))
        for words, block in self._statements():
            if words:
                said = " ".join(word.text for word in words)
                text = f"`{said[:80]}' stands in no stanza and was not used; write `unix {{ ... }}'"
                if words[0].text not in WITHOUT_EFFECT:
                    found.append(Unknown(words[0].place, "", text))
            if block and block.name not in STANZAS and block.name not in WITHOUT_EFFECT:
                text = f"stanza `{block.name[:80]}' is unknown and was not used; known are {stanzas}"
                found.append(Unknown(block.place, "", text))
        for name in STANZAS:
            found += self._stanza(name)[1]
        return sorted(found, key=self._order)

    def without_effect(self) -> list[str]:
        """What VPP understands and has no effect here: stanzas, and words of stanzas that have one."""
        found: dict[str, None] = {}
        for item in self.items:
            name = item.text if isinstance(item, Word) else item.name
            if name in WITHOUT_EFFECT and name not in STANZAS:
                found[name] = None
            words = WORDS_WITHOUT_EFFECT.get(name, set())
            inner = item.items if isinstance(item, Block) else ()
            found |= {f"{name} {each.text}": None for each in inner if isinstance(each, Word) and each.text in words}
        return list(found)

    def apply(self, engine: Any) -> None:
        """Tell the features of an engine what their stanzas say: those with a method ``apply``."""
        for name, declared in STANZAS.items():
            if hasattr(declared, "apply"):
                self._stanza(name)[0].apply(engine)

    def _statements(self) -> Iterator[tuple[list[Word], Block | None]]:
        """What stands on the top level: words, of one line each, and blocks."""
        words: list[Word] = []
        for item in self.items:
            if words and (isinstance(item, Block) or item.place != words[0].place):
                yield words, None
                words = []
            if isinstance(item, Block):
                yield [], item
            else:
                words.append(item)
        if words:
            yield words, None

    def _stanza(self, name: str) -> tuple[Any, list[Unknown]]:
        if name not in self._read:
            blocks = [item for item in self.items if isinstance(item, Block) and item.name == name]
            self._read[name] = interpret(STANZAS[name], name, [inner for each in blocks for inner in each.items])
        return self._read[name]

    def _order(self, unknown: Unknown) -> tuple[int, int]:
        sources = list(dict.fromkeys(item.place.source for item in self.items))
        return sources.index(unknown.place.source), unknown.place.line
