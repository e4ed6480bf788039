"""The CLI's socket, for weftctl, the original vppctl, telnet and plain pipes.

Every client is greeted with telnet's options and asked for its terminal's type, as VPP does. The answer chooses the
kind of session: "vppctl" is a one-shot vppctl (lines.py), "weftctl" is weftctl (framed.py), another name is a user at
a terminal (terminal.py). Who sends something else first, or says nothing for a second, speaks no telnet (lines.py).
"""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path
from typing import Any

from msgspec import Struct

from weft.core.config import RUNTIME_DIR
from weft.core.listener import Listener, PortListener, UnixListener

from . import framed, lines
from .cli import Cli
from .connection import Connection, Gone
from .error import CliError
from .session import Session
from .terminal import Terminal

log = logging.getLogger("weft.cli")

DEFAULT_SOCKET = str(RUNTIME_DIR / "cli.sock")
PROMPT = "vpp# "  # programs that drive a terminal wait for it
BANNER = "Weft: a packet switch and router. ? lists the commands, <Tab> completes, quit leaves."
NO_TELNET_AFTER = 1.0


class Settings(Struct, frozen=True):
    """How the server behaves; from the startup configuration's `unix { ... }`."""

    listen: str = DEFAULT_SOCKET
    prompt: str = ""  # VPP's, and weftctl's own
    banner: str = BANNER
    paging: bool = True
    pager_limit: int = 100_000
    history_limit: int = 50
    max_sessions: int = 64
    mode: int = 0o660
    group: int = -1


DEFAULTS = Settings()


def listener_of(settings: Settings) -> Listener:
    """Where a command line listens."""
    if "/" not in settings.listen:
        return PortListener(settings.listen)
    return UnixListener(
        Path(settings.listen), setting="unix { cli-listen ... }", mode=settings.mode, group=settings.group
    )


class CliServer:
    """Serves any number of sessions, up to `max_sessions`, on one socket."""

    def __init__(self, cli: Cli, engine: Any, settings: Settings = DEFAULTS, listener: Listener | None = None) -> None:
        self.cli, self.engine, self.settings = cli, engine, settings
        self._listener = listener or listener_of(settings)
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to serve. Raises OSError that names the socket and says what is wrong with it."""
        self._server = await asyncio.start_server(self._accept, sock=self._listener.open())

    async def stop(self) -> None:
        """End every session and remove the socket."""
        if self._server is None:
            return
        self._server.close()
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None
        self._listener.remove()

    async def converse(self, peer: socket.socket) -> None:
        """Serve one who is connected already, to the end."""
        await self._accept(*await asyncio.open_connection(sock=peer))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        try:
            await self._serve(Connection(reader, writer))
        except (Gone, ConnectionError, TimeoutError):
            pass
        except asyncio.CancelledError:
            pass  # the server stops
        except Exception:
            log.exception("a CLI session ended by an internal error")
        finally:
            self._sessions.discard(task)
            writer.close()

    async def _serve(self, connection: Connection) -> None:
        settings = self.settings
        if len(self._sessions) > settings.max_sessions:
            await connection.write(f"too many CLI sessions: {settings.max_sessions} are open, end one\n")
            return
        session = Session(self.cli, "unix-cli", connection.descriptor)
        session.limit_history(settings.history_limit)
        session.paging, session.pager_limit = settings.paging, settings.pager_limit
        self.cli.sessions.append(session)
        try:
            terminal = await connection.greet(NO_TELNET_AFTER)
            session.name = f"unix-cli-{terminal or 'pipe'}"[:20]
            if terminal is None or terminal == "vppctl":
                await lines.serve(connection, session, self.engine, vppctl=terminal is not None)
            elif terminal == framed.TERMINAL:
                await framed.serve(connection, session, self.engine, prompt=_spaced(settings.prompt))
            else:
                prompt = _spaced(settings.prompt) or PROMPT
                user = Terminal(connection, session, self.engine, prompt=prompt)
                await user.serve(settings.banner)
        except CliError as error:
            log.error("a CLI session ended: %s", error)
        finally:
            self.cli.sessions.remove(session)


def _spaced(prompt: str) -> str:
    """A prompt that was given, with a blank at its end, as VPP sees to."""
    return prompt if not prompt or prompt.endswith(" ") else f"{prompt} "
