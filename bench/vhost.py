"""``python -m bench.vhost``: packets through two vhost-user ports, in several switches on the same core.

A testpmd with two virtio-user ports, the generator, sends on core 0 what it receives by one port out by the other, for
ever: a fixed number of packets goes round, fewer than a ring holds, so none is ever dropped. The switch on core 1 joins
the two ports. It does all the copying, out of one guest's memory and into the other's, which takes longer than what
the generator does: packets wait for it, its vectors are full, and its core is what limits the rate. That this is so
shows in the last column, the part of its core's time that the generator needed.

All switches, each with a generator of its own, are started once. Then they run in turns, the others being stopped
(``SIGSTOP``), so that whatever else the machine does meanwhile falls on all of them. Rates are of both directions
together, medians of all turns. Clocks are those that the switch itself counts for each packet.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench.vhost_programs import HugePages, Testpmd, Unavailable, lead
from bench.vhost_switches import SOCKETS, OpenVSwitch, Switch, TestpmdVhost, Weft, WeftBridge

SIZES = (64, 1518)  #: bytes on the wire, 4 of which are the check sequence, which DPDK does not count
FCS = 4
BURSTS = 3  #: of 32 packets, that each port begins with: 192 go round, and a ring holds 256
RING = 256
TURN = 0.4  #: seconds
DRAIN = 0.05  #: seconds in which packets of the last size come home
WARM = 0.1  #: seconds before a turn is counted
PAGES = 640  #: of 2 MB, for all programs; most of them are Open vSwitch's


@dataclass(frozen=True)
class Case:
    """A switch; ``beside``: the one that it is compared with."""

    name: str
    kind: type[Switch]
    beside: str = ""


CASES = (
    Case("weft, cross-connect", Weft, "testpmd, vhost ports"),
    Case("testpmd, vhost ports", TestpmdVhost),
    Case("weft, bridge domain", WeftBridge, "OVS-DPDK, bridge"),
    Case("OVS-DPDK, bridge", OpenVSwitch),
)


@dataclass
class Figures:
    """Of one switch, for one size."""

    rates: list[float] = field(default_factory=list)  # millions of packets a second
    clocks: float = float("nan")  # of the switch's core, a packet
    generator: float = float("nan")  # part of its core's time that the generator took

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    def row(self, beside: Figures | None) -> list[str]:
        """As the table shows them: the ratio is to another switch's rate."""
        spread = f"{self.rate:.2f} ({min(self.rates):.2f} - {max(self.rates):.2f})"
        ratio = f"{self.rate / beside.rate:.2f}" if beside is not None else ""
        return [spread, ratio, f"{self.clocks:.0f}", f"{self.generator:.0%}"]


class Pair:
    """A switch and its generator. They run between ``let_go`` and ``hold``."""

    def __init__(self, case: Case, packed: bool, memory: list[str], stack: ExitStack) -> None:
        """Start both; they end with the stack. Raises Unavailable."""
        self.case = case
        with ExitStack() as mine:
            folder = Path(mine.enter_context(tempfile.TemporaryDirectory(prefix="vhost-")))
            device = f"queue_size={RING},packed_vq={int(packed)},mrg_rxbuf=1" + ",server=1" * case.kind.client
            vdevs = [f"net_virtio_user{n},path={folder}/{each},{device}" for n, each in enumerate(SOCKETS)]
            self.switch = case.kind(folder, memory)
            mine.callback(self.switch.close)
            if not case.kind.client:  # who listens is first
                self.switch.start()
            self.generator = Testpmd(folder, "generator", 0, memory, vdevs)
            mine.callback(self.generator.close)
            if case.kind.client:
                self.switch.start()
            self.generator.ready()
            self.generator.until(self._connected, "its ports have no link")
            self.hold()
            stack.push(mine.pop_all())

    def _connected(self) -> bool:
        return self.generator.say("show port summary all").count(" up") == len(SOCKETS)

    def hold(self) -> None:
        for program in (self.generator, *self.switch.programs):
            program.hold()

    def let_go(self) -> None:
        for program in (*self.switch.programs, self.generator):
            program.let_go()

    def turn(self, size: int, figures: Figures, *, clocks: bool = False) -> None:
        """Run for a while with packets of one size. ``clocks``: it is these that are wanted, not the rate: asking for
        them takes some of the generator's core.
        """
        self.let_go()
        self._fill(size)
        time.sleep(WARM)
        if clocks:
            self.switch.forget()
            self.generator.forget()
            began = time.perf_counter()
            time.sleep(TURN)
            figures.generator = self.generator.busy() / (time.perf_counter() - began)
            figures.clocks = self.switch.clocks()
        else:
            first, began = self.generator.packets(), time.perf_counter()
            time.sleep(TURN)
            figures.rates.append((self.generator.packets() - first) / (time.perf_counter() - began) / 1e6)
        self.hold()

    def _fill(self, size: int) -> None:
        """Let packets of a size go round, and no others."""
        lines = ("stop", "set fwd rxonly", "start")
        again = ("stop", "set fwd io", f"set txpkts {size - FCS}", f"start tx_first {BURSTS}")
        for line in lines:
            self.generator.say(line)
        time.sleep(DRAIN)
        for line in again:
            self.generator.say(line)


def measure(pairs: list[Pair], size: int, turns: int) -> dict[str, Figures]:
    """All pairs in turns, by the names of their cases."""
    found = {pair.case.name: Figures() for pair in pairs}
    for turn in range(turns + 1):
        for pair in pairs:
            pair.turn(size, found[pair.case.name], clocks=turn == turns)
    return found


def compare(packed: bool, cases: list[Case], sizes: tuple[int, ...], turns: int) -> Table:
    """All switches with one kind of ring."""
    table = Table("ring", "bytes", "switch", "Mpps (least - most)", "ratio", "clocks", "generator", box=None)
    with ExitStack() as stack:
        pages = HugePages(PAGES)
        stack.callback(pages.close)
        memory = ["--in-memory", "--single-file-segments"] if pages.enough else ["--no-huge"]
        pairs = []
        for case in cases:
            try:
                pairs.append(Pair(case, packed, [*memory, "-m", "96"], stack))
            except Unavailable as why:
                table.add_row("packed" if packed else "split", "", case.name, str(why))
        for size in sizes:
            found = measure(pairs, size, turns)
            for case in cases:
                if case.name in found:
                    row = found[case.name].row(found.get(case.beside))
                    table.add_row("packed" if packed else "split", str(size), case.name, *row)
    return table


@click.command()
@click.option("--ring", type=click.Choice(["split", "packed", "both"]), default="both", help="Which rings guests use.")
@click.option("--only", default="", help="Cases whose names have this in them, or one of these with | between them.")
@click.option("--size", "sizes", type=int, multiple=True, default=SIZES, help="Bytes of a frame.")
@click.option("--turns", default=5, help="How often each switch has its turn.")
def main(ring: str, only: str, sizes: tuple[int, ...], turns: int) -> None:
    """Measure the switches that are there."""
    # Whoever ends this ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    if shutil.which("dpdk-testpmd") is None:
        raise SystemExit("there is no dpdk-testpmd: apt-get install dpdk-dev librte-net-virtio23 librte-net-vhost23")
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("this needs two processors: one for the generator, one for the switch")
    lead()
    cases = [case for case in CASES if any(word in case.name for word in only.split("|"))]
    for packed in (False, True):
        if ring in ("both", "packed" if packed else "split"):
            try:
                Console(width=120).print(compare(packed, cases, sizes, turns))
            except Unavailable as why:
                raise SystemExit(str(why)) from None


if __name__ == "__main__":
    main()
