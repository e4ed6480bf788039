"""What serves the engine to others on a socket: one class each, in one table."""

from __future__ import annotations

import logging
import socket
from typing import Protocol

from weft.core.api.calls import Calls
from weft.core.api.server import ApiServer
from weft.core.cli.server import BANNER, CliServer, Settings, listener_of
from weft.core.config import ApiSegment, ApiTrace, Config, Socksvr, Statseg, Unix
from weft.core.engine import Engine
from weft.core.listener import Listener, UnixListener
from weft.core.model import Invalid
from weft.core.stats.server import StatsServer
from weft.features.memclnt import model as trace
from weft.features.stats.model import StatsSegment

log = logging.getLogger("weft")


class Service(Protocol):
    """A server's turns in a process: it listens before the engine is compiled, and serves when that is ready."""

    #: Whether there is to be one.
    wanted: bool
    #: Whether the configuration asks for it by name: then a socket that cannot be had ends the process.
    asked_for: bool

    @property
    def listener(self) -> Listener: ...

    def __init__(self, config: Config) -> None: ...

    async def start(self, engine: Engine) -> None:
        """Serve who has connected and will."""

    async def stop(self) -> None:
        """End all sessions and remove the socket. Called after `start` only."""


class CliService:
    """The command line's socket."""

    wanted = True

    def __init__(self, config: Config) -> None:
        unix = config[Unix]
        self.asked_for = bool(unix.cli_listen)
        self.settings = Settings(
            listen=unix.cli_address,
            prompt=unix.cli_prompt,
            banner=BANNER if unix.banner else "",
            paging=not unix.cli_no_pager,
            pager_limit=unix.cli_pager_buffer_limit,
            history_limit=unix.cli_history_limit,
            group=unix.group,
        )
        self.listener = listener_of(self.settings)
        self.server: CliServer | None = None

    def serving(self, engine: Engine) -> CliServer:
        """The server, whether it listens or not."""
        self.server = self.server or CliServer(engine.commands, engine, self.settings, self.listener)
        return self.server

    async def start(self, engine: Engine) -> None:
        await self.serving(engine).start()

    async def stop(self) -> None:
        if self.server is not None:
            await self.server.stop()


class ApiService:
    """The binary API's socket, which is there if the configuration has its stanza, as in VPP."""

    def __init__(self, config: Config) -> None:
        unix, group = config[Unix], config[ApiSegment].group
        self.wanted = self.asked_for = Socksvr in config
        self.listener = UnixListener(
            config[Socksvr].address(unix),
            setting="socksvr { socket-name ... }",
            group=unix.group if group < 0 else group,
        )
        self.kept, self.table_file = config[ApiTrace].nitems, config[ApiTrace].save_api_table
        self.server: ApiServer | None = None

    async def start(self, engine: Engine) -> None:
        if self.kept is not None:
            engine[trace.ApiTrace].resize(self.kept)
        if self.table_file:
            try:
                trace.write(trace.below_tmp(self.table_file), trace.table_lines(engine[Calls].table))
            except Invalid as error:
                log.error("api-trace: save-api-table: %s", error)
        self.server = ApiServer(engine, self.listener)
        await self.server.start()

    async def stop(self) -> None:
        if self.server is not None:
            await self.server.stop()


class StatsService:
    """The statistics segment's socket."""

    wanted = True

    def __init__(self, config: Config) -> None:
        unix, self.statseg = config[Unix], config[Statseg]
        self.asked_for = self.statseg.default or self.statseg.socket_name is not None
        self.listener = UnixListener(
            self.statseg.address(unix),
            setting="statseg { socket-name ... }",
            kind=socket.SOCK_SEQPACKET,
            group=unix.group,
        )
        self.server: StatsServer | None = None

    async def start(self, engine: Engine) -> None:
        segment, statseg = engine[StatsSegment], self.statseg
        segment.configure(update_interval=statseg.update_interval, per_node_counters=statseg.per_node_counters)
        self.server = StatsServer(segment.descriptor, self.listener)
        await self.server.start()

    async def stop(self) -> None:
        if self.server is not None:
            await self.server.stop()


SERVICES: tuple[type[Service], ...] = (CliService, ApiService, StatsService)


def listening(config: Config) -> list[Service]:
    """All services with their sockets made. One that nobody asked for is left out where it cannot have its own.

    Raises OSError; no socket remains then.
    """
    made: list[Service] = []
    try:
        for cls in SERVICES:
            service = cls(config)
            if not service.wanted:
                continue
            try:
                service.listener.open()
            except OSError as error:
                if service.asked_for:
                    raise
                log.warning("%s; the configuration does not ask for it, so the engine goes on without", error)
                continue
            made.append(service)
    except BaseException:
        for service in made:
            service.listener.remove()
        raise
    return made
