"""A host of the lab: a node with an engine, an agent and, on a network node, Neutron's agents.

The hosts are joined by one wire, ``eth1``, which the engine has as ``host-eth1``: physical network ``physnet1``, with
flat networks untagged and VLAN networks tagged. Tunnels end at an address of the engine, on a VLAN of the same wire.
``eth0`` is the management network, where etcd, the broker and Neutron are.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from weft_openstack.lab.engine import engine
from weft_openstack.lab.node import Node, cable
from weft_openstack.lab.process import Process

BIN = Path(sys.executable).parent
PHYSNET, UPLINK = "physnet1", "host-eth1"
TUNNEL_VLAN = 4000  #: beyond those that networks get

STARTUP = """
create host-interface name eth1 hw-addr {mac}
set interface state host-eth1 up
create sub-interfaces host-eth1 {vlan}
set interface state host-eth1.{vlan} up
set interface ip address host-eth1.{vlan} {tunnel}/24
"""


@dataclass(eq=False)
class Controller:
    """The node of etcd, MariaDB, RabbitMQ and Neutron: its own, and the management network's middle."""

    folder: Path
    node: Node = field(init=False)
    address = "10.254.0.1"

    def __post_init__(self) -> None:
        self.node = Node("controller", self.folder)

    def start(self) -> None:
        self.node.start()
        self.node.run("ip", "link", "add", "management", "type", "bridge")
        self.node.run("ip", "addr", "add", f"{self.address}/24", "dev", "management")
        self.node.run("ip", "link", "set", "management", "up")


@dataclass(eq=False)
class Host:
    """One host, by its number."""

    number: int
    lab: Path
    node: Node = field(init=False)
    folder: Path = field(init=False)
    engine: Process = field(init=False)
    agent: Process = field(init=False)

    def __post_init__(self) -> None:
        self.node = Node(self.name, self.lab)
        self.folder = self.lab / self.name
        self.engine = engine(f"engine of {self.name}", self.folder)
        self.agent = Process(
            f"agent of {self.name}",
            (str(BIN / "weft-agent"), "--config-file", str(self.configuration)),
            self.folder / "agent.log",
        )

    @property
    def name(self) -> str:
        return f"host{self.number}"

    @property
    def tunnel_address(self) -> str:
        return f"10.254.1.{10 + self.number}"

    @property
    def mac(self) -> str:
        """The uplink's, which stays when the engine starts anew, as a network card's does: its neighbors know it."""
        return f"02:fe:0a:fe:01:{10 + self.number:02x}"

    @property
    def configuration(self) -> Path:
        return self.folder / "agent.conf"

    def start(self, controller: Controller) -> None:
        """Make the node, with its cable to the management network."""
        self.folder.mkdir()
        self.node.start()
        cable(self.node, "eth0", controller.node, self.name)
        controller.node.run("ip", "link", "set", self.name, "master", "management")
        self.node.run("ip", "addr", "add", f"10.254.0.{10 + self.number}/24", "dev", "eth0")

    def configure(self, store: Mapping[str, str]) -> None:
        """Write what engine and agent read; `store` are the options that say how to reach etcd."""
        sockets = self.folder / "vhost-user"
        sockets.mkdir()
        startup = STARTUP.format(mac=self.mac, vlan=TUNNEL_VLAN, tunnel=self.tunnel_address)
        (self.folder / "startup.cli").write_text(startup.lstrip())
        options = dict(store) | {
            "physnets": f"{PHYSNET}:{UPLINK}",
            "tunnel_address": self.tunnel_address,
            "vhost_user_dir": str(sockets),
            "api_socket": f"{self.folder}/api.sock",
            "state_dir": f"{self.folder}/state",
        }
        lines = "".join(f"{name} = {value}\n" for name, value in options.items())
        self.configuration.write_text(f"[DEFAULT]\nhost = {self.name}\n[ml2_vpp]\n{lines}")


def connect(first: Host, second: Host) -> None:
    """The wire between two hosts. Linux has no addresses there: it is the engines'."""
    for host in (first, second):
        host.node.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
    cable(first.node, "eth1", second.node, "eth1")
    for host in (first, second):
        host.node.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=0")


NEUTRON_AGENTS = ("dhcp-agent", "l3-agent", "metadata-agent")
CONFIGURATION = """
[DEFAULT]
host = {host}
interface_driver = weft
transport_url = {transport}
state_path = {folder}
metadata_proxy_socket = {folder}/metadata_proxy
nova_metadata_host = {metadata_host}
nova_metadata_port = {metadata_port}
metadata_proxy_shared_secret = {secret}
metadata_workers = 2
[agent]
root_helper = env
use_helper_for_ns_read = false
report_interval = 10
[oslo_concurrency]
lock_path = {folder}/locks
"""


def network_agents(host: Host, transport: str, metadata: tuple[str, int], secret: str) -> list[Process]:
    """Neutron's own agents, with our interface driver. They are root here, so that their ``root_helper`` has nothing
    to do; elsewhere it is ``sudo neutron-rootwrap /etc/neutron/rootwrap.conf``."""
    folder = host.folder / "neutron"
    folder.mkdir()
    configuration = host.folder / "neutron-agents.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(
        CONFIGURATION.format(
            host=host.name,
            transport=transport,
            folder=folder,
            metadata_host=metadata[0],
            metadata_port=metadata[1],
            secret=secret,
        )
    )
    return [
        host.node.take(
            Process(
                f"Neutron's {name} on {host.name}",
                (str(BIN / f"neutron-{name}"), "--config-file", str(configuration)),
                host.folder / f"neutron-{name}.log",
                environment={"PATH": f"{BIN}:{os.environ['PATH']}:/usr/sbin:/sbin"},
            )
        )
        for name in NEUTRON_AGENTS
    ]
