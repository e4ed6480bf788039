"""The lab's virtual machines, which go on running when the command that started them has ended.

vm00 has a card that is a trunk: eth0.2 and eth0.3. vm01 has an access port on VLAN 3.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from weft.lab.machine import Card, Console, MachineError, command
from weft.lab.terminal import converse


@dataclass(frozen=True)
class Guest:
    """A machine; ``setup`` is what is typed into it once it has booted."""

    name: str
    mac: str
    addresses: dict[str, str]  #: by interface
    setup: tuple[str, ...]

    @property
    def card(self) -> Card:
        return Card(Path(f"/tmp/{self.name}.sock"), self.mac)

    def file(self, folder: Path, kind: str) -> Path:
        return folder / f"{self.name}.{kind}"


def _vlan(number: int, address: str) -> str:
    name = f"eth0.{number}"
    return (
        f"ip link add link eth0 name {name} type vlan id {number}"
        f" && ip addr add {address}/24 dev {name} && ip link set {name} up"
    )


GUESTS = (
    Guest(
        "vm00",
        "52:54:00:4c:47:f2",
        {"eth0.2": "192.168.2.20", "eth0.3": "192.168.3.20"},
        (
            "ip link set eth0 up",
            _vlan(2, "192.168.2.20"),
            _vlan(3, "192.168.3.20"),
            "ip route add default via 192.168.2.1",
        ),
    ),
    Guest(
        "vm01",
        "52:54:00:4c:47:f3",
        {"eth0": "192.168.3.21"},
        (
            "ip link set eth0 up",
            "ip addr add 192.168.3.21/24 dev eth0",
            "ip route add default via 192.168.3.1",
        ),
    ),
)


def start(guest: Guest, folder: Path) -> None:
    """Boot a machine in the background; its console is a socket. Raises MachineError."""
    console, pid = guest.file(folder, "console"), guest.file(folder, "pid")
    serial = f"unix:{console},server=on,wait=off"
    done = subprocess.run(
        [*command(guest.card, serial), "-daemonize", "-pidfile", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise MachineError(f"{guest.name} does not start: {done.stderr.strip()}")


def connect(guest: Guest, folder: Path) -> socket.socket:
    """Its console's line."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(str(guest.file(folder, "console")))
    return line


def shell(guest: Guest, folder: Path) -> Console:
    """Its shell, once it has booted; the line stays open as long as this process. Raises MachineError."""
    line = connect(guest, folder).detach()
    console = Console(line, line)
    console.ready()
    return console


def attach(guest: Guest, folder: Path) -> None:
    """Be the guest's terminal until Ctrl-] is typed."""
    with connect(guest, folder) as line:
        converse(line, guest.name)


def remove(folder: Path) -> list[str]:
    """End what runs; the names of what did."""
    gone = []
    for guest in GUESTS:
        file = guest.file(folder, "pid")
        try:
            pid = int(file.read_text())
            mine = f"path={guest.card.socket}".encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        if mine:
            os.kill(pid, signal.SIGKILL)
            deadline = time.monotonic() + 10
            while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            gone.append(guest.name)
        for kind in ("pid", "console"):
            guest.file(folder, kind).unlink(missing_ok=True)
    return gone
