"""``weft-engine``: the engine as a process, with ``vpp``'s command line.

    weft-engine -c startup.conf
    weft-engine unix { nodaemon cli-listen /run/weft/cli.sock } cpu { workers 2 }

Unless told ``nodaemon`` it goes to the background once it is ready; if it cannot start, the command says why and
fails.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, Protocol

from weft.core.api.server import ApiServer
from weft.core.cli import CliError
from weft.core.cli.server import CliServer, Settings
from weft.core.config import ApiSegment, Buffers, Config, ConfigError, Cpu, Socksvr, Statseg, Unix
from weft.core.engine import Engine
from weft.core.listener import UnixListener
from weft.core.stats.server import StatsServer
from weft.features.stats.model import StatsSegment

log = logging.getLogger("weft")


class Server(Protocol):
    """What serves clients while the engine runs."""

    async def start(self) -> None:
        """Begin to listen. Raises OSError."""

    async def stop(self) -> None:
        """Send the clients away and give the socket back."""


def main() -> None:
    """Read the configuration, start, and serve until told to stop."""
    try:
        config = Config.from_arguments(sys.argv[1:])
    except ConfigError as error:
        sys.exit(f"weft-engine: {error}")
    unix = config[Unix]
    foreground = unix.nodaemon or unix.interactive
    ready = (lambda: None) if foreground else _detach()
    try:
        _log(unix.log)
        asyncio.run(serve(config, ready))
    except (ConfigError, CliError, OSError, MemoryError, ValueError) as error:
        sys.exit(f"weft-engine: {error}")


def _detach() -> Callable[[], None]:
    """Go on in a new process without a terminal. The first process stays until that one is ready or has failed."""
    readable, writable = os.pipe()
    child = os.fork()
    if child:
        os.close(writable)
        _follow(child, readable)
    os.close(readable)
    os.setsid()

    def ready() -> None:
        os.write(writable, b"ready")
        os.close(writable)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)

    return ready


def _follow(child: int, readable: int) -> NoReturn:
    said = os.read(readable, 16)
    if said == b"ready":
        os._exit(0)
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) or 1)


def _log(path: Path | None) -> None:
    handler = logging.FileHandler(path) if path else logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def show_progress(done: int, total: int, what: str) -> None:
    """Say on a line how far compiling has come."""
    end = "\n" if done == total or not sys.stderr.isatty() else ""
    start = "\r\033[K" if sys.stderr.isatty() else ""
    if end and done not in (0, total) and done % 20:
        return
    print(f"{start}compiling {done}/{total}: {what}", end=end, file=sys.stderr, flush=True)


async def serve(config: Config, ready: Callable[[], None]) -> None:
    """Run an engine and its command line until SIGTERM or SIGINT; call ``ready`` when both are there."""
    unix, cpu = config[Unix], config[Cpu]
    for line in config.unknown():
        log.warning("the configuration has what is not known here, and ignored: %s", line)
    if cpu.main_core is not None:
        os.sched_setaffinity(0, {cpu.main_core})
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    engine = Engine(
        workers=cpu.worker_count,
        corelist=list(cpu.corelist_workers),
        buffers=config[Buffers].buffers_per_numa,
        progress=show_progress,
    )
    settings = Settings(
        listen=unix.cli_listen,
        prompt=unix.cli_prompt,
        group=unix.group,
        paging=not unix.cli_no_pager,
        history_limit=unix.cli_history_limit,
    )
    servers: list[Server] = [
        CliServer(engine.commands, engine, settings),
        *_api_servers(config, engine),
        _stats_server(config, engine),
    ]
    with engine:
        Path(unix.runtime_dir).mkdir(parents=True, exist_ok=True)
        loop.add_reader(engine.punts.fd, engine.punts.drain)
        timers = asyncio.create_task(_run_timers(engine))
        for server in servers:
            await server.start()
        if unix.pidfile:
            unix.pidfile.write_text(f"{os.getpid()}\n")
        try:
            for script in (*unix.startup_config, *unix.exec):
                await _run_script(engine, script)
            log.info("ready; the command line is at %s", unix.cli_listen)
            ready()
            await stop.wait()
        finally:
            timers.cancel()
            loop.remove_reader(engine.punts.fd)
            for server in reversed(servers):
                await server.stop()
            if unix.pidfile:
                unix.pidfile.unlink(missing_ok=True)
    log.info("stopped")


def _api_servers(config: Config, engine: Engine) -> list[ApiServer]:
    """The binary API's, if the configuration has the stanza, as VPP."""
    if Socksvr not in config:
        return []
    group = config[ApiSegment].group
    path = config[Socksvr].socket_name
    return [ApiServer(engine, UnixListener(path, setting="socksvr { socket-name ... }", group=group))]


def _stats_server(config: Config, engine: Engine) -> StatsServer:
    """The statistics segment's, which is there in any case, as VPP's."""
    statseg, segment = config[Statseg], engine[StatsSegment]
    segment.configure(update_interval=statseg.update_interval, per_node_counters=statseg.per_node_counters)
    listener = UnixListener(
        statseg.socket_name,
        setting="statseg { socket-name ... }",
        kind=socket.SOCK_SEQPACKET,
        group=config[Unix].group,
        backlog=256,
    )
    return StatsServer(segment.descriptor, listener)


async def _run_timers(engine: Engine) -> None:
    while True:
        await asyncio.sleep(min(max(engine.timers.run(), 0.001), 0.1))


async def _run_script(engine: Engine, script: Path) -> None:
    """Carry out a file of commands. An error in it is logged and does not end the engine, as in VPP."""
    try:
        output = await engine.commands.run_async(engine, f"exec {script}")
        for line in output.splitlines():
            log.info("%s: %s", script, line)
    except CliError as error:
        log.error("%s", error)


if __name__ == "__main__":
    main()
