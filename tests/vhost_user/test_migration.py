"""A machine moves, while it is sent packets, from a QEMU at one engine to a QEMU at another."""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import re
import signal
import socket
import struct
import termios
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest
from pyroute2 import IPRoute
from tests.hosts import Host, Hosts
from tests.switch import wait
from tests.vhost_user.monitor import Monitor

from weft.lab.engine import LabEngine
from weft.lab.machine import Card, Machine

pytestmark = [pytest.mark.root, pytest.mark.slow]

MAC = "52:54:00:4c:47:f2"
GUEST, PEER, OTHER = "192.168.7.10", "192.168.7.1", "192.168.7.2"
SO_RCVBUFFORCE = 33
CARD = "VirtualEthernet0/0/0"
#: Where it is a multiple of 256 KiB, QEMU without KVM forgets pages that the machine has written (mended in QEMU 9.0,
#: "physmem: fix migration dirty bitmap coherency with TCG memory access").
MEMORY = "131080K"
ENGINE = """
create host-interface name {host}
create host-interface name {wire}
create vhost-user socket {socket} server {options}
set interface state host-{host} up
set interface state host-{wire} up
set interface state {card} up
set interface l2 bridge host-{host} 7
set interface l2 bridge host-{wire} 7
set interface l2 bridge {card} 7
"""


@dataclass
class Site:
    """An engine in a process of its own, with a host, a port for the machine, and the wire to the other site."""

    folder: Path
    host: Host
    wire: str
    options: str = ""
    engine: LabEngine = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        listing = self.folder / "listing.cli"
        listing.write_text(
            ENGINE.format(host=self.host.port, wire=self.wire, socket=self.socket, card=CARD, options=self.options)
        )
        here = self.folder
        self.engine = LabEngine(
            here, "engine", here / "cli.sock", listing, unix=f"runtime-dir {here}", stanzas="cpu { workers 1 }"
        )

    @property
    def socket(self) -> Path:
        return self.folder / "vm.sock"

    def machine(self, *arguments: str) -> Machine:
        options = ",packed=on" if self.options else ""
        monitor = f"unix:{self.folder}/monitor,server=on,wait=off"
        return Machine(Card(self.socket, MAC, options=options), arguments=("-qmp", monitor, *arguments), memory=MEMORY)

    def monitor(self) -> Monitor:
        return Monitor(self.folder / "monitor")

    @property
    def link(self) -> str:
        """Of the card: up while a driver uses it."""
        return self.engine.ctl("show", "hardware-interfaces", CARD).splitlines()[1].split()[2]

    @property
    def learned(self) -> str:
        """The interface behind which the machine is."""
        for line in self.engine.ctl("show", "l2fib", "all").splitlines():
            if line.split()[:1] == [MAC]:
                return line.split()[-1]
        return "nowhere"


class Sending:
    """A thread that sends a little at a time, from ``start`` until ``stop``."""

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.wait(self._pause):
            self.little()

    def little(self) -> None:
        raise NotImplementedError

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Stream(Sending):
    """Numbered datagrams from one host to another."""

    def __init__(self, source: Host, target: Host, address: str) -> None:
        super().__init__(0.01)
        self._address = address, 5002
        self._source = source.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._target = target.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._target.bind(self._address)
        self._target.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self._target.settimeout(0.5)
        self.sent = 0

    def little(self) -> None:
        self._source.sendto(struct.pack("!I", self.sent), self._address)
        self.sent += 1

    def came(self) -> list[int]:
        """Which have come, in their order."""
        came: list[int] = []
        with suppress(TimeoutError):
            while len(came) < self.sent:
                came += struct.unpack("!I", self._target.recv(100))
        return came


class Flow(Sending):
    """Data for the machine, by TCP."""

    def __init__(self, host: Host, port: int) -> None:
        super().__init__(0.005)
        self._socket = host.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.settimeout(30)
        self._socket.connect((GUEST, port))
        self._hash = hashlib.md5(usedforsecurity=False)
        self._random = random.Random(port)

    def little(self) -> None:
        self._send(4000)

    def much(self) -> None:
        """As much as the machine's kernel keeps for who does not read it. At the end it has got it all."""
        self._send(40_000)
        wait(lambda: fcntl.ioctl(self._socket, termios.TIOCOUTQ, bytes(4)) == bytes(4), 30)

    def _send(self, size: int) -> None:
        data = self._random.randbytes(size)
        self._hash.update(data)
        self._socket.sendall(data)

    def finish(self) -> str:
        """Send no more; the checksum that the machine should come to."""
        self.stop()
        self._socket.shutdown(socket.SHUT_WR)
        return self._hash.hexdigest()


@pytest.fixture(params=["", "packed"], ids=["split", "packed"])
def sites(request: pytest.FixtureRequest, hosts: Hosts, tmp_path: Path) -> Iterator[tuple[Site, Site]]:
    """Two engines, wired to each other; behind each a host."""
    wires = [f"wm{os.getpid()}{end}" for end in "ab"]
    with IPRoute() as ip:
        ip.link("add", ifname=wires[0], kind="veth", peer={"ifname": wires[1]})
    made: list[Site] = []
    try:
        for name, wire, address in zip(("here", "there"), wires, (PEER, OTHER), strict=True):
            host = hosts()
            host.address(address)
            made.append(Site(tmp_path / name, host, wire, request.param))
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda site: site.engine.start(), made))
        yield made[0], made[1]
    finally:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda site: site.engine.stop(), made))
        with IPRoute() as ip:
            for index in ip.link_lookup(ifname=wires[0]):
                ip.link("del", index=index)


#: In the machine: %1 and %2 receive what comes by TCP, %3 writes memory all the time.
RECEIVE = "nc -l -p 5001 < /dev/null > /tmp/waiting & nc -l -p 5003 < /dev/null > /tmp/going &"
WRITE = "(while true; do dd if=/dev/urandom of=/tmp/dirt bs=1M count=1; done) > /dev/null 2>&1 &"


def test_the_other_engine_is_killed_and_started_meanwhile(sites: tuple[Site, Site], tmp_path: Path) -> None:
    """The QEMU that waits for the machine connects again, and the machine has its network when it has come."""
    here, there = sites
    with here.machine() as machine, there.machine("-incoming", f"unix:{tmp_path}/move") as moved:
        machine.ready()
        monitor = here.monitor()
        machine.run(f"ip link set eth0 up && ip addr add {GUEST}/24 dev eth0 && ip route add default via {PEER}")
        wait(lambda: here.host.ping(GUEST), 30)
        monitor.set(max_bandwidth=1 << 20)  # it lasts until it is let go
        monitor("migrate", uri=f"unix:{tmp_path}/move")
        wait(lambda: monitor.passes() >= 1, 30)
        os.kill(there.engine.pid, signal.SIGKILL)
        there.engine.start()
        wait(lambda: "VHOST_USER_PROTOCOL_F_" in there.engine.ctl("show", "vhost-user"), 30)
        assert monitor.status == "active"
        monitor.set(max_bandwidth=1 << 30)
        wait(lambda: monitor.status == "completed", 30)
        wait(lambda: there.host.ping(GUEST), 30)
        wait(lambda: there.learned == CARD, 30)
        assert moved.ping(OTHER)
        monitor.close()


def test_a_machine_moves_under_traffic(sites: tuple[Site, Site], tmp_path: Path) -> None:
    """What the engine has written to it is with it: data that waited to be read, and a flow that went on."""
    here, there = sites
    with here.machine() as machine, there.machine("-incoming", f"unix:{tmp_path}/move") as moved:
        machine.ready()
        monitor = here.monitor()
        machine.run(f"ip link set eth0 up && ip addr add {GUEST}/24 dev eth0 && ip route add default via {PEER}")
        machine.run(RECEIVE)
        machine.run("until [ $(netstat -tln | grep -c ':500[13]') = 2 ]; do sleep 0.1; done")
        wait(lambda: here.host.ping(GUEST), 30)
        with (
            Stream(here.host, there.host, OTHER) as others,
            Flow(here.host, 5001) as waiting,
            Flow(here.host, 5003) as going,
        ):
            others.start()
            machine.run("kill -STOP %1")  # what comes for it stays where the engine has put it
            machine.run(WRITE)
            # What the machine writes itself keeps the migration from ending, once all memory has been sent.
            monitor.set(max_bandwidth=60 << 20, downtime_limit=1)
            monitor("migrate", uri=f"unix:{tmp_path}/move")
            wait(lambda: monitor.passes() >= 2, 30)
            monitor.set(max_bandwidth=16 << 20)
            waiting.much()
            going.start()
            time.sleep(0.3)
            monitor.set(max_bandwidth=1 << 30, downtime_limit=1000)
            wait(lambda: monitor.status == "completed", 30)

            wait(lambda: there.host.ping(GUEST), 30)
            wait(lambda: there.learned == CARD, 30)
            assert here.learned == f"host-{here.wire}"
            wait(lambda: (here.link, there.link) == ("down", "up"), 30)
            expected = [waiting.finish(), going.finish()]
            moved.run("kill %3; kill -CONT %1; wait")
            assert re.findall(r"\b[0-9a-f]{32}\b", moved.run("md5sum /tmp/waiting /tmp/going")) == expected
            others.stop()
            assert others.came() == list(range(others.sent)), "nobody else is disturbed"
        monitor.close()
