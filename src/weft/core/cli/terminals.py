"""Commands about the terminal that one sits at: its pager, its history."""

from __future__ import annotations

from typing import Any

from .command import command
from .error import CliError
from .session import Session, current


@command("show terminal", help="Show how this session's terminal is set")
def show_terminal(engine: Any) -> str:
    session = current()
    limit = session.history.maxlen or 0
    rows = [
        ("Terminal name:", session.name),
        ("Terminal mode:", "line-by-line" if session.line_mode else "char-by-char"),
        ("Terminal width:", session.columns),
        ("Terminal height:", session.rows),
        ("ANSI capable:", _yes(session.ansi)),
        ("Interactive:", _yes(session.interactive)),
        ("History enabled:", _yes(limit > 0)),
        *([("History limit:", limit)] if limit else []),
        ("Pager enabled:", _yes(session.paging)),
        *([("Pager limit:", session.pager_limit)] if session.paging and session.pager_limit else []),
        ("CRLF mode:", "LF" if session.line_mode else "CR+LF"),
    ]
    return "\n".join(f"{name:<17}{value}" for name, value in rows)


def _yes(on: bool) -> str:
    return "yes" if on else "no"


@command(
    "set terminal pager", "[on | off] [limit <lines:u32>]", help="Stop at each screenful, of so many lines at most"
)
def set_terminal_pager(engine: Any, on: bool = False, off: bool = False, lines: int | None = None) -> None:
    session = _interactive()
    if on or off:
        session.paging = on
    if lines is not None:
        session.pager_limit = lines


@command("set terminal history", "[on | off] [limit <lines:1-100000>]", help="Remember the lines that were entered")
def set_terminal_history(engine: Any, on: bool = False, off: bool = False, lines: int | None = None) -> None:
    session = _interactive()
    if off:
        session.limit_history(0)
    elif on or lines is not None:
        session.limit_history(lines or session.history.maxlen or 50)


def _interactive() -> Session:
    session = current()
    if not session.interactive:
        raise CliError("this session has no terminal; connect with vppctl or telnet, without a command")
    return session
