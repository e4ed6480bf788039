"""``python -m bench.api``: how fast the binary API is, and what its clients and the engine have of the time."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from bench.api_clients import INTERFACE, NEXT_HOP
from bench.frames import ethernet, mac, packet
from bench.scale import watch
from weft import Engine
from weft.core.api.server import ApiServer
from weft.core.listener import UnixListener
from weft.features.interface.model import Interfaces
from weft.features.loopback.model import Loopbacks
from weft.features.pg.model import PacketGenerator

console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Took:
    """Seconds that some clients took for so many requests in all, and the processor time of theirs and of the engine's
    main thread.
    """

    count: int
    seconds: float
    clients: float
    engine: float

    @property
    def whole(self) -> str:
        """All requests together."""
        return f"{self.seconds:.2f} s, of the engine {self.engine:.2f}, of the client {self.clients:.2f}"

    def __str__(self) -> str:
        """Each request."""
        each = 1e6 / self.count
        return (
            f"{self.count / self.seconds:>9,.0f} a second, {self.seconds:6.2f} s; each: {self.seconds * each:7.1f} µs, "
            f"of the engine {self.engine * each:6.1f}, of the client {self.clients * each:6.1f}"
        )


class Bench:
    """An engine, and its API at a socket."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self.engine, self.path = engine, path

    def clients(self, kind: str, what: str, count: int, number: int = 1, cpu: int = 1) -> Took:
        """Let ``number`` clients ask ``count`` times each, on a processor of their own."""
        return asyncio.run(self._serve(kind, what, count, number, cpu))

    async def _serve(self, kind: str, what: str, count: int, number: int, cpu: int) -> Took:
        server = ApiServer(self.engine, UnixListener(self.path, setting="bench"))
        await server.start()
        command = ["-m", "bench.api_clients", kind, str(self.path), what, str(count)]
        pipe = asyncio.subprocess.PIPE
        running = []
        for _ in range(number):
            process = await asyncio.create_subprocess_exec(sys.executable, *command, stdin=pipe, stdout=pipe)
            os.sched_setaffinity(process.pid, {cpu})
            running.append(process)
        for process in running:
            assert process.stdout is not None and process.stdin is not None
            if await process.stdout.readline() != b"ready\n":
                raise RuntimeError(f"a client ({kind}, {what}) has failed")
        began, cpu_before = time.monotonic(), time.thread_time()
        for process in running:
            process.stdin.write(b"go\n")  # type: ignore[union-attr]
        said = [json.loads(await process.stdout.readline()) for process in running]  # type: ignore[union-attr]
        seconds, spent = time.monotonic() - began, time.thread_time() - cpu_before
        for process in running:
            await process.wait()
        await server.stop()
        return Took(count * number, seconds, sum(each["cpu"] for each in said), spent)


def measured_clients(bench: Bench) -> None:
    """Small requests, asked in all the ways that there are."""
    bench.engine[Loopbacks].create()
    ways = [
        ("raw", 50_000, 1),
        ("in turn", 5_000, 1),
        ("sync", 4_000, 1),
        ("sync", 1_000, 4),
        ("do_async", 10_000, 1),
        ("asyncio", 10_000, 1),
    ]
    for kind, count, number in ways:
        took = bench.clients(kind, "tag", count, number)
        console.print(f"{'sw_interface_tag_add_del':<26}{kind:<9}{number} client{'s' if number > 1 else ' '}  {took}")


def measured_dumps(bench: Bench, interfaces: int) -> None:
    """A dump of many interfaces."""
    missing = interfaces - len(list(bench.engine[Interfaces]))
    for _ in range(missing):
        bench.engine[Loopbacks].create()
    for kind in ("raw", "sync", "asyncio"):
        took = bench.clients(kind, "dump", 1)
        console.print(f"{f'sw_interface_dump, {interfaces:,}':<26}{kind:<20}{took.whole}")


def traffic(engine: Engine) -> None:
    """Let the worker forward, between two ports, by a route that stays as it is."""
    interfaces, generator = engine[Interfaces], engine[PacketGenerator]
    a, b = generator.create("pg0"), generator.create("pg1")
    assert b.sw_if_index == INTERFACE
    for port in (a, b):
        interfaces.set_admin(port, True)
    for line in (
        "set interface ip address pg0 10.0.0.1/24",
        "set interface ip address pg1 10.0.1.1/24",
        f"set ip neighbor pg1 {NEXT_HOP} {mac(1, 0).hex(':')}",
        f"ip route add 20.0.0.0/8 via {NEXT_HOP} pg1",
    ):
        engine.cli(line)
    target = [
        packet(ethernet(a.row.mac.to_bytes(6, "little"), mac(0, 1)), "10.0.0.2", f"20.0.0.{n}") for n in range(256)
    ]
    generator.add("load", a, target)
    generator.enable("load")


def measured_routes(bench: Bench, routes: int) -> None:
    """Many routes, pipelined, while the worker forwards: on the other processor, so the client shares the engine's."""
    traffic(bench.engine)
    for what in ("route", "unroute"):
        found: list[Took] = []
        action: Callable[[], object] = lambda: found.append(bench.clients("raw", what, routes, cpu=0))  # noqa: B023, E731
        watched = watch(bench.engine, action)
        console.print(f"{f'{what}, {routes:,}':<26}{'raw':<20}{found[0]}")
        console.print(f"{'':<26}longest round of the worker: {watched}")


PARTS: dict[str, Callable[[Bench], None]] = {
    "calls": measured_clients,
    "dumps": lambda bench: measured_dumps(bench, 10_000),
    "routes": lambda bench: measured_routes(bench, 100_000),
}


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
def main(parts: tuple[str, ...]) -> None:
    """Measure requests of several clients, dumps, routes under traffic; each with an engine of its own."""
    os.sched_setaffinity(0, {0})  # clients and the worker have the other processor
    for part in parts or PARTS:
        with tempfile.TemporaryDirectory() as folder, Engine(workers=1, corelist=[1]) as engine:
            PARTS[part](Bench(engine, Path(folder) / "api.sock"))


if __name__ == "__main__":
    main()
