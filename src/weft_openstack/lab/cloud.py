"""The whole lab: the services, the hosts, and what Neutron is asked for."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weft.lab.image import image
from weft_openstack.lab import guest as guests
from weft_openstack.lab.broker import RabbitMq
from weft_openstack.lab.certificates import Authority
from weft_openstack.lab.guest import Guest
from weft_openstack.lab.hosts import BIN, NEUTRON_AGENTS, Controller, Host, connect, network_agents
from weft_openstack.lab.node import Node
from weft_openstack.lab.process import NotReady, Process, answers, wait_for
from weft_openstack.lab.services import EtcdServer, MariaDb, Neutron
from weft_openstack.store import roles

API_PORT, DATABASE_PORT, BROKER_PORT, METADATA_PORT, ETCD_PORT = 9696, 3306, 5672, 8775, 2379
QUEUES = ("q-plugin", "q-reports-plugin", "q-l3-plugin")  #: what the agents ask Neutron through
AGENTS_WITHIN = 180.0
MARK = "weft-lab"  #: a file that says that a folder is ours to remove


@dataclass(eq=False)
class Cloud:
    """A lab in a folder. `say` is told each step."""

    folder: Path
    say: Callable[[str], None] = print
    controller: Controller = field(init=False)
    hosts: tuple[Host, ...] = field(init=False)
    neutron: Neutron = field(init=False)

    def __post_init__(self) -> None:
        self.controller = Controller(self.folder)
        self.hosts = (Host(1, self.folder), Host(2, self.folder))

    @property
    def nodes(self) -> list[Node]:
        return [self.controller.node, *(host.node for host in self.hosts)]

    def node(self, name: str) -> Node:
        """The node of a name. Raises NotReady."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise NotReady(f"there is no node {name}; there are {', '.join(node.name for node in self.nodes)}")

    # up and down

    def down(self) -> list[str]:
        """End all that runs and remove all that was made. What there was."""
        gone = [node.name for node in self.nodes if node.stop()]
        if (self.folder / MARK).exists():
            shutil.rmtree(self.folder)
            gone.append(str(self.folder))
        return gone

    @contextmanager
    def up(self) -> Iterator[None]:
        """Start all, and be in the controller's network. Raises NotReady; what runs then goes on running."""
        if gone := self.down():
            self.say("Taken away, to begin anew: " + ", ".join(gone))
        self._claim()
        self.say("The virtual machines' image")
        image()  # while we are where Debian can be reached
        self.say("Nodes: controller, " + ", ".join(host.name for host in self.hosts))
        self.controller.start()
        for host in self.hosts:
            host.start(self.controller)
        connect(*self.hosts)
        with self.controller.node.network():
            self._etcd()
            self._engines()
            self._services()
            self._agents()
            yield

    def _claim(self) -> None:
        if self.folder.exists() and any(self.folder.iterdir()):
            raise NotReady(f"{self.folder} holds files that are not the lab's; name another folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)  # dnsmasq gives its rights up, and reads its files again later
        (self.folder / MARK).touch()

    def _start(self, *processes: Process) -> None:
        for process in processes:
            self.controller.node.take(process).start()

    def _etcd(self) -> None:
        self.say("etcd, with TLS, a certificate for each user, and a role for each host")
        address = self.controller.address
        self.authority = Authority(self.folder / "certificates")
        server = self.authority.server(address, "127.0.0.1")
        self.etcd = EtcdServer(self.folder, tls=server, address=address, port=ETCD_PORT, peer=ETCD_PORT + 1)
        self._start(self.etcd.process)
        root = self._configuration("etcd-root.conf", self._store("root"))
        command = ("weft-neutron", "--config-file", str(root), "roles", *(host.name for host in self.hosts))
        passwords = ("--certificates", "--enable", "--passwords", str(self.folder / "passwords"))
        self._tool(*command, *passwords)

    def _tool(self, name: str, *arguments: str, seconds: float = 120) -> str:
        return self.controller.node.run(str(BIN / name), *arguments, seconds=seconds)

    def _store(self, user: str) -> dict[str, str]:
        """The options that say how to reach etcd as a user, who shows a certificate."""
        cert, key = self.authority.client(user)
        return {
            "etcd_host": self.controller.address,
            "etcd_port": str(ETCD_PORT),
            "etcd_ca_cert": self.authority.file,
            "etcd_cert": cert,
            "etcd_key": key,
        }

    def _configuration(self, name: str, options: dict[str, str], more: str = "") -> Path:
        path = self.folder / name
        path.write_text("[ml2_vpp]\n" + "".join(f"{key} = {value}\n" for key, value in options.items()) + more)
        return path

    def _engines(self) -> None:
        self.say("Engines; where machine code is not cached yet, it is compiled, which can take minutes")
        for host in self.hosts:
            host.configure(self._store(roles.agent(host.name)))
            host.node.take(host.engine).start()  # the second finds what the first has compiled
            _check_startup(host)

    def _services(self) -> None:
        self.say("MariaDB and RabbitMQ")
        database = self.database = MariaDb(self.folder, DATABASE_PORT)
        self.controller.node.take(database.process)
        database.prepare()
        self.broker = RabbitMq(self.folder, self.controller.address, BROKER_PORT)
        self._start(self.broker.process)
        self.say("Neutron: its tables, the API, the RPC server, the periodic workers")
        self.neutron = Neutron(
            self.folder,
            Path(sys.prefix),
            database.url,
            self._store(roles.DRIVER),
            transport=self.broker.url,
            dhcp=True,
            port=API_PORT,
        )
        self.neutron.migrate()
        self.neutron.rpc.ready = lambda: self.broker.has_queues(*QUEUES)
        self.neutron.rpc.seconds = self.neutron.api.seconds = 180
        processes = (self.neutron.api, self.neutron.rpc, self.neutron.periodic)
        for process in processes:
            self.controller.node.take(process).begin()
        for process in processes:
            process.wait()
        reader = self._store(roles.READER)
        for host in self.hosts:
            options = reader | {"api_socket": f"{host.folder}/api.sock"}
            self._configuration(f"{host.name}/status.conf", options, f"[database]\nconnection = {database.url}\n")

    def _agents(self) -> None:
        network_node = self.hosts[0]
        self.say(f"Agents on each host; Neutron's DHCP, L3 and metadata agents on {network_node.name}")
        secret = secrets.token_urlsafe(16)
        file = self.folder / "metadata.secret"
        file.touch(mode=0o600)
        file.write_text(secret)
        place = (self.controller.address, METADATA_PORT)
        arguments = (place[0], str(place[1]), str(file))
        metadata = Process(
            "metadata service",
            (sys.executable, "-m", "weft_openstack.lab.metadata", *arguments),
            self.folder / "metadata.log",
            ready=lambda: answers(METADATA_PORT, place[0]),
        )
        self._start(metadata)
        for host in self.hosts:
            host.node.take(host.agent).begin()
        theirs = network_agents(network_node, self.broker.url, place, secret)
        for process in theirs:
            process.begin()
        count = len(self.hosts) + len(NEUTRON_AGENTS)
        for process in (*(host.agent for host in self.hosts), *theirs):
            process.wait()
        wait_for(lambda: len(self.alive()) == count, AGENTS_WITHIN, f"{count} agents alive in Neutron's list")

    # asking Neutron

    def alive(self) -> list[Any]:
        """The agents that Neutron takes for alive."""
        return [agent for agent in self.neutron.list("agent") if agent["alive"]]

    def network(self, name: str, kind: str, cidr: str) -> dict[str, Any]:
        """A network with a subnet, which is beside the network's fields as ``subnet``."""
        fields = {"provider:network_type": kind}
        if kind != "vxlan":
            fields["provider:physical_network"] = "physnet1"
        made: dict[str, Any] = self.neutron.create("network", name=name, **fields)
        subnet = self.neutron.create("subnet", name=name, network_id=made["id"], cidr=cidr, ip_version=4)
        return made | {"subnet": subnet}

    def router(self, name: str, networks: list[dict[str, Any]]) -> dict[str, Any]:
        """A router with an interface in each of some networks."""
        made: dict[str, Any] = self.neutron.create("router", name=name)
        for network in networks:
            body = {"subnet_id": network["subnet"]["id"]}
            self.neutron.call("PUT", f"routers/{made['id']}/add_router_interface", body)
        return made

    def guest(self, name: str, network: dict[str, Any], host: Host) -> Guest:
        """Nova's part: make a port for a host, start QEMU on the socket that the binding names."""
        instance = str(uuid.uuid4())
        port = self.neutron.create(
            "port",
            name=name,
            network_id=network["id"],
            device_id=instance,
            device_owner="compute:nova",
            **{"binding:host_id": host.name},
        )
        if port["binding:vif_type"] != "vhostuser":
            raise NotReady(f"{name}: Neutron bound its port as {port['binding:vif_type']}; see {self.folder}")
        made = Guest(
            name=name,
            node=host.name,
            instance=instance,
            port=port["id"],
            mac=port["mac_address"],
            socket=port["binding:vif_details"]["vhostuser_socket"],
            address=port["fixed_ips"][0]["ip_address"],
            network=network["name"],
            gateway=network["subnet"]["gateway_ip"],
        )
        made.process(self.folder, host.node).start()
        guests.save(self.folder, [*guests.load(self.folder), made])
        return made

    def active(self, port: str, seconds: float = 120) -> None:
        """Wait until Neutron says that a port forwards. Raises NotReady."""
        wait_for(lambda: self.neutron.show("port", port)["status"] == "ACTIVE", seconds, f"port {port} ACTIVE")

    def status(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What ``weft-status`` prints. The name of a virtual machine stands for its port."""
        known = {guest.name: guest for guest in guests.load(self.folder)}
        node = next((known[each].node for each in arguments if each in known), self.hosts[0].name)
        given = (known[each].port if each in known else each for each in arguments)
        command = (str(BIN / "weft-status"), "--config-file", str(self.folder / node / "status.conf"), *given)
        inside = self.controller.node.inside(*command)
        return subprocess.run(
            inside, text=True, capture_output=True, timeout=300, env=os.environ | {"PYTHONWARNINGS": "ignore"}
        )


def _check_startup(host: Host) -> None:
    """Raises NotReady where the engine could not carry out its startup commands."""
    log = host.folder / "weft.log"
    errors = [line for line in log.read_text().splitlines() if " ERROR " in line] if log.exists() else []
    if errors:
        raise NotReady(f"{host.name}'s engine could not carry out {host.folder}/startup.cli:\n" + "\n".join(errors))
