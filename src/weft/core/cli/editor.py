"""A line editor: keys in; the line, its redrawing and events out. It does no input or output itself.

Redrawing uses carriage return, spaces and backspaces only, so it works on every terminal. A line wider than the window
is shown in part, around the cursor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto
from typing import ClassVar

from .lexer import LINE_LIMIT


class Event(Enum):
    LINE = auto()
    INTERRUPT = auto()
    END = auto()
    COMPLETE = auto()
    HELP = auto()
    CLEAR = auto()


KEY = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|[^\[O])"  # an escape sequence (ECMA-48 5.4)
    r"|\r[\n\0]?|[^\x00-\x1f\x7f?]+|[\s\S]"
)
UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O)?\Z")
ESCAPE_LIMIT = 32


class Editor:
    """One line being edited. `feed` yields the events; `take_output` gives what to send to the terminal."""

    def __init__(self, prompt: str, history: Sequence[str]) -> None:
        self.prompt = prompt
        self.history = history
        self.text = ""
        self.cursor = 0
        self.columns = 80
        self._output: list[str] = []
        self._shown = 0
        self._pending = ""
        self._after_return = False
        self._killed = ""
        self._recalled = 0
        self._draft = ""

    def feed(self, text: str) -> Iterator[Event]:
        """Keys, in any pieces. After each event the caller acts on it, then goes on iterating."""
        text = self._pending + text
        unfinished = UNFINISHED.search(text)
        self._pending = unfinished[0] if unfinished and len(unfinished[0]) < ESCAPE_LIMIT else ""
        for found in KEY.finditer(text[: len(text) - len(self._pending)]):
            key = found[0]
            # A return may be cut from its line feed by the piece's end.
            split, self._after_return = self._after_return and key in "\n\0", key == "\r"
            if split:
                continue
            event = EVENTS.get(key[0])
            if event is Event.END and self.text:
                event = None
            if event is not None:
                self.draw()
                yield event
            elif key in self.ACTIONS:
                self.ACTIONS[key](self)
            elif key.isprintable():
                self.insert(key)
        self.draw()

    def take_line(self) -> str:
        """The finished line; the editor begins an empty one."""
        line = self.text
        self._output.append("\r\n")
        self.replace("")
        self._recalled, self._draft, self._shown = 0, "", 0
        return line

    def take_output(self) -> str:
        output = "".join(self._output)
        self._output.clear()
        return output

    def insert(self, text: str) -> None:
        if len(self.text) + len(text) > LINE_LIMIT:
            self._output.append("\a")
            return
        self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
        self.cursor += len(text)

    def replace(self, text: str) -> None:
        self.text, self.cursor = text, len(text)

    def draw(self, *, afresh: bool = False) -> None:
        """Show prompt and line. `afresh`: on an empty line, since something else was printed."""
        width = max(self.columns - len(self.prompt) - 1, 10)
        left = max(0, self.cursor - width)
        visible = self.text[left : left + width]
        padding = 0 if afresh else max(0, self._shown - len(visible))
        back = padding + len(visible) - (self.cursor - left)
        self._output.append(f"\r{self.prompt}{visible}{' ' * padding}" + "\b" * back)
        self._shown = len(visible)

    def _move(self, by: int) -> None:
        self.cursor = min(max(self.cursor + by, 0), len(self.text))

    def _to_start(self) -> None:
        self.cursor = 0

    def _to_end(self) -> None:
        self.cursor = len(self.text)

    def _cut(self, start: int, end: int) -> None:
        self._killed = self.text[start:end]
        self.text = self.text[:start] + self.text[end:]
        self.cursor = start

    def _erase(self) -> None:
        if self.cursor:
            self.text = self.text[: self.cursor - 1] + self.text[self.cursor :]
            self.cursor -= 1

    def _delete(self) -> None:
        self.text = self.text[: self.cursor] + self.text[self.cursor + 1 :]

    def _word_left(self) -> int:
        return self.text[: self.cursor].rstrip(" ").rfind(" ") + 1

    def _word_right(self) -> int:
        found = re.compile(r"\s*\S+").match(self.text, self.cursor)
        return found.end() if found else len(self.text)

    def _recall(self, back: int) -> None:
        """Step through the history; the newest step is the line being written."""
        wanted = self._recalled + back
        if not 0 <= wanted <= len(self.history):
            return
        if self._recalled == 0:
            self._draft = self.text
        self._recalled = wanted
        self.replace(self.history[-wanted] if wanted else self._draft)

    ACTIONS: ClassVar[dict[str, Callable[[Editor], None]]] = {
        **dict.fromkeys(("\x1b[D", "\x1bOD", "\x02"), lambda self: self._move(-1)),
        **dict.fromkeys(("\x1b[C", "\x1bOC", "\x06"), lambda self: self._move(1)),
        **dict.fromkeys(("\x1b[A", "\x1bOA", "\x10"), lambda self: self._recall(1)),
        **dict.fromkeys(("\x1b[B", "\x1bOB", "\x0e"), lambda self: self._recall(-1)),
        **dict.fromkeys(("\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~", "\x01"), _to_start),
        **dict.fromkeys(("\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~", "\x05"), _to_end),
        **dict.fromkeys(("\x7f", "\x08"), _erase),
        **dict.fromkeys(("\x1b[3~", "\x04"), _delete),
        **dict.fromkeys(("\x1bb", "\x1b[1;5D"), lambda self: self._move(self._word_left() - self.cursor)),
        **dict.fromkeys(("\x1bf", "\x1b[1;5C"), lambda self: self._move(self._word_right() - self.cursor)),
        "\x0b": lambda self: self._cut(self.cursor, len(self.text)),
        "\x15": lambda self: self._cut(0, self.cursor),
        "\x17": lambda self: self._cut(self._word_left(), self.cursor),
        "\x19": lambda self: self.insert(self._killed),
    }


EVENTS = {
    "\r": Event.LINE,
    "\n": Event.LINE,
    "\x03": Event.INTERRUPT,
    "\x04": Event.END,
    "\t": Event.COMPLETE,
    "?": Event.HELP,
    "\x0c": Event.CLEAR,
}
