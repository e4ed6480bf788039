"""``python -m bench.scale``: starts, sizes and pauses: what the engine costs besides clocks per packet."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.core import waited_for_core
from bench.frames import ethernet, mac, packet
from weft import Engine
from weft.core.cli.client import Client, Unreachable
from weft.core.runtime import workers
from weft.features.interface.model import Interfaces
from weft.features.ip4.model import Ip4
from weft.features.l2.model import L2Fib
from weft.features.loopback.model import Loopbacks
from weft.features.pg.model import PacketGenerator

MANY = 100_000
INTERFACES = 1_000
WARM_STARTS = 9
CROSS_CONNECT = """
create packet-generator interface pg0
create packet-generator interface pg1
set interface l2 xconnect pg0 pg1
set interface l2 xconnect pg1 pg0
set interface state pg0 up
set interface state pg1 up
packet-generator new { name one limit 1 interface pg0 size 64-64 data { hex 0x02fe0000000102fe000000028874 } }
packet-generator enable-stream one
"""
console = Console(highlight=False)


def say(what: str, figure: str, wanted: str) -> None:
    console.print(f"{what:<44}{figure:>52}   (wanted: {wanted})")


def start_process(cache: str) -> float:
    """Seconds from starting a new process to its first packet having left."""
    with tempfile.TemporaryDirectory() as folder:
        path, script = f"{folder}/cli.sock", Path(folder, "startup.cli")
        script.write_text(CROSS_CONNECT)
        unix = f"unix {{ nodaemon runtime-dir {folder} cli-listen {path} exec {script} }}"
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "weft.main", *unix.split()],
            env={**os.environ, "WEFT_CACHE": cache, "PYTHONDONTWRITEBYTECODE": ""},  # Python keeps its own code too
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while process.poll() is None:
                with suppress(Unreachable), Client(path) as client:
                    while "tx packets" not in client.run("show interface pg1").text:
                        time.sleep(0.002)
                    return time.monotonic() - began
                time.sleep(0.002)
            raise RuntimeError(f"weft-engine has ended with status {process.returncode} before it forwarded a packet")
        finally:
            process.terminate()
            process.wait()


def resident() -> float:
    """Resident memory of this process in MiB, the arena's part included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


REPEATS = 3


SLICE = 0.002  #: seconds between two looks at the worker


@dataclass(frozen=True)
class Watched:
    """What the worker went through while something was done."""

    took: float  # seconds
    longest: float  # ms between two looks at its queues
    own: float  # the same without the time in which the system gave its processor to others
    waited: float  # ms in all in which it did so
    faults: int  # pages that the worker was the first to touch

    def __str__(self) -> str:
        return f"{self.own:.3f} ms; {self.longest:.1f} with waiting, {self.waited:.0f} in all; {self.faults} faults"


def watch(engine: Engine, action: Callable[[], object]) -> Watched:
    """Do something while the worker forwards. Another thread looks every few ms for how long the worker has not looked
    at its queues, and whether the system had it wait meanwhile.
    """
    worker, over = workers[1], threading.Event()
    seen: list[tuple[float, float]] = []

    def look() -> None:
        waited = waited_for_core(engine) * 1e3
        while not over.wait(SLICE):
            longest, worker.longest_round = worker.longest_round, 0
            before, waited = waited, waited_for_core(engine) * 1e3
            seen.append((longest / engine.clocks_per_second * 1e3, waited - before))

    time.sleep(0.2)
    worker.longest_round = 0
    first_faults = page_faults(engine)
    looking = threading.Thread(target=look)
    looking.start()
    began = time.monotonic()
    action()
    took = time.monotonic() - began
    time.sleep(2 * SLICE)
    over.set()
    looking.join()
    # A wait may end in one slice, and the round that it was in be over in the next.
    waits = [0.0, *(waited for _, waited in seen)]
    own = max(0.0, *(longest - now - before for (longest, now), before in zip(seen, waits, strict=False)))
    return Watched(
        took,
        max(longest for longest, _ in seen),
        own,
        sum(waited for _, waited in seen),
        page_faults(engine) - first_faults,
    )


def page_faults(engine: Engine) -> int:
    """How many minor page faults the worker has had (proc(5), ``stat``)."""
    text = Path(f"/proc/self/task/{engine.workers.lwp[1]}/stat").read_text()
    return int(text.rpartition(")")[2].split()[7])


def show(engine: Engine, what: str, wanted: str, do: Callable[[], object], undo: Callable[[], object]) -> None:
    """Do something several times, then as long nothing at all, for comparison. What the engine does itself it does each
    time; what the machine does, now and then.
    """
    done = []
    for repeat in range(REPEATS):
        if repeat:
            undo()
        done.append(watch(engine, do))
    took = min(each.took for each in done)
    say(what, f"{took:.2f} s", wanted)
    for each in done:
        say("  longest round of the worker meanwhile", str(each), "< 1 ms")
    say("  the same while nothing is changed", str(watch(engine, lambda: time.sleep(took))), "the machine's own")


def add_interfaces(engine: Engine) -> None:
    for _ in range(INTERFACES):
        engine[Loopbacks].create()


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        say("cold start to the first packet forwarded", f"{start_process(cache):.1f} s", "< 40 s")
        warm = sorted(start_process(cache) for _ in range(WARM_STARTS))
        found = f"{statistics.median(warm):.2f} s ({warm[0]:.2f} to {warm[-1]:.2f})"
        say("warm start to the first packet forwarded", found, "< 1 s")
    os.sched_setaffinity(0, {0})  # the worker's core is the worker's
    with Engine(workers=1, corelist=[1]) as engine:
        interfaces, generator = engine[Interfaces], engine[PacketGenerator]
        before = time.process_time()
        time.sleep(5)
        say("idle, of one core", f"{(time.process_time() - before) / 5:.2%}", "< 2 %")
        a, b = generator.create("pg0"), generator.create("pg1")
        for port in (a, b):
            interfaces.set_admin(port, True)
        for line in (
            "set interface ip address pg0 10.0.0.1/24",
            "set interface ip address pg1 10.0.1.1/24",
            f"set ip neighbor pg1 10.0.1.2 {mac(1, 0).hex(':')}",
            "ip route add 20.0.0.0/8 via 10.0.1.2 pg1",
            "create bridge-domain 1",
        ):
            engine.cli(line)
        target = [
            packet(ethernet(a.row.mac.to_bytes(6, "little"), mac(0, 1)), "10.0.0.2", f"20.0.0.{n}") for n in range(256)
        ]
        generator.add("load", a, target)
        generator.enable("load")
        prefixes = [f"20.{n >> 16}.{n >> 8 & 255}.{n & 255}/32" for n in range(0, 40 * MANY, 40)]
        ip4, fib = engine[Ip4], engine[L2Fib]
        show(
            engine,
            f"adding {MANY:,} routes",
            "< 2 s",
            lambda: ip4.add_routes(0, [(prefix, "10.0.1.2", b) for prefix in prefixes]),
            lambda: ip4.remove_routes(0, prefixes),
        )
        macs = [int.from_bytes(mac(1, n), "little") for n in range(MANY)]
        bridged = generator.create("pg2")
        engine.cli("set interface l2 bridge pg2 1")
        show(
            engine,
            f"adding {MANY:,} MACs",
            "< 2 s",
            lambda: fib.add_many(1, bridged, macs),
            lambda: fib.remove_all(sw_if_index=bridged.sw_if_index),
        )
        took = watch(engine, lambda: add_interfaces(engine))
        say(f"adding {INTERFACES:,} interfaces", f"{took.took:.2f} s", "")
        say("  longest round of the worker meanwhile", str(took), "")
        say("resident memory with all that", f"{resident():.0f} MiB", "< 400 MiB")


if __name__ == "__main__":
    main()
