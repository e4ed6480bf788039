"""The message table: which number each message has on the wire."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from msgspec import Struct

from .module import MODULES, Message, Service

FIRST = 1  #: the first number; with it, sockclnt_create is message 15 and its reply 16, as clients rely on


class Entry(Struct, frozen=True):
    """A message with its number, and the service that answers it, if it is a request."""

    number: int
    message: Message
    service: Service | None


class MessageTable:
    """All messages of all modules: memclnt's first, then by module, in the order of their declaration."""

    def __init__(self) -> None:
        modules = sorted(MODULES.values(), key=lambda module: (module.name != "memclnt", module.name))
        self.modules = [module for module in modules if module.messages]
        self.entries: list[Entry] = []
        for module in self.modules:
            for message in module.ordered():
                self.entries.append(Entry(FIRST + len(self.entries), message, module.services.get(message.name)))
        self._number = {entry.message.name: entry.number for entry in self.entries}

    @cached_property
    def last(self) -> int:
        """The highest number in use."""
        return FIRST + len(self.entries) - 1

    def first_of(self, module: str) -> int | None:
        """The first number of a module's messages."""
        return next((entry.number for entry in self.entries if entry.message.module.name == module), None)

    def get(self, number: int) -> Entry | None:
        """The message with a number."""
        return self.entries[number - FIRST] if FIRST <= number <= self.last else None

    def encode(self, message: Message, values: dict[str, Any]) -> bytearray:
        """A message as bytes, its number first."""
        out = bytearray(self._number[message.name].to_bytes(2, "big"))
        message.layout.write(values, out)
        return out
