"""Neutron with a database, an etcd and two hosts whose uplinks are packet generators: what the end-to-end tests use."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.openstack.nova import Nova
from vpp_papi import VPPApiClient

from weft_openstack.lab.engine import engine
from weft_openstack.lab.process import Process, wait_for
from weft_openstack.lab.services import EtcdServer, MariaDb, Neutron
from weft_openstack.store import keys, records
from weft_openstack.store.etcd import Etcd, Item, Settings, StoreError

T = TypeVar("T")

SOON = 90.0  #: seconds until what is waited for is there, on a machine that has other things to do

#: The uplink, and an address for tunnels.
STARTUP = """\
create packet-generator interface pg0
create packet-generator interface pg1
set interface state pg1 up
set interface ip address pg1 {tunnel}/24
"""


@dataclass(eq=False)
class Node:
    """A host: an engine and an agent, as processes."""

    name: str
    folder: Path
    etcd: str
    interpreted: bool = True  #: where nothing is forwarded, nothing need be compiled
    engine: Process = field(init=False)
    agent: Process = field(init=False)

    def __post_init__(self) -> None:
        folder = self.folder
        self.sockets.mkdir(parents=True)
        tunnel = f"192.0.2.{self.name[1:]}"
        (folder / "startup.cli").write_text(STARTUP.format(tunnel=tunnel))
        self.engine = engine(f"engine {self.name}", folder, {"WEFT_INTERPRET": "1"} if self.interpreted else {})
        self.configuration.write_text(
            f"[DEFAULT]\nhost = {self.name}\n[ml2_vpp]\netcd_host = {self.etcd}\n"
            f"etcd_insecure_explicit_disable_https = true\nphysnets = physnet1:pg0\ntunnel_address = {tunnel}\n"
            f"vhost_user_dir = {self.sockets}\napi_socket = {folder}/api.sock\nstate_dir = {folder}/state\n"
        )
        command = (sys.executable, "-m", "weft_openstack.agent", "--config-file", str(self.configuration))
        self.agent = Process(f"agent {self.name}", command, folder / "agent.log")

    @property
    def configuration(self) -> Path:
        return self.folder / "agent.conf"

    @property
    def sockets(self) -> Path:
        """Where virtual machines' sockets are."""
        return self.folder / "sockets"

    def plan(self) -> str:
        """What the agent would do now."""
        command = (*self.agent.command, "--plan")
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout.strip()

    @contextmanager
    def _asked(self) -> Iterator[Any]:
        vpp = VPPApiClient(bootstrapapi=True, server_address=str(self.folder / "api.sock"))
        vpp.connect("test")
        try:
            yield vpp.api
        finally:
            vpp.disconnect()

    def interfaces(self) -> dict[str, Any]:
        """What sw_interface_dump says, by tag; those without a tag are left out."""
        with self._asked() as api:
            return {each.tag: each for each in api.sw_interface_dump() if each.tag}

    def tags(self) -> set[str]:
        """The tags of all interfaces."""
        return set(self.interfaces())

    def mtu(self, tag: str) -> int:
        """The MTU of the interface with a tag; 0 if there is none."""
        found = self.interfaces().get(tag)
        return found.mtu[0] if found else 0

    def addresses(self, segment: str) -> tuple[dict[str, str], dict[str, str]]:
        """What a segment's bridge domain knows: static MAC -> tag of the interface, address that it answers for -> MAC;
        nothing if there is none."""
        with self._asked() as api:
            for bridge in api.bridge_domain_dump(bd_id=0xFFFFFFFF):
                if bridge.bd_tag == f"weft:bd:{segment}":
                    tags = {each.sw_if_index: each.tag for each in api.sw_interface_dump()}
                    macs = [each for each in api.l2_fib_table_dump(bd_id=bridge.bd_id) if each.static_mac]
                    neighbors = [each.entry for each in api.bd_ip_mac_dump(bd_id=bridge.bd_id)]
                    return (
                        {str(each.mac): tags[each.sw_if_index] for each in macs},
                        {str(each.ip): str(each.mac) for each in neighbors},
                    )
        return {}, {}


@dataclass(eq=False)
class Site:
    """All of it."""

    folder: Path
    environment: Path
    interpreted: bool = True
    audit_interval: int = 3600  #: what the audit repairs is tested apart, and nothing else may need it
    etcd: EtcdServer = field(init=False)
    database: MariaDb = field(init=False)
    neutron: Neutron = field(init=False)
    nova: Nova = field(init=False)
    nodes: list[Node] = field(init=False)

    @contextmanager
    def running(self) -> Iterator[Site]:
        with ExitStack() as stack:
            self.etcd, self.database = EtcdServer(self.folder), MariaDb(self.folder)
            for process in (self.etcd.process, self.database.process):
                stack.callback(process.stop)
            self.etcd.process.start()
            self.database.prepare()
            options = {
                "etcd_host": self.etcd.endpoint,
                "etcd_insecure_explicit_disable_https": "true",
                "audit_interval": str(self.audit_interval),
            }
            self.nova = stack.enter_context(Nova.listening())
            self.neutron = Neutron(self.folder, self.environment, self.database.url, options, nova=self.nova.url)
            self.neutron.migrate()
            self.nodes = [Node(name, self.folder / name, self.etcd.endpoint, self.interpreted) for name in ("h1", "h2")]
            for process in (*(node.engine for node in self.nodes), self.neutron.api):
                stack.callback(process.stop)
                process.start()
            for node in self.nodes:
                stack.callback(node.agent.stop)
                node.agent.start()
            wait_for(lambda: len(self.alive()) == 2, SOON, "both agents in Neutron's list")
            yield self

    def alive(self) -> list[Any]:
        return [agent for agent in self.neutron.list("agent") if agent["alive"]]

    def with_etcd(self, program: Callable[[Etcd], Coroutine[Any, Any, T]]) -> T:
        async def connected() -> T:
            async with Etcd(Settings((self.etcd.endpoint,))) as etcd:
                return await program(etcd)

        return asyncio.run(connected())

    def items(self, part: str) -> dict[str, Item]:
        """What is in etcd below a path."""
        found, _ = self.with_etcd(lambda etcd: etcd.below("/weft/" + part))
        return {item.key.removeprefix("/weft/"): item for item in found}

    def record(self, host: str, port: str) -> records.Port | None:
        item = self.items("hosts/").get(keys.port(host, port))
        return records.decode(records.Port, item.value) if item else None

    def network(self, **fields: Any) -> Any:
        made = self.neutron.create("network", **fields)
        cidr = f"10.{int(made['id'][:2], 16)}.{int(made['id'][2:4], 16)}.0/24"
        self.neutron.create("subnet", network_id=made["id"], cidr=cidr, ip_version=4)
        return made | {"cidr": cidr}

    def port(self, network: Any, host: str = "h1", **fields: Any) -> Any:
        owner = {"device_owner": "compute:nova", "device_id": str(uuid.uuid4())}
        return self.neutron.create("port", network_id=network["id"], **owner | {"binding:host_id": host} | fields)

    def status(self, port: Any, status: str, seconds: float = SOON) -> None:
        number = port["id"]
        wait_for(lambda: self.neutron.show("port", number)["status"] == status, seconds, f"{number} {status}")

    def agree(self, seconds: float = 2 * SOON) -> None:
        """Wait until database, etcd and forwarders say the same: all bound ports, and no others. Then they do so to the
        letter: the audit finds no difference, and the agents have nothing to do."""

        def same() -> bool:
            try:
                return look()
            except (RuntimeError, OSError, StoreError):
                return False  # something is not back yet

        def look() -> bool:
            ports = self.neutron.list("port")
            bound = {(port["binding:host_id"], port["id"]) for port in ports if port["binding:vif_type"] == "vhostuser"}
            there = {tuple(path.split("/")[1::2]) for path in self.items("hosts/")}
            made = {
                (node.name, tag.removeprefix("weft:port:"))
                for node in self.nodes
                for tag in node.tags()
                if tag.startswith("weft:port:")
            }
            active = {port["id"] for port in ports if port["status"] == "ACTIVE"}
            return bound == there == made and active == {port["id"] for port in ports if port["admin_state_up"]}

        wait_for(same, seconds, "database, etcd and forwarders agree")
        audit = self.run("weft-neutron", "audit", "--check")
        assert (audit.returncode, audit.stdout.strip()) == (0, "database and etcd agree"), audit.stderr
        for node in self.nodes:
            assert node.plan() == "nothing to do"

    def sql(self, text: str) -> str:
        """What the database answers."""
        command = ("mariadb", "--no-defaults", f"--socket={self.database.data}/socket", "-uroot", "-N", "neutron")
        done = subprocess.run(command, input=text, check=True, text=True, capture_output=True, timeout=300)
        return done.stdout.strip()

    def etcdctl(self, *arguments: str) -> str:
        """What etcd's own command prints."""
        command = ("etcdctl", "--endpoints", self.etcd.endpoint, *arguments)
        environment = os.environ | {"ETCDCTL_API": "3"}
        return subprocess.run(command, check=True, text=True, capture_output=True, timeout=300, env=environment).stdout

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of our commands with Neutron's configuration."""
        path = (self.neutron.command(command), "--config-file", str(self.neutron.configuration))
        return subprocess.run((*path, *arguments), capture_output=True, text=True, timeout=300)

    def why(self, port: str, host: Node | None = None) -> list[tuple[str, str, str]]:
        """What ``weft-status why`` says, on a host if one is given: steps, how it is there, and what is there."""
        files = ("--config-file", str(host.configuration)) if host else ()
        done = self.run("weft-status", *files, "--json", "why", port)
        assert done.stdout, done.stderr
        answers = [(each["step"], each["state"], each["text"]) for each in json.loads(done.stdout)]
        assert done.returncode == any(state in ("waits", "wrong") for _, state, _ in answers)
        return answers

    def stands(self, port: str) -> tuple[str, str]:
        """At which step a port stands, and what is there; nowhere if all is well."""
        return next(((step, text) for step, state, text in self.why(port) if state in ("waits", "wrong")), ("", ""))


def environment() -> Path | None:
    """Where Neutron is installed, if it is."""
    path = os.environ.get("WEFT_NEUTRON")
    return Path(path) if path else None
