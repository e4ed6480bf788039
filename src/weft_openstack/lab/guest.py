"""A virtual machine of the lab as Nova makes it: a port on a host, and QEMU behind the port's socket."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from weft.lab.machine import Card, Console, MachineError, command
from weft_openstack.lab.node import Node
from weft_openstack.lab.process import Process, wait_for

BOOT_TIME = 300.0  #: seconds, three at a time without KVM on a processor that has other things to do
LEASE_TIME = 120.0
METADATA = "169.254.169.254"

#: What udhcpc calls, with what the server said in its environment (busybox: examples/udhcp/simple.script).
SCRIPT = """\
#!/bin/sh
case "$1" in bound|renew) ;; *) exit 0 ;; esac
ip addr flush dev $interface
ip addr add $ip/$mask dev $interface
[ -n "$mtu" ] && ip link set $interface mtu $mtu
[ -n "$router" ] && ip route add default via $router
exit 0
"""


@dataclass(frozen=True)
class Guest:
    """What is to be known of one: the node it runs in, its port as Neutron has it, where its console is."""

    name: str
    node: str
    instance: str
    port: str
    mac: str
    socket: str
    address: str
    network: str
    gateway: str

    def console_path(self, folder: Path) -> Path:
        return folder / f"{self.name}.console"

    def process(self, folder: Path, node: Node) -> Process:
        """QEMU, which listens on the port's socket."""
        console = self.console_path(folder)
        card = Card(Path(self.socket), self.mac, server=True)
        process = Process(
            self.name,
            (*command(card, f"unix:{console},server=on,wait=off"), "-name", self.name),
            folder / f"{self.name}.log",
            environment={"LC_ALL": "C"},
            ready=console.exists,
        )
        return node.take(process)

    @contextlib.contextmanager
    def console(self, folder: Path) -> Iterator[Console]:
        """Its serial line. One at a time can have it."""
        path = self.console_path(folder)
        with socket.socket(socket.AF_UNIX) as line:
            wait_for(lambda: line.connect_ex(str(path)) == 0, 30, f"the console of {self.name} ({path})")
            yield Console(line.fileno(), line.fileno())


def boot(console: Console) -> None:
    """Wait until the guest is there. Raises MachineError."""
    console.ready(BOOT_TIME)
    lines = "\n".join(f"echo {_quoted(line)} >> /tmp/lease" for line in SCRIPT.splitlines())
    console.run(f"rm -f /tmp/lease\n{lines}\nchmod +x /tmp/lease")


def _quoted(line: str) -> str:
    return "'" + line.replace("'", "'\\''") + "'"


def lease(console: Console) -> str:
    """Ask for an address by DHCP; which one it was. Raises MachineError."""
    console.run(
        "ip link set lo up && ip link set eth0 up && udhcpc -i eth0 -n -q -t 30 -T 3 -O mtu -s /tmp/lease", LEASE_TIME
    )
    found = re.search(r"inet ([\d.]+)/", console.run("ip -4 -o addr show dev eth0"))
    return found[1] if found else ""


def fetch(console: Console, path: str) -> str:
    """What the metadata address says. Raises MachineError."""
    # busybox's wget looks ports up by name, which a static glibc without NSS does not survive
    request = f"GET {path} HTTP/1.0\\r\\nHost: {METADATA}\\r\\n\\r\\n"
    said = console.run(f"printf '{request}' | nc -w 30 {METADATA} 80; echo", 60)
    head, _, body = said.partition("\n\n")
    if " 200 OK" not in head:
        raise MachineError(f"{METADATA} answered:\n{said}")
    return body.splitlines()[0] if body else ""


def save(folder: Path, guests: list[Guest]) -> None:
    """Note them for those who come later."""
    (folder / "guests.json").write_text(json.dumps([asdict(guest) for guest in guests], indent=1))


def load(folder: Path) -> list[Guest]:
    """The guests that were noted."""
    path = folder / "guests.json"
    return [Guest(**each) for each in json.loads(path.read_text())] if os.path.exists(path) else []
