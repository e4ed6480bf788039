"""The CLI's socket, for weftctl, the original vppctl, telnet and plain pipes.

Every client is greeted with telnet's options and asked for its terminal's type, as VPP does. The answer chooses the
kind of session: "vppctl" is a one-shot vppctl (lines.py), "weftctl" is weftctl (framed.py), another name is a user at
a terminal (terminal.py). Who sends something else first, or says nothing for a second, speaks no telnet (lines.py).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weft.core.listener import UnixListener

from . import framed, lines
from .cli import Cli
from .connection import Connection, Gone
from .error import CliError
from .session import Session
from .terminal import Terminal

log = logging.getLogger("weft.cli")

DEFAULT_SOCKET = "/run/weft/cli.sock"
BANNER = "Weft: a packet switch and router. ? lists the commands, <Tab> completes, quit leaves."
NO_TELNET_AFTER = 1.0


@dataclass(frozen=True)
class Settings:
    """How the server behaves; from the startup configuration's `unix { ... }`."""

    listen: str = DEFAULT_SOCKET
    prompt: str = "weft# "
    banner: str = BANNER
    paging: bool = True
    history_limit: int = 50
    max_sessions: int = 64
    mode: int = 0o660
    group: int = -1


class CliServer:
    """Serves any number of sessions, up to `max_sessions`, on one socket."""

    def __init__(self, cli: Cli, engine: Any, settings: Settings = Settings()) -> None:
        self.cli, self.engine, self.settings = cli, engine, settings
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()
        self._listener: UnixListener | None = None

    async def start(self) -> None:
        """Begin to listen. Raises OSError that names the socket and says what is wrong with it."""
        listen = self.settings.listen
        try:
            if listen.startswith("/"):
                self._listener = UnixListener(
                    Path(listen),
                    setting="unix { cli-listen ... }",
                    mode=self.settings.mode,
                    group=self.settings.group,
                )
                self._server = await asyncio.start_unix_server(self._accept, sock=self._listener.open())
            else:
                host, _, port = listen.rpartition(":")
                self._server = await asyncio.start_server(self._accept, host.strip("[]") or "localhost", int(port))
        except (OSError, ValueError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OSError(f"cannot listen for the CLI on {listen}: {reason}") from error

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
        if self._listener is not None:
            self._listener.remove()

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
        self.cli.sessions.append(session)
        try:
            terminal = await connection.greet(NO_TELNET_AFTER)
            session.name = f"unix-cli-{terminal or 'pipe'}"[:20]
            if terminal is None or terminal == "vppctl":
                await lines.serve(connection, session, self.engine, vppctl=terminal is not None)
            elif terminal == framed.TERMINAL:
                await framed.serve(connection, session, self.engine, prompt=settings.prompt)
            else:
                user = Terminal(connection, session, self.engine, prompt=settings.prompt, paging=settings.paging)
                await user.serve(settings.banner)
        except CliError as error:
            log.error("a CLI session ended: %s", error)
        finally:
            self.cli.sessions.remove(session)
