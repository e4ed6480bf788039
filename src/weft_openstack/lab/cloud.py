"""The whole lab: all services, two hosts, and a script that plays Nova's part."""

from __future__ import annotations

import asyncio
import http.server
import shutil
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weft.lab.machine import Card, Machine
from weft_openstack.lab import hosts as wires
from weft_openstack.lab import network_agents
from weft_openstack.lab.certificates import Authority
from weft_openstack.lab.hosts import HERE, Host
from weft_openstack.lab.process import Process, wait_for
from weft_openstack.lab.services import EtcdServer, MariaDb, Neutron, RabbitMq
from weft_openstack.store import roles
from weft_openstack.store.etcd import Etcd, Settings, Tls
from weft_openstack.store.keys import DEFAULT_PREFIX

DHCP = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
[ -n "$mtu" ] && ip link set $interface mtu $mtu
[ -n "$router" ] && ip route add default via $router
exit 0
"""


@dataclass(eq=False)
class Server:
    """A virtual machine as Nova has it: a port, and a QEMU behind the port's socket."""

    port: dict[str, Any]
    machine: Machine

    @property
    def address(self) -> str:
        return str(self.port["fixed_ips"][0]["ip_address"])

    def configure(self) -> str:
        """Get an address by DHCP; which one that is. Raises MachineError."""
        self.machine.run(f"cat > /tmp/dhcp <<'END'\n{DHCP}END\nchmod +x /tmp/dhcp; ip link set eth0 up")
        self.machine.run("udhcpc -i eth0 -n -q -t 20 -T 2 -s /tmp/dhcp", 90)
        shown = self.machine.run("ip -4 -o addr show dev eth0")
        return shown.split("inet ", 1)[1].split("/")[0]


@dataclass(eq=False)
class Cloud:
    """Starts with ``with``; all of it ends with it."""

    folder: Path
    environment: Path  #: the virtual environment that Neutron is installed in
    say: Callable[[str], None] = lambda text: None
    tunnels: bool = True
    servers: list[Server] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Cloud:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _run(self, process: Process) -> None:
        self._stack.callback(process.stop)
        process.start()

    def _start(self) -> None:
        wires.take_down()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._stack.callback(wires.take_down)
        self.say("two hosts in network namespaces, joined by three wires")
        self._hosts()
        self.say("etcd, with TLS, a certificate for everybody, and roles by host")
        self._run(self.etcd.process)
        asyncio.run(self._set_roles_up())
        self.say("an engine on each host")
        for host in self.hosts:
            self._run(host.engine)
        self.say("MariaDB and RabbitMQ")
        self.database = MariaDb(self.folder)
        self._stack.callback(self.database.process.stop)
        self.database.prepare()
        broker = RabbitMq(self.folder, HERE)
        self._run(broker.mapper)
        self._run(broker.process)
        self.say("Neutron: the tables, the API, the RPC server")
        self.neutron = Neutron(
            self.folder, self.environment, self.database.url, self._store("weft-driver"), broker.url, dhcp=True
        )
        self.neutron.migrate()
        self._run(self.neutron.api)
        self.neutron.rpc.ready = lambda: broker.connections("neutron-rpc-server") >= 5  # else first calls are lost
        self._run(self.neutron.rpc)
        self.say("an agent on each host; Neutron's DHCP, L3 and metadata agents on h1")
        for host in self.hosts:
            self._run(host.agent)
        metadata = self._metadata()
        for process in network_agents.agents(self.hosts[0], self.environment, broker.url, metadata):
            self._run(process)
        wait_for(lambda: len(self._alive()) == 5, 90, "five agents in Neutron's list")

    def _hosts(self) -> None:
        self.authority = Authority(self.folder / "certificates")
        self.etcd = EtcdServer(self.folder, tls=self.authority.server(HERE, "127.0.0.1"), address=HERE)
        self.hosts = [
            Host(number, self.folder / f"h{number}", self._store(roles.agent(f"h{number}")), self.tunnels)
            for number in (1, 2)
        ]
        wires.build(self.hosts)

    def _store(self, user: str) -> dict[str, str]:
        """The options that say how to reach etcd, with a user's certificate."""
        cert, key = self.authority.client(user)
        return {
            "etcd_host": self.etcd.endpoint,
            "etcd_ca_cert": self.authority.file,
            "etcd_cert": cert,
            "etcd_key": key,
        }

    async def _set_roles_up(self) -> None:
        tls = Tls(self.authority.file, *self.authority.client("root"))
        names = [host.name for host in self.hosts]
        async with Etcd(Settings((self.etcd.endpoint,), tls)) as etcd:
            await roles.set_up(etcd, DEFAULT_PREFIX, names, {})
            await roles.enable(etcd, "lab")

    def _alive(self) -> list[Any]:
        return [agent for agent in self.neutron.list("agent") if agent["alive"]]

    def _metadata(self) -> tuple[str, int]:
        """Nova's metadata service, as small as can be."""

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = f"instance {self.headers.get('X-Instance-ID')}\n".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; charset=utf-8")  # without it Neutron's agent fails
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer((HERE, 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._stack.callback(server.server_close)
        self._stack.callback(server.shutdown)
        return HERE, server.server_address[1]

    # Nova's part

    def network(self, name: str, kind: str, cidr: str, **provider: Any) -> dict[str, Any]:
        """A network with a subnet; the subnet's id is beside the network's fields as ``subnet``."""
        fields = {f"provider:{field}": value for field, value in provider.items()}
        made: dict[str, Any] = self.neutron.create("network", name=name, **{"provider:network_type": kind}, **fields)
        subnet = self.neutron.create("subnet", network_id=made["id"], cidr=cidr, ip_version=4)
        return made | {"subnet": subnet["id"], "gateway": subnet["gateway_ip"]}

    def boot(self, network: dict[str, Any], host: str, instance: str) -> Server:
        """Make a port on a host and start a machine on its socket. `Server.machine.ready` waits for it."""
        port = self.neutron.create(
            "port",
            network_id=network["id"],
            device_id=instance,
            device_owner="compute:nova",
            **{"binding:host_id": host},
        )
        details = port["binding:vif_details"]
        card = Card(Path(details["vhostuser_socket"]), port["mac_address"], server=True)
        machine = Machine(card).start()
        self._stack.callback(machine.stop)
        server = Server(port, machine)
        self.servers.append(server)
        return server

    def active(self, server: Server, seconds: float = 30) -> None:
        """Wait until Neutron says that a port forwards."""
        number = server.port["id"]
        wait_for(lambda: self.neutron.show("port", number)["status"] == "ACTIVE", seconds, f"port {number} ACTIVE")
