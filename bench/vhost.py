"""``python -m bench.vhost``: packets through two vhost-user ports, in three switches on the same core.

A testpmd with two virtio-user ports, on core 0, sends what it receives by one port out by the other, for ever: what is
under way goes round. The switch on core 1 joins the two ports. It copies packets out of one guest's memory and into the
other's, which costs more than what the generator does, so the switch's core is what limits the rate: both cores poll
all the time, and the rates of switches can be compared. testpmd's own vhost port (``--forward-mode=io``) does nothing
but these copies. Rates are of both directions together, medians of several stretches, one after the other in turn.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import which

import click
from rich.console import Console
from rich.table import Table

SIZES = (64, 1518)  #: bytes on the wire, 4 of which are the check sequence, which DPDK does not count
FCS = 4
STRETCH = 0.5  #: seconds
STRETCHES = 5
BURSTS = 4  #: of 32 packets, that each port begins with
#: testpmd's destinations of what each port sends first.
PEERS = ("02:00:00:00:00:00", "02:00:00:00:00:01")
NAMES = ("VirtualEthernet0/0/0", "VirtualEthernet0/0/1")

Switch = Callable[[Path], "Iterator[None]"]


class Testpmd:
    """An interactive testpmd."""

    def __init__(self, name: str, core: int, vdevs: list[str], *ports: str) -> None:
        memory = ["--no-huge", "-m", "192", "--no-pci", f"--file-prefix={name}{os.getpid()}"]
        # Its commands are read on a core of their own; what forwards is alone on ``core``.
        where = ["--lcores", f"0@0,1@{core}"]
        devices = [f"--vdev={vdev}" for vdev in vdevs]
        self.process = subprocess.Popen(
            [
                "stdbuf",
                "-o0",
                "dpdk-testpmd",
                *memory,
                *where,
                *devices,
                "--",
                "-i",
                "--total-num-mbufs=8192",
                "--no-mlockall",
                *ports,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._said = b""

    def say(self, line: str) -> str:
        """What it answers."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return self._prompt(line)

    def _prompt(self, line: str) -> str:
        assert self.process.stdout is not None
        self._said = b""
        while not self._said.endswith(b"testpmd> "):
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                raise SystemExit(f"testpmd has ended at `{line}':\n{self._said.decode()}")
            self._said += more
        return self._said.decode()

    def ready(self) -> None:
        self._prompt("")

    def received(self) -> int:
        """Packets, at both ports."""
        return sum(map(int, re.findall(r"RX-packets: (\d+)", self.say("show port stats all"))))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def weft(folder: Path, bridge: bool) -> Iterator[None]:
    """Our engine, with one worker."""
    lines = []
    for name, path in zip(NAMES, ("a", "b"), strict=True):
        lines += [f"create vhost-user socket {folder}/{path}.sock server", f"set interface state {name} up"]
    for name, other, peer in zip(NAMES, reversed(NAMES), PEERS, strict=True):
        lines.append(f"set interface l2 bridge {name} 1" if bridge else f"set interface l2 xconnect {name} {other}")
        if bridge:
            # A port's packets go to the other one: testpmd numbers its destinations by the port that sends.
            lines.append(f"l2fib add {peer} 1 {other}")
    if bridge:
        lines.sort(key=lambda line: line.startswith("l2fib"))
    (folder / "bench.cli").write_text("\n".join(lines) + "\n")
    unix = f"unix {{ nodaemon runtime-dir {folder} cli-listen {folder}/cli.sock exec {folder}/bench.cli }}"
    cores = "cpu { main-core 0 corelist-workers 1 }"
    with running([sys.executable, "-m", "weft.main", *unix.split(), *cores.split()], folder / "b.sock"):
        yield


@contextmanager
def testpmd(folder: Path) -> Iterator[None]:
    """testpmd's vhost ports."""
    peer = Testpmd("peer", 1, [f"net_vhost{n},iface={folder}/{name}.sock" for n, name in enumerate("ab")])
    try:
        peer.ready()
        peer.say("start")
        yield
    finally:
        peer.close()


@contextmanager
def ovs(folder: Path) -> Iterator[None]:
    """Open vSwitch with DPDK, switching by MAC addresses."""
    environment = {**os.environ, **{f"OVS_{kind}DIR": str(folder) for kind in ("RUN", "DB", "LOG", "SYSCONF")}}

    def run(*command: str) -> None:
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=30)

    database, at = folder / "conf.db", f"unix:{folder}/db.sock"
    run("ovsdb-tool", "create", str(database), "/usr/share/openvswitch/vswitch.ovsschema")
    with ExitStack() as stack:
        stack.enter_context(
            running(["ovsdb-server", str(database), f"--remote=p{at}"], folder / "db.sock", environment)
        )
        ctl = ("ovs-vsctl", f"--db={at}", "--no-wait")
        options = {"dpdk-init": "true", "dpdk-extra": '"--no-huge -m 512 --no-pci"', "pmd-cpu-mask": "0x2"}
        options |= {"dpdk-lcore-mask": "0x1", "vhost-sock-dir": "."}
        run(*ctl, "init")
        run(*ctl, "set", "Open_vSwitch", ".", *(f"other_config:{key}={value}" for key, value in options.items()))
        run(*ctl, "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        for name in "ab":
            vhost = f"options:vhost-server-path={folder}/{name}.sock"
            kind = ("type=dpdkvhostuserclient", vhost)
            run(*ctl, "add-port", "br0", f"vhost-{name}", "--", "set", "Interface", f"vhost-{name}", *kind)
        program = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
        stack.enter_context(running([program, at, f"--log-file={folder}/ovs.log"], folder / "db.sock", environment))
        yield


@contextmanager
def running(command: list[str], until: Path, environment: dict[str, str] | None = None) -> Iterator[None]:
    """A process, from when it has made a file."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        deadline = time.monotonic() + 120
        while not until.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{command[0]} does not start")
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


#: What is measured: its name, the switch, and whether it connects to the generator instead of listening.
CASES: dict[str, tuple[Callable[[Path], object], bool]] = {
    "weft, cross-connect": (lambda folder: weft(folder, False), False),
    "testpmd, vhost port": (testpmd, False),
    "weft, bridge domain": (lambda folder: weft(folder, True), False),
    "OVS-DPDK, bridge": (ovs, True),
}


def rates(switch: Callable[[Path], object], client: bool, size: int, packed: bool) -> list[float]:
    """Millions of packets in a second, in each stretch."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        device = f"queue_size=256,packed_vq={int(packed)},mrg_rxbuf=1" + ",server=1" * client
        vdevs = [f"net_virtio_user{n},path={folder}/{each}.sock,{device}" for n, each in enumerate("ab")]
        if not client:
            stack.enter_context(switch(folder))  # type: ignore[arg-type]
        generator = Testpmd("generator", 0, vdevs, f"--txpkts={size - FCS}")
        stack.callback(generator.close)
        if client:
            stack.enter_context(switch(folder))  # type: ignore[arg-type]
        generator.ready()
        time.sleep(2)
        generator.say(f"start tx_first {BURSTS}")
        time.sleep(0.5)
        found = []
        for _ in range(STRETCHES):
            first, began = generator.received(), time.perf_counter()
            time.sleep(STRETCH)
            found.append((generator.received() - first) / (time.perf_counter() - began) / 1e6)
        return found


@click.command()
@click.option("--packed", is_flag=True, help="Packed rings in place of split ones.")
@click.option("--only", default="", help="Cases whose names have this in them.")
@click.option("--size", "sizes", type=int, multiple=True, default=SIZES, help="Bytes of a frame.")
def main(packed: bool, only: str, sizes: tuple[int, ...]) -> None:
    """Measure the switches that are there."""
    table = Table("switch", *(f"{size} bytes, Mpps" for size in sizes), box=None)
    for name, (switch, client) in CASES.items():
        if only not in name:
            continue
        if switch is ovs and not Path("/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk").exists():
            table.add_row(name, "not installed: openvswitch-switch-dpdk")
            continue
        row = []
        for size in sizes:
            try:
                row.append(f"{statistics.median(rates(switch, client, size, packed)):.2f}")
            except (SystemExit, subprocess.SubprocessError, OSError) as error:
                row.append(str(error).splitlines()[-1])
        table.add_row(name, *row)
    Console().print(table)


if __name__ == "__main__":
    if which("dpdk-testpmd") is None:
        raise SystemExit("there is no dpdk-testpmd: apt-get install dpdk-dev librte-net-virtio23 librte-net-vhost23")
    main()
