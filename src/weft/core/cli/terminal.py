"""Interactive sessions: prompt, line editing, completion, help, history and paging, all done by the server.

The client is `vppctl` without a command, which puts its terminal in raw mode, or telnet.
"""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from .connection import Connection, Gone
from .editor import Editor, Event
from .error import CliError
from .help import COLUMN
from .pager import Pager
from .session import Session

INTERRUPT = "\x03"
ANSI_TERMINALS = ("xterm", "vt", "linux", "screen", "tmux", "ansi", "rxvt", "konsole", "alacritty", "foot", "cygwin")
CLEAR_SCREEN = "\x1b[H\x1b[2J"


class Terminal:
    """One user at a terminal."""

    def __init__(self, connection: Connection, session: Session, engine: Any, *, prompt: str) -> None:
        self.connection, self.session, self.engine = connection, session, engine
        self.editor = Editor(prompt, session.history)
        session.interactive, session.line_mode = True, False
        session.ansi = (connection.telnet.terminal or "").lower().startswith(ANSI_TERMINALS)

    async def serve(self, banner: str) -> None:
        """Serve until the user quits or has gone."""
        if banner:
            await self.print(banner)
        self.editor.draw(afresh=True)
        while not self.session.closing:
            await self.connection.write(self.editor.take_output())
            text = await self.connection.read()
            if not text:
                return
            self.editor.columns = self.connection.telnet.columns
            for event in self.editor.feed(text):
                await self.connection.write(self.editor.take_output())
                await self.react(event)
                if self.session.closing:
                    return

    async def react(self, event: Event) -> None:
        match event:
            case Event.LINE:
                line = self.editor.take_line()
                await self.connection.write(self.editor.take_output())
                await self.run(line)
            case Event.INTERRUPT:
                self.editor.take_line()
                self.editor.take_output()
                await self.print("^C")
            case Event.END:
                await self.print("")
                self.session.closing = True
            case Event.COMPLETE:
                await self.complete()
            case Event.HELP:
                await self.explain()
            case Event.CLEAR:
                await self.connection.write(CLEAR_SCREEN if self.session.ansi else "\r\n")
                self.editor.draw(afresh=True)

    async def run(self, line: str) -> None:
        self.session.remember(line)
        self.session.columns, self.session.rows = self.connection.telnet.columns, self.connection.telnet.rows
        work = self.session.cli.run_async(self.engine, line, self.session)
        try:
            text = await self.connection.attend(work, INTERRUPT)
        except CliError as error:
            text = f"{error.output}\n{error}".lstrip("\n")
        await self.page(text.rstrip("\n"))

    async def page(self, text: str) -> None:
        """Print, stopping at each screenful."""
        if not text:
            return
        limit = self.session.pager_limit
        if not self.session.paging or (limit and text.count("\n") >= limit):
            await self.print(text)
            return
        pager = Pager(text, self.connection.telnet.columns, self.connection.telnet.rows)
        await self.connection.write(crlf(pager.first()))
        while not pager.done:
            prompt = pager.prompt
            await self.connection.write(f"\r{prompt}")
            keys = await self.connection.read()
            if not keys:
                raise Gone
            await self.connection.write("\r" + " " * len(prompt) + "\r")
            for key in keys:
                shown = None if pager.done else pager.key(key)
                await self.connection.write(crlf(shown or ""))

    async def complete(self) -> None:
        """Put in what is certain; show what is possible."""
        before = self.editor.text[: self.editor.cursor]
        words = self.session.cli.complete(self.engine, before)
        partial = before[before.rfind(" ") + 1 :]
        certain = shared_start(words)[len(partial) :]
        if len(words) == 1 and not words[0].endswith("/"):
            certain += " "
        if certain:
            self.editor.insert(certain)
        elif words:
            await self.print("\n" + in_columns(words, self.connection.telnet.columns))
            self.editor.draw(afresh=True)

    async def explain(self) -> None:
        before = self.editor.text[: self.editor.cursor]
        try:
            text = self.session.cli.help(before)
        except CliError as error:
            text = str(error)
        await self.print(f"?\n{text}")
        self.editor.draw(afresh=True)

    async def print(self, text: str) -> None:
        await self.connection.write(crlf(f"{text}\n"))


def crlf(text: str) -> str:
    return text.replace("\n", "\r\n")


def shared_start(words: list[str]) -> str:
    """What all words begin with; they are sorted, so the first and the last decide."""
    if not words:
        return ""
    return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(words[0], words[-1], strict=False)))


def in_columns(words: list[str], columns: int) -> str:
    """A list of words across the window, at most 200."""
    shown = words[:200] + ([f"... {len(words) - 200} more"] if len(words) > 200 else [])
    width = min(max(map(len, shown)) + 2, COLUMN * 2)
    each = max(1, columns // width)
    rows = [shown[start : start + each] for start in range(0, len(shown), each)]
    return "\n".join("".join(f"{word:<{width}}" for word in row).rstrip() for row in rows)
