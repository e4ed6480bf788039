"""The engine is killed under a machine's traffic, and the machine under the engine's."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.switch import Switch, wait

from weft.features.interface.model import Interfaces
from weft.lab.machine import Card, Machine

NAME = "VirtualEthernet0/0/0"
CONFIGURATION = """
create vhost-user socket {path} hwaddr 02:fe:00:00:00:07
set interface state VirtualEthernet0/0/0 up
set interface ip address VirtualEthernet0/0/0 192.168.7.1/24
"""


class Engine:
    """An engine as a process of its own."""

    def __init__(self, folder: Path, configuration: str) -> None:
        self.folder = folder
        (folder / "startup.cli").write_text(configuration)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        here = self.folder
        unix = f"unix {{ nodaemon runtime-dir {here} cli-listen {here}/cli.sock exec {here}/startup.cli }}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "weft.main", *unix.split()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


def test_a_killed_engine_serves_the_machine_again(tmp_path: Path) -> None:
    """It connects as a client, so that the machine need not do anything."""
    socket = tmp_path / "vm.sock"
    engine = Engine(tmp_path, CONFIGURATION.format(path=socket))
    with Machine(Card(socket, "52:54:00:4c:47:f2", server=True)) as machine:
        try:
            engine.start()
            machine.ready()
            machine.run("ip link set eth0 up && ip addr add 192.168.7.10/24 dev eth0")
            assert machine.ping("192.168.7.1")
            machine.run("ping -i 0.05 192.168.7.1 > /tmp/pings & sleep 1")
            for _ in range(2):
                engine.kill()
                engine.start()
                # The first answers fall to the engine's asking for the machine's address.
                machine.run("until ping -c 1 -W 1 192.168.7.1; do true; done")
            machine.run("killall -INT ping; sleep 1")
            answers = re.findall(r"seq=(\d+)", machine.run("cat /tmp/pings"))
            assert len(answers) == len(set(answers)), "nothing is sent twice"
        finally:
            engine.kill()


def test_a_machine_that_is_killed_makes_room_for_the_next(switch: Switch, tmp_path: Path) -> None:
    switch.cli(CONFIGURATION.format(path=f"{tmp_path}/vm.sock server"))
    interface = switch.engine[Interfaces][NAME]
    for _ in range(2):
        with Machine(Card(tmp_path / "vm.sock", "52:54:00:4c:47:f2")) as machine:
            machine.ready()
            machine.run("ip link set eth0 up && ip addr add 192.168.7.10/24 dev eth0")
            assert machine.ping("192.168.7.1")
            assert interface.link_up
            os.kill(machine.pid, signal.SIGKILL)
            wait(lambda: not interface.link_up, 30)
    assert "up" in switch.cli(f"show interface {NAME}")
