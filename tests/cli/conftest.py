"""What the tests of the command line stand on: a small engine of interfaces, its commands, and a server of both."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from weft.core.cli import ARGUMENTS, COMMANDS, Cli, CliError, CommandTable, argument, builtin, command
from weft.core.cli.server import CliServer, Settings


@dataclass
class Engine:
    """Interfaces by name, and a note of what was done to them."""

    interfaces: list[str] = field(default_factory=lambda: ["local0", "loop0", "loop1"])
    done: list[Any] = field(default_factory=list)


def add_known(table: CommandTable, *names: str) -> None:
    """Add commands that the command line has, beside the built-in ones."""
    for known in COMMANDS:
        if known.name in names:
            table.add(known.name, known)


def commands() -> CommandTable:
    """The built-in commands, and some of each kind that features have."""
    table = CommandTable()
    for known in COMMANDS:
        if known.handler.__module__ == builtin.__name__:
            table.add(known.name, known)

    @command(
        "set interface l2 bridge",
        "<interface> <bd-id:u32> [bvi | uu-fwd] [<shg:u8>]",
        table=table,
        help="Put an interface into a bridge domain",
    )
    def bridge(
        engine: Engine, interface: int, bd_id: int, bvi: bool = False, uu_fwd: bool = False, shg: int = 0
    ) -> None:
        engine.done.append((interface, bd_id, bvi, uu_fwd, shg))

    @command("set interface state", "<interface> (up | down)", table=table)
    def state(engine: Engine, interface: int, up: bool = False, down: bool = False) -> None:
        if down and interface == 0:
            raise CliError("local0 is always up")
        engine.done.append((interface, up))

    @command(
        "ip route add",
        "<prefix> [table <table:u32>] paths:(via (drop | <next-hop:ip4> [<interface>]) "
        "[weight <weight:u8>] [preference <preference:u8>])+",
        table=table,
    )
    def route(engine: Engine, **given: Any) -> None:
        engine.done.append(given)

    @command(
        "packet-generator new",
        "({ [name <name>] [limit <limit:u64>] [data <data:block>] } "
        "| pcap <pcap:path> (source <interface>) (name <name>))",
        table=table,
    )
    def generator(engine: Engine, **given: Any) -> None:
        engine.done.append(given)

    @command("show interface", "[<interface>]", table=table)
    def show(engine: Engine, interface: int | None = None) -> str:
        return "\n".join(engine.interfaces if interface is None else [engine.interfaces[interface]])

    @command("show interface address", table=table)
    def address(engine: Engine) -> str:
        return "\n".join(f"{name} (up):" for name in engine.interfaces)

    @command("show many", "<count:1-1000000>", table=table)
    def many(engine: Engine, count: int) -> str:
        return "\n".join(f"line {number}" for number in range(1, count + 1))

    @command("set log", "<text:rest>", table=table)
    def log(engine: Engine, text: str) -> None:
        engine.done.append(text)

    @command("ping", "<seconds:float>", table=table)
    async def ping(engine: Engine, seconds: float) -> str:
        engine.done.append("waiting")
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            engine.done.append("cancelled")
            raise
        return "waited"

    @command("broken", table=table)
    def broken(engine: Engine) -> None:
        raise RuntimeError("no such luck\nin two lines")

    return table


@pytest.fixture(autouse=True)
def interface_type() -> Iterator[None]:
    """The argument type that the interface feature brings; ours finds names in the small engine."""
    before = ARGUMENTS.get("interface")

    @argument("interface", "an interface's name")
    class Interface:
        def parse(self, engine: Engine, word: str) -> int:
            if word not in engine.interfaces:
                raise ValueError("unknown interface")
            return engine.interfaces.index(word)

        def complete(self, engine: Engine, prefix: str) -> list[str]:
            return engine.interfaces

    yield
    if before is not None:
        ARGUMENTS["interface"] = before


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def cli() -> Cli:
    return Cli(commands())


@dataclass
class Running:
    """A server in a thread of its own, so that its clients may block."""

    path: Path
    cli: Cli
    engine: Engine
    server: CliServer


@pytest.fixture
def running(cli: Cli, engine: Engine, tmp_path: Path) -> Iterator[Running]:
    path = tmp_path / "run" / "cli.sock"
    server = CliServer(cli, engine, Settings(listen=str(path), max_sessions=8))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(5)
    yield Running(path, cli, engine, server)
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()
    assert not path.exists()
