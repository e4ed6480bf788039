"""Who is typing: a session's name, its history and its wishes. A handler finds its own with `current()`."""

from __future__ import annotations

from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cli import Cli

HISTORY_LIMIT = 50


@dataclass(eq=False)
class Session:
    cli: Cli
    name: str = "library"
    descriptor: int = -1
    interactive: bool = False
    ansi: bool = False
    line_mode: bool = True
    paging: bool = True
    pager_limit: int = 100_000  # lines; what is longer is not paged; 0: anything is
    columns: int = 80
    rows: int = 24
    closing: bool = False
    nested: int = 0
    history: deque[str] = field(default_factory=lambda: deque(maxlen=HISTORY_LIMIT))

    def limit_history(self, lines: int) -> None:
        """Keep so many lines; none with 0."""
        self.history = deque(self.history, maxlen=max(lines, 0))

    def remember(self, line: str) -> None:
        """Add a line to the history, unless it is blank or repeats the last."""
        line = line.strip()
        if line and (not self.history or self.history[-1] != line):
            self.history.append(line)


SESSION: ContextVar[Session] = ContextVar("weft-cli-session")


def current() -> Session:
    """The session whose command is being carried out. Raises LookupError outside a command."""
    return SESSION.get()
