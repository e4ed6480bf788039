"""Hosts of the lab: network namespaces with an engine and an agent each, three wires and a management network.

    weft-os-h1                                  weft-os-h2
engine: host-eth0 ═══ physnet1: VLANs ═══ host-eth0
        host-eth1 ═══ physnet2: flat  ═══ host-eth1
        host-eth2 ═══ tunnels         ═══ host-eth2
          mgmt ─── weft-os-mgmt (a bridge; etcd, the database and the broker are behind it) ─── mgmt
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pyroute2 import IPRoute, NetlinkError, NetNS, netns

from weft_openstack.agent.forwarder import Forwarder, Lost, Refused
from weft_openstack.lab.process import Process

BRIDGE, HERE = "weft-os-mgmt", "10.254.254.1"
WIRES = ("eth0", "eth1", "eth2")
PHYSNETS = {"physnet1": "host-eth0", "physnet2": "host-eth1"}
STARTS_WITHIN = 300.0  #: seconds, where the engine has all to compile


def speaks(path: Path) -> bool:
    """Whether a forwarder answers at a socket: one that compiles has the socket, but no time."""

    async def ask() -> bool:
        forwarder = Forwarder(str(path), timeout=2)
        try:
            await forwarder.connect()
        except (Lost, Refused):
            return False
        finally:
            await forwarder.close()
        return True

    return path.exists() and asyncio.run(ask())


@dataclass(eq=False)
class Host:
    """One host. `inside` puts a command into its network."""

    number: int
    folder: Path
    store: Mapping[str, str]  #: options of [ml2_vpp] that say how to reach etcd
    tunnels: bool = True
    engine: Process = field(init=False)
    agent: Process = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.engine = Process(
            f"engine of {self.name}",
            self.inside(sys.executable, "-m", "weft.main", *self._stanzas()),
            self.folder / "engine.log",
            ready=lambda: speaks(self.folder / "api.sock"),
            seconds=STARTS_WITHIN,
        )
        configuration = self.folder / "agent.conf"
        configuration.write_text(self._configuration())
        self.agent = Process(
            f"agent of {self.name}",
            self.inside(sys.executable, "-m", "weft_openstack.agent", "--config-file", str(configuration)),
            self.folder / "agent.log",
        )

    @property
    def name(self) -> str:
        return f"h{self.number}"

    @property
    def namespace(self) -> str:
        return f"weft-os-{self.name}"

    @property
    def sockets(self) -> Path:
        return self.folder / "vhost-user"

    def inside(self, *command: str) -> tuple[str, ...]:
        """A command in the host's network, but with this machine's files: namespaces made there are seen here."""
        return ("nsenter", f"--net=/var/run/netns/{self.namespace}", *command)

    def _stanzas(self) -> list[str]:
        """The engine's startup configuration, with its uplinks."""
        lines = [
            line for wire in WIRES for line in (f"create host-interface name {wire}", f"set int st host-{wire} up")
        ]
        lines.append(f"set interface ip address host-eth2 192.0.2.{self.number}/24")
        startup = self.folder / "startup.cli"
        startup.write_text("\n".join(lines) + "\n")
        folder = self.folder
        return (
            f"unix {{ nodaemon log {folder}/vpp.log cli-listen {folder}/cli.sock runtime-dir {folder} "
            f"exec {startup} }} "
            f"socksvr {{ socket-name {folder}/api.sock }} statseg {{ socket-name {folder}/stats.sock }}"
        ).split()

    def _configuration(self) -> str:
        self.sockets.mkdir(exist_ok=True)
        options = dict(self.store) | {
            "physnets": ",".join(f"{physnet}:{interface}" for physnet, interface in PHYSNETS.items()),
            "vhost_user_dir": str(self.sockets),
            "api_socket": f"{self.folder}/api.sock",
            "state_dir": f"{self.folder}/state",
        }
        if self.tunnels:
            options["tunnel_address"] = f"192.0.2.{self.number}"
        lines = "\n".join(f"{name} = {value}" for name, value in options.items())
        return f"[DEFAULT]\nhost = {self.name}\n[ml2_vpp]\n{lines}\n"


def build(hosts: list[Host]) -> None:
    """Make the namespaces, the wires between two hosts, and the management network."""
    for host in hosts:
        netns.create(host.namespace)
    first, second = hosts
    with IPRoute() as here, NetNS(first.namespace) as one, NetNS(second.namespace) as two:
        here.link("add", ifname=BRIDGE, kind="bridge")
        bridge = here.link_lookup(ifname=BRIDGE)[0]
        here.addr("add", index=bridge, address=HERE, prefixlen=24)
        here.link("set", index=bridge, state="up")
        for wire in WIRES:
            one.link("add", ifname=wire, kind="veth", peer={"ifname": wire, "net_ns_fd": second.namespace})
            for end in (one, two):
                end.link("set", index=end.link_lookup(ifname=wire)[0], state="up")
        for host, end in ((first, one), (second, two)):
            port = f"weft-os-m{host.number}"
            here.link("add", ifname=port, kind="veth", peer={"ifname": "mgmt", "net_ns_fd": host.namespace})
            here.link("set", index=here.link_lookup(ifname=port)[0], state="up", master=bridge)
            mgmt = end.link_lookup(ifname="mgmt")[0]
            end.addr("add", index=mgmt, address=f"10.254.254.{10 + host.number}", prefixlen=24)
            end.link("set", index=mgmt, state="up")
            end.link("set", index=end.link_lookup(ifname="lo")[0], state="up")


def take_down() -> None:
    """Remove what `build` makes, and what Neutron's agents made in it: they leave dnsmasq and haproxy behind."""
    for name in netns.listnetns():
        if name.startswith(("weft-os-", "qdhcp-", "qrouter-")):
            listed = subprocess.run(("ip", "netns", "pids", name), capture_output=True, text=True, timeout=10)
            for pid in listed.stdout.split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            netns.remove(name)
    with IPRoute() as here, contextlib.suppress(NetlinkError):
        for index in here.link_lookup(ifname=BRIDGE):
            here.link("del", index=index)
