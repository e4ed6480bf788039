"""``python -m bench.drivers``: what ports on Linux cost a packet: AF_PACKET, AF_XDP, taps. Needs root.

One worker sends frames of the generator out by one port and takes them in again by another, at the other end of the
wire: a veth pair, or two taps in a Linux bridge. So sending, Linux's own way from one
end to the other, and receiving are all done on the worker's core and paid for by it. Everything is in a network
namespace of this process's own, which ends with it. Drivers take turns, each time in an engine of its own.

Clocks are those of the node that sends and of the one that receives, less the part of the time in which others were
given the worker's processor, which meets all nodes alike; and how much of the worker's time Linux took.
"""

from __future__ import annotations

import ctypes
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bench.frames import ethernet, mac, packet
from bench.instrument import keep, results_option
from bench.measure import BUFFERS, SETTLE, STREAM, read
from weft import Engine
from weft.features.interface.model import Interface, Interfaces
from weft.features.pg.model import PacketGenerator

CLONE_NEWNET = 0x40000000
SIZES = (60, 1514)  #: bytes, without the check sequence
VETH = ("wbench0", "wbench1")
TAPS = ("wtap0", "wtap1")
BRIDGE = "wbench"


@dataclass(frozen=True)
class Driver:
    """How its two ports are made; ``receives`` is the node that does."""

    name: str
    create: Callable[[Engine], list[str]]
    receives: str


def af_packet(engine: Engine) -> list[str]:
    return [engine.cli(f"create host-interface name {name}").strip() for name in VETH]


def af_xdp(engine: Engine) -> list[str]:
    return [engine.cli(f"create interface af_xdp host-if {name} name x{name} no-zero-copy").strip() for name in VETH]


def tap(engine: Engine) -> list[str]:
    made = [engine.cli(f"create tap id {n} host-if-name {name}").strip() for n, name in enumerate(TAPS)]
    for name in TAPS:
        quiet(name)
        run("ip", "link", "set", name, "master", BRIDGE)
    return made


DRIVERS = (
    Driver("af-packet", af_packet, "af-packet-input"),
    Driver("af-xdp", af_xdp, "af-xdp-input"),
    Driver("tap", tap, "virtio-input"),
)


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def quiet(name: str) -> None:
    """Up, and silent."""
    for key, value in (("disable_ipv6", "1"), ("accept_dad", "0")):
        Path(f"/proc/sys/net/ipv6/conf/{name}/{key}").write_text(value)
    run("ip", "link", "set", name, "up", "promisc", "on")


def apart() -> None:
    """Let this process be in a network namespace of its own, with a veth pair and a bridge in it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        sys.exit(f"no network namespace of our own: {os.strerror(ctypes.get_errno())}; this needs root")
    run("ip", "link", "add", VETH[0], "type", "veth", "peer", "name", VETH[1])
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    for name in (*VETH, BRIDGE):
        quiet(name)


def ports_of(engine: Engine, driver: Driver) -> list[Interface]:
    """pg0 sends by the driver's first port, and what its second receives leaves by pg1."""
    interfaces = engine[Interfaces]
    made = [interfaces[name.split()[-1]] for name in driver.create(engine)]
    generators = [engine[PacketGenerator].create(name) for name in ("pg0", "pg1")]
    for outside, inside in zip(made, generators, strict=True):
        for port in (outside, inside):
            interfaces.set_admin(port, True)
        engine.cli(f"set interface l2 xconnect {outside.name} {inside.name}")
        engine.cli(f"set interface l2 xconnect {inside.name} {outside.name}")
    return made


def times_of(engine: Engine) -> tuple[int, int]:
    """Ticks that the worker has spent itself, and in Linux (proc(5), ``stat``)."""
    text = Path(f"/proc/self/task/{engine.workers.lwp[1]}/stat").read_text()
    user, system = text.rpartition(")")[2].split()[11:13]
    return int(user), int(system)


def ran(engine: Engine) -> float:
    """For how many seconds the worker has had its processor (``schedstat``)."""
    return int(Path(f"/proc/self/task/{engine.workers.lwp[1]}/schedstat").read_text().split()[0]) / 1e9


def measure(driver: Driver, size: int, seconds: float) -> dict[str, float]:
    """Clocks per packet that is received, and what part of all of the worker's time Linux took."""
    with Engine(workers=1, corelist=[1], buffers=BUFFERS) as engine:
        sends, _ = ports_of(engine, driver)
        frame = packet(ethernet(mac(1, 1), mac(0, 1))).ljust(size, b"\0")
        generator = engine[PacketGenerator]
        generator.add(STREAM, engine[Interfaces]["pg0"], [frame] * 256)
        generator.enable(STREAM)
        time.sleep(SETTLE)
        before, spent, had = read(engine), times_of(engine), ran(engine)
        began = time.perf_counter()
        time.sleep(seconds)
        after, took, had = read(engine), time.perf_counter() - began, ran(engine) - had
        user, system = (now - then for now, then in zip(times_of(engine), spent, strict=True))
        generator.disable(STREAM)

    def done(node: str) -> tuple[int, int, int]:
        calls, vectors, clocks = (a - b for a, b in zip(after[node], before.get(node, (0, 0, 0)), strict=True))
        return calls, vectors, clocks

    calls, received, receiving = done(driver.receives)
    frames, sent, sending = done(f"{sends.name}-tx")
    every = sum(done(node)[2] for node in after)
    own = min(had / took, 1.0)
    if not received:
        raise RuntimeError(f"{driver.name}: of {sent} frames none has come in by the other end")
    return {
        "mpps": received / had / 1e6,
        "lost": 1 - received / sent,
        "send": sending / sent * own,
        "receive": receiving / received * own,
        "rest": (every - sending - receiving) / sent * own,
        "linux": system / max(user + system, 1),
        "sent_at_once": sent / max(frames, 1),
        "received_at_once": received / max(calls, 1),
    }


def concluded(taken: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(each[name] for each in taken), 3) for name in taken[0]}


def table(rows: list[dict[str, Any]]) -> Table:
    made = Table(
        title="Clocks per packet: sending and Linux's way to the other end, receiving, all other nodes",
        box=None,
        pad_edge=False,
        caption="Linux: part of the worker's time that the kernel took · at once: packets a call",
    )
    for heading in ("driver", "bytes"):
        made.add_column(heading, no_wrap=True)
    for heading in ("Mpps", "lost", "send", "receive", "rest", "Linux", "sent at once", "received at once"):
        made.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        cells = [f"{row['mpps']:.2f}", f"{row['lost']:.1%}"]
        cells += [f"{row[name]:.0f}" for name in ("send", "receive", "rest")]
        cells += [f"{row['linux']:.0%}", f"{row['sent_at_once']:.0f}", f"{row['received_at_once']:.0f}"]
        made.add_row(row["driver"], str(row["bytes"] + 4), *cells)
    return made


@click.command()
@click.option("--rounds", default=5, show_default=True, help="How often each driver has its turn.")
@click.option("--seconds", default=0.5, show_default=True, help="How long, each time.")
@results_option
@click.option("--bytes", "sizes", multiple=True, default=SIZES, show_default=True, help="Of a frame, without FCS.")
def main(rounds: int, seconds: float, results: str, sizes: tuple[int, ...]) -> None:
    """Measure the drivers in turn."""
    apart()
    console = Console()
    taken: dict[tuple[str, int], list[dict[str, float]]] = {}
    for _ in range(rounds):
        for size in sizes:
            for driver in DRIVERS:
                with console.status(f"{driver.name}, {size} bytes"):
                    taken.setdefault((driver.name, size), []).append(measure(driver, size, seconds))
    rows = [{"driver": name, "bytes": size, **concluded(each)} for (name, size), each in taken.items()]
    console.print(table(rows), soft_wrap=True)
    keep(console, "drivers", rows, results)


if __name__ == "__main__":
    main()
