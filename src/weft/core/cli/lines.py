"""Sessions without a terminal: commands line by line, their output as it is.

**vppctl, one-shot** (`vppctl show interface`) names its terminal "vppctl". What it does, as far as a server can see:

- It sends nothing before it was greeted, and answers the greeting's SB TTYPE SEND only.
- It then sends its command and a newline, and copies what comes back to its output, leaving out NUL bytes.
- It has no idea where output ends. When the first bytes come back, be it a NUL, it sends "q" and a newline, and reads
  until the server closes. So every command must be answered with something, a command without output too.

With its input from a file or a pipe (`vppctl < file`) it sends that as it is, and leaves at its end without waiting
for the answers.

So here each command's output is followed by a NUL. A client that takes the NUL itself for the end is served as well.
There is no banner, prompt, echo, paging or history. An error is printed like output, as VPP does.

**Anything else without telnet** (`echo show version | socat - UNIX:/run/vpp/cli.sock`) gets the same without NULs.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from .connection import Connection
from .error import CliError
from .lexer import LINE_LIMIT, brace_depth
from .session import Session

END_OF_OUTPUT = "\0"
# How long the rest of a command in braces may take to arrive, when more lines are a guess.
PATIENCE = 0.3


async def serve(connection: Connection, session: Session, engine: Any, *, vppctl: bool) -> None:
    """Carry out commands until the client ends or quits."""
    lines = Lines(connection, PATIENCE if vppctl else None)
    while not session.closing:
        line = await lines.next()
        if line is None:
            break
        try:
            text = await session.cli.run_async(engine, line, session)
        except CliError as error:
            text = f"{error.output}\n{error}".lstrip("\n")
        if text and not text.endswith("\n"):
            text += "\n"
        with suppress(ConnectionError):  # who has sent commands and left, as `vppctl < file` does, wants them done
            await connection.write(text + END_OF_OUTPUT if vppctl else text)


class Lines:
    """Cuts what arrives into commands: lines, or more of them while a { is open."""

    def __init__(self, connection: Connection, patience: float | None) -> None:
        self.connection = connection
        self.patience = patience
        self._pieces: list[str] = []
        self._size = 0
        self._ready: list[str] = []

    async def next(self) -> str | None:
        """The next command; None at the end."""
        command, depth = "", 0
        while (line := await self._line(self.patience if command else None)) is not None:
            command += line
            depth += brace_depth(line)
            if depth <= 0 or len(command) > LINE_LIMIT:
                break
        return command or None

    async def _line(self, patience: float | None) -> str | None:
        """The next line with its newline; None at the end, or when patience (in seconds) runs out."""
        while not self._ready:
            try:
                text = await asyncio.wait_for(self.connection.read(), patience)
            except TimeoutError:
                return None
            lines = text.replace("\0", "").splitlines(keepends=True) if text else self._rest()
            if not lines:
                if not text:
                    return None
                continue
            if self._pieces and text:
                lines[0] = "".join((*self._pieces, lines[0]))
                self._pieces, self._size = [], 0
            if not lines[-1].endswith(("\n", "\r")) and text:
                self._keep(lines.pop())
            self._ready = lines[::-1]
        return self._ready.pop()

    def _keep(self, piece: str) -> None:
        """Keep the beginning of a line; of one that is too long, just enough for it to be refused."""
        room = LINE_LIMIT + 1 - self._size
        if room > 0:
            self._pieces.append(piece[:room])
            self._size += len(self._pieces[-1])

    def _rest(self) -> list[str]:
        pieces, self._pieces = self._pieces, []
        return ["".join(pieces)] if pieces else []
