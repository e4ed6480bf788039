"""The services around Neutron, each on a free port with its data in a folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weft_openstack.lab.process import Process, answers, free_port

VERSION_DRIVEN = "mysql+pymysql://root@127.0.0.1:{port}/neutron?charset=utf8mb4"


@dataclass(eq=False)
class EtcdServer:
    """A member: by itself, or of a cluster (`cluster` makes one)."""

    folder: Path
    arguments: tuple[str, ...] = ()
    tls: tuple[str, str, str] | None = None  #: files: the clients' authority, our certificate, its key
    address: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    peer: int = field(default_factory=free_port)
    name: str = "default"
    members: str = ""  #: NAME=URL of all members, with commas between

    def __post_init__(self) -> None:
        scheme, arguments = "http", self.arguments
        if self.tls:
            scheme = "https"
            ca, cert, key = self.tls
            arguments += ("--trusted-ca-file", ca, "--cert-file", cert, "--key-file", key, "--client-cert-auth")
        client, peer = f"{scheme}://{self.address}:{self.port}", f"http://127.0.0.1:{self.peer}"
        self.process = Process(
            "etcd",
            (
                "etcd", "--name", self.name, "--data-dir", str(self.folder / "etcd"),
                "--logger", "zap", "--log-level", "warn",
                "--listen-client-urls", client, "--advertise-client-urls", client,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                "--initial-cluster", self.members or f"default={peer}", *arguments,
            ),
            self.folder / "etcd.log",
            ready=(lambda: answers(self.port, self.address)) if self.tls else self.healthy,
        )  # fmt: skip

    @staticmethod
    def cluster(folder: Path, names: tuple[str, ...] = ("m1", "m2", "m3")) -> list[EtcdServer]:
        """The members of a cluster; it comes up once most of them are started."""
        peers = {name: free_port() for name in names}
        members = ",".join(f"{name}=http://127.0.0.1:{peer}" for name, peer in peers.items())
        for name in names:
            (folder / name).mkdir()
        return [EtcdServer(folder / name, peer=peer, name=name, members=members) for name, peer in peers.items()]

    def healthy(self) -> bool:
        with urllib.request.urlopen(f"http://{self.address}:{self.port}/health", timeout=1) as answer:
            return bool(json.load(answer)["health"] == "true")

    @property
    def endpoint(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(eq=False)
class MariaDb:
    """A database server with an empty database ``neutron``."""

    folder: Path
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        data = self.folder / "mariadb"
        self.user = ("--user=root",) if os.geteuid() == 0 else ()  # the user mysql is not there with the core package
        self.data = data
        self.process = Process(
            "mariadbd",
            (
                shutil.which("mariadbd") or "/usr/sbin/mariadbd", "--no-defaults", *self.user, f"--datadir={data}",
                f"--port={self.port}", "--bind-address=127.0.0.1", f"--socket={data}/socket",
                f"--pid-file={data}/pid", "--innodb-flush-log-at-trx-commit=2", "--max-connections=300",
                "--skip-log-bin", "--innodb-buffer-pool-size=128M",
            ),
            self.folder / "mariadb.log",
            ready=lambda: answers(self.port),
        )  # fmt: skip

    def prepare(self) -> None:
        """Make the data folder and the database."""
        self.data.mkdir()
        install = ("mariadb-install-db", "--no-defaults", *self.user, f"--datadir={self.data}")
        install += ("--auth-root-authentication-method=normal", "--skip-test-db")
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL, timeout=120)
        self.process.start()
        subprocess.run(
            ("mariadb", "--no-defaults", f"--socket={self.data}/socket", "-uroot", "-e", "CREATE DATABASE neutron"),
            check=True,
            timeout=30,
        )

    @property
    def url(self) -> str:
        return VERSION_DRIVEN.format(port=self.port)


CONFIGURATION = """
[DEFAULT]
core_plugin = ml2
service_plugins = {plugins}
auth_strategy = noauth
api_paste_config = {environment}/etc/neutron/api-paste.ini
state_path = {folder}
transport_url = {transport}
notify_nova_on_port_status_changes = {tells_nova}
notify_nova_on_port_data_changes = false
dhcp_agent_notification = {dhcp}
rpc_workers = 1
debug = {debug}
[oslo_messaging_notifications]
driver = noop
[nova]
auth_type = none
endpoint = {nova}
[quotas]
quota_port = -1
quota_network = -1
quota_subnet = -1
[oslo_concurrency]
lock_path = {folder}/locks
[oslo_policy]
policy_file = {folder}/policy.yaml
[database]
connection = {database}
[ml2]
mechanism_drivers = vpp
type_drivers = flat,vlan,vxlan
tenant_network_types = vlan
path_mtu = 1500
[ml2_type_flat]
flat_networks = *
[ml2_type_vlan]
network_vlan_ranges = physnet1:100:3999
[ml2_type_vxlan]
vni_ranges = 1000:9999
[ml2_vpp]
{driver}
"""


#: What Nova does has a role of its own; without Keystone nobody has it.
POLICY = '"create_port_binding": "@"\n"delete_port_binding": "@"\n"activate": "@"\n'


@dataclass(eq=False)
class Neutron:
    """The API server, and what asks it."""

    folder: Path
    environment: Path  #: the virtual environment that Neutron is installed in
    database: str
    driver: dict[str, str]
    transport: str = "fake://"
    dhcp: bool = False
    nova: str = ""  #: where Nova hears of ports that forward; nowhere, if there is none
    plugins: str = "router,trunk,segments,flavors"
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.configuration = self.folder / "neutron.conf"
        (self.folder / "policy.yaml").write_text(POLICY)
        self.configuration.write_text(
            CONFIGURATION.format(
                plugins=self.plugins,
                environment=self.environment,
                folder=self.folder,
                transport=self.transport,
                dhcp=str(self.dhcp).lower(),
                tells_nova=str(bool(self.nova)).lower(),
                nova=self.nova,
                debug="false",
                database=self.database,
                driver="\n".join(f"{name} = {value}" for name, value in self.driver.items()),
            )
        )
        self.api = Process(
            "neutron",
            (
                self.command("uwsgi"), "--http-socket", f"127.0.0.1:{self.port}", "--module",
                "neutron.wsgi.api:application", "--lazy-apps", "--enable-threads", "--master", "--die-on-term",
                "--processes", "1", "--threads", "4", "--virtualenv", str(self.environment), "--need-app",
            ),
            self.folder / "neutron-api.log",
            environment={
                "OS_NEUTRON_CONFIG_DIR": str(self.folder),
                "OS_NEUTRON_CONFIG_FILES": str(self.configuration),
            },
            ready=lambda: self.call("GET", ""),
        )  # fmt: skip
        self.rpc = Process(
            "neutron-rpc-server",
            (self.command("neutron-rpc-server"), "--config-file", str(self.configuration)),
            self.folder / "neutron-rpc.log",
        )
        self.periodic = Process(
            "neutron-periodic-workers",
            (self.command("neutron-periodic-workers"), "--config-file", str(self.configuration)),
            self.folder / "neutron-periodic.log",
        )

    def command(self, name: str) -> str:
        return str(self.environment / "bin" / name)

    def migrate(self) -> None:
        """Make the tables, Neutron's and ours."""
        command = (self.command("neutron-db-manage"), "--config-file", str(self.configuration), "upgrade", "heads")
        with (self.folder / "migrate.log").open("wb") as log:
            subprocess.run(command, check=True, stdout=log, stderr=log, timeout=300)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to a request below /v2.0/."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v2.0/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from None
        return json.loads(text) if text else None

    def create(self, kind: str, **fields: Any) -> Any:
        """Make a network, subnet, port, ..."""
        return self.call("POST", f"{kind}s", {kind: fields})[kind]

    def show(self, kind: str, number: str) -> Any:
        return self.call("GET", f"{kind}s/{number}")[kind]

    def list(self, kind: str, query: str = "") -> Any:
        return self.call("GET", f"{kind}s?{query}")[f"{kind}s"]

    def update(self, kind: str, number: str, **fields: Any) -> Any:
        return self.call("PUT", f"{kind}s/{number}", {kind: fields})[kind]

    def delete(self, kind: str, number: str) -> None:
        self.call("DELETE", f"{kind}s/{number}")
