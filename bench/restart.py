"""``python -m bench.restart``: how long a virtual machine is without network when the engine is killed and started.

QEMU listens, the engine connects. The guest pings its gateway a hundred times a second, and notes by its own clock when
answers come; what is printed is seconds from the engine's start to the first answer.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from weft.lab.machine import Card, Machine

TIMES = 5
CONFIGURATION = """
create vhost-user socket {folder}/vm.sock hwaddr 02:fe:00:00:00:07
set interface state VirtualEthernet0/0/0 up
set interface ip address VirtualEthernet0/0/0 192.168.7.1/24
"""
NOTE = "while read -r line; do read -r up rest < /proc/uptime; echo $up $line; done"


def start(folder: Path) -> subprocess.Popen[bytes]:
    """The engine; it connects at once."""
    unix = f"unix {{ nodaemon runtime-dir {folder} cli-listen {folder}/cli.sock exec {folder}/startup.cli }}"
    return subprocess.Popen(
        [sys.executable, "-m", "weft.main", *unix.split()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def clock(machine: Machine) -> float:
    """What is to be added to the guest's clock."""
    readings = []
    for _ in range(5):
        before = time.monotonic()
        up = re.search(r"(\d+\.\d+) \d", machine.run("cat /proc/uptime"))
        after = time.monotonic()
        assert up is not None
        readings.append((after - before, (before + after) / 2 - float(up[1])))
    return min(readings)[1]


def measure(machine: Machine, engine: subprocess.Popen[bytes], folder: Path) -> tuple[subprocess.Popen[bytes], float]:
    """The new engine, and seconds from its start to the first answer."""
    machine.run(f"(ping -i 0.01 192.168.7.1 | {NOTE} > /tmp/answers) & sleep 1")
    offset = clock(machine)
    engine.kill()
    engine.wait()
    time.sleep(1.5)
    began = time.monotonic()
    engine = start(folder)
    time.sleep(5)
    machine.run("killall ping; sleep 0.2")
    times = [float(each) + offset for each in re.findall(r"([\d.]+) 64 bytes", machine.run("cat /tmp/answers"))]
    return engine, min((each for each in times if each > began), default=float("nan")) - began


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "startup.cli").write_text(CONFIGURATION.format(folder=folder))
        with Machine(Card(folder / "vm.sock", "52:54:00:4c:47:f2", server=True)) as machine:
            engine = start(folder)
            try:
                machine.ready()
                machine.run("ip link set eth0 up && ip addr add 192.168.7.10/24 dev eth0")
                if not machine.ping("192.168.7.1"):
                    raise SystemExit("the machine has no network to begin with")
                for _ in range(TIMES):
                    engine, seconds = measure(machine, engine, folder)
                    print(f"network back {seconds:.2f} s after the start", flush=True)
            finally:
                engine.kill()
                engine.wait()


if __name__ == "__main__":
    main()
