"""The engine is killed under a machine's traffic, and the machine under the engine's."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from tests.hosts import Host, Hosts
from tests.switch import Switch, wait
from tests.vhost_user.engine import Engine

from weft.features.interface.model import Interfaces
from weft.lab.machine import Card, Machine

NAME = "VirtualEthernet0/0/0"
CONFIGURATION = """
create vhost-user socket {path} hwaddr 02:fe:00:00:00:07
set interface state VirtualEthernet0/0/0 up
set interface ip address VirtualEthernet0/0/0 192.168.7.1/24
"""


BRIDGED = """
create vhost-user socket {path} hwaddr 02:fe:00:00:00:07
create host-interface name {port}
set interface state VirtualEthernet0/0/0 up
set interface state host-{port} up
set interface l2 xconnect VirtualEthernet0/0/0 host-{port}
set interface l2 xconnect host-{port} VirtualEthernet0/0/0
"""
PEER = "192.168.7.1"
FLOWS = 4  #: pings at a time, each as fast as it gets answers
ECHO_REQUEST = 8


class Requests:
    """The echo requests that come to a host: their number in the flow that they belong to."""

    def __init__(self, host: Host) -> None:
        self._wire = host.wire()
        self.flows: dict[bytes, list[int]] = {}

    def read(self) -> int:
        """How many have come in all."""
        for frame in self._wire.receive(0.01):
            packet = frame[14:]
            if frame[12:14] == b"\x08\x00" and packet[9] == 1 and packet[20] == ECHO_REQUEST:
                self.flows.setdefault(packet[24:26], []).append(int.from_bytes(packet[26:28], "big"))
        return sum(map(len, self.flows.values()))


def test_a_killed_engine_serves_the_machine_again(tmp_path: Path, hosts: Hosts) -> None:
    """It connects as a client, so that the machine need not do anything. Nothing comes twice, either way, and all
    that the machine has sent is given back to it.
    """
    path, host = tmp_path / "vm.sock", hosts()
    host.address(PEER)
    requests = Requests(host)
    engine = Engine(tmp_path, BRIDGED.format(path=path, port=host.port))
    with Machine(Card(path, "52:54:00:4c:47:f2", server=True)) as machine:
        try:
            engine.start()
            machine.ready()
            machine.run("ip link set eth0 up && ip addr add 192.168.7.10/24 dev eth0")
            assert machine.ping(PEER)
            machine.run(f"for i in $(seq {FLOWS}); do ping -A -W 1 -s 1000 {PEER} > /tmp/pings$i & done")
            for _ in range(2):
                before = requests.read()
                wait(lambda before=before: requests.read() > before + 500)
                engine.kill()
                engine.start()
                machine.run(f"until ping -c 1 -W 1 {PEER}; do true; done")
            before = requests.read()
            wait(lambda before=before: requests.read() > before + 500)
            machine.run("killall -INT ping; sleep 1")
            requests.read()
            for flow in requests.flows.values():
                assert flow == sorted(set(flow)), "nothing comes twice"
            answers = re.findall(r"(?m)^.* seq=(\d+)", machine.run("cat /tmp/pings1"))
            assert len(answers) == len(set(answers)), "nothing is answered twice"
            sent = engine.show("show vhost-user").partition("Virtqueue 1 (TX)")[2]
            indices = re.search(r"avail.idx (\d+) .*used.idx (\d+)", sent)
            assert indices is not None and indices[1] == indices[2]
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
