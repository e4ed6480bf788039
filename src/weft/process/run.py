"""A process's life: sockets, the engine, startup commands, service, the end."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress

from weft.core import features
from weft.core.cli import CliError
from weft.core.config import Buffers, Config, ConfigError, Cpu, Graph, Logging, Plugins, Unix
from weft.core.engine import Engine
from weft.process import daemon, notify
from weft.process.console import Console
from weft.process.services import CliService, Service, listening
from weft.process.signals import Interrupted, Signals

log = logging.getLogger("weft")


def run(config: Config, signals: Signals, ready: Callable[[], None]) -> None:
    """Run an engine and its services until told to stop; call `ready` when they are there.

    Raises what says why it cannot: ConfigError, OSError, MemoryError, ValueError, CompileError.
    """
    unix = config[Unix]
    features.load()  # they have stanzas
    _report(config)
    main_core, corelist, workers = config[Cpu].places(sorted(os.sched_getaffinity(0)))
    with ExitStack() as stack:
        with suppress(PermissionError):  # who may not make it may have configured sockets elsewhere
            daemon.make_runtime_dir(unix)
        try:
            daemon.allow_core_dumps(unix)
        except (OSError, ValueError) as error:  # as in VPP, no reason not to start
            log.warning("startup configuration: core dumps are not as asked for: %s", error)
        services = listening(config)
        for service in services:
            stack.callback(service.listener.remove)
        stack.enter_context(daemon.pidfile(unix.pidfile))
        signals.last_resort = lambda: _remove(services, unix)
        try:
            with signals.interrupting():
                engine = Engine(
                    workers=workers,
                    corelist=corelist,
                    buffers=config[Buffers].buffers_per_numa,
                    progress=show_progress,
                    fuse=config[Graph].fuse,
                )
        except Interrupted:
            return
        stack.enter_context(engine)
        engine.keep_messages(config[Logging].size)
        config.apply(engine)
        gc.freeze()
        gc.enable()
        _report_plugins(engine, config[Plugins])
        if main_core is not None:
            os.sched_setaffinity(0, {main_core})
        _schedule(engine, config[Cpu])
        asyncio.run(_serve(engine, config, services, signals, ready))
    log.info("stopped")


def _remove(services: list[Service], unix: Unix) -> None:
    """Leave no names behind."""
    for service in services:
        service.listener.remove()
    if unix.pidfile:
        unix.pidfile.unlink(missing_ok=True)


def _report(config: Config) -> None:
    """Log once what the configuration has that is not used."""
    for line in config.unknown():
        log.warning("startup configuration: %s", line)
    without = config.without_effect()
    if without:
        log.info("startup configuration: without effect here: %s", ", ".join(without))


def _report_plugins(engine: Engine, plugins: Plugins) -> None:
    """Say which features there are not, and which there are though they are told to stay away."""
    if features.left_out:
        log.info("startup configuration: left out: %s", ", ".join(map(features.known_as, features.left_out)))
    there = {name for each in engine.features for name in (each.rpartition(".")[2], features.plugin_of(each))}
    kept = sorted(name for name in plugins.disabled() if name in there)
    if kept:
        log.warning("startup configuration: these are there, the engine is not without them: %s", ", ".join(kept))


def _schedule(engine: Engine, cpu: Cpu) -> None:
    """Give the workers the kernel's policy that is asked for. Raises ConfigError, also where that is forbidden."""
    if cpu.scheduler_policy is None:
        return
    policy, parameter = cpu.policy
    engine.workers.quiesce()  # each has begun, and has its number
    try:
        for thread in engine.workers.forwarding:
            os.sched_setscheduler(engine.workers.lwp[thread], policy, os.sched_param(parameter))
    except OSError as error:
        raise ConfigError(f"cpu: scheduler-policy {cpu.scheduler_policy} {parameter}: {error.strerror}") from error


def show_progress(done: int, total: int, what: str) -> None:
    """Say on a line, and to systemd, how far compiling has come."""
    notify.progress(done, total, what)
    end = "\n" if done == total or not sys.stderr.isatty() else ""
    start = "\r\033[K" if sys.stderr.isatty() else ""
    if end and done not in (0, total) and done % 20:
        return
    print(f"{start}compiling {done}/{total}: {what}", end=end, file=sys.stderr, flush=True)


async def _serve(
    engine: Engine, config: Config, services: list[Service], signals: Signals, ready: Callable[[], None]
) -> None:
    """The startup commands run first: who has connected meets a configured engine, as with VPP."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def end() -> None:
        loop.call_soon_threadsafe(stop.set)

    signals.when_asked(end)
    loop.add_reader(engine.punts.fd, engine.punts.drain)
    loop.add_reader(engine.files.fd, engine.files.run)
    timers = asyncio.create_task(_run_timers(engine))
    stopping = asyncio.create_task(stop.wait())
    started: list[Service] = []
    console: Console | None = None
    try:
        scripts = asyncio.create_task(_run_scripts(engine, config[Unix]))
        await asyncio.wait([scripts, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not scripts.done():
            scripts.cancel()
            return
        scripts.result()
        for service in services:
            started.append(service)
            await service.start(engine)
        if config[Unix].interactive:
            console = _open_console(services, config, engine, end)
        log.info("ready; the command line is at %s", config[Unix].cli_address)
        notify.notify(READY=1, STATUS="forwarding")
        ready()
        await stopping
    finally:
        notify.notify(STOPPING=1)
        for service in reversed(started):
            await service.stop()
        if console is not None:
            console.stop()
        signals.when_asked(lambda: None)
        timers.cancel()
        loop.remove_reader(engine.punts.fd)
        loop.remove_reader(engine.files.fd)


async def _run_timers(engine: Engine) -> None:
    while True:
        await asyncio.sleep(min(max(engine.timers.run(), 0.001), 0.1))


async def _run_scripts(engine: Engine, unix: Unix) -> None:
    """Carry out files of commands. An error in one is logged and does not end the engine, as in VPP."""
    for script in (*unix.startup_config, *unix.exec):
        notify.notify(STATUS=f"carrying out {script}")
        try:
            output = await engine.commands.run_async(engine, f'exec "{script}"')
            for line in output.splitlines():
                log.info("%s: %s", script, line)
        except CliError as error:
            log.error("%s", error)


def _open_console(services: list[Service], config: Config, engine: Engine, ended: Callable[[], None]) -> Console:
    """A session on the process's own terminal, whose end is the process's."""
    found = next((each for each in services if isinstance(each, CliService)), None) or CliService(config)
    console = Console(ended)
    console.session = asyncio.create_task(found.serving(engine).converse(console.session_end))
    console.start()
    return console
