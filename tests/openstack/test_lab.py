"""The lab, in parts: real services, two hosts, virtual machines: ``make test-openstack``."""

from __future__ import annotations

import random
import re
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.openstack.site import environment
from tests.openstack.storm import kill_each, storm

pytest.importorskip("neutron", reason="the lab is tested where Neutron is installed")

from weft.lab.machine import Console
from weft_openstack.lab import guest as guests
from weft_openstack.lab.cloud import BIN, ETCD_PORT, Cloud
from weft_openstack.lab.demonstration import ROUTED_WITHIN, Place, boot, make_networks
from weft_openstack.lab.guest import Guest
from weft_openstack.lab.process import NotReady, wait_for
from weft_openstack.store import keys, roles

pytestmark = pytest.mark.skipif(environment() is None, reason="WEFT_NEUTRON does not say where Neutron is installed")

PLACES = (Place("vm1", "vlan", 2), Place("vm2", "flat", 1), Place("vm3", "vxlan", 2))


COMMAND = 300.0  #: seconds that a command may take which imports Neutron, while QEMU emulates processors


@dataclass
class Lab:
    """A lab with booted machines, and a line to each."""

    cloud: Cloud
    networks: dict[str, str]  #: name -> number
    guests: dict[str, Guest]
    consoles: dict[str, Console]

    def reaches(self, guest: str, address: str) -> bool:
        return self.consoles[guest].ping(address)

    def all_reach_all(self, seconds: float) -> None:
        """Wait until each machine reaches its gateway and all others."""
        for name, guest in self.guests.items():
            for target in (guest.gateway, *(other.address for other in self.guests.values() if other != guest)):
                wait_for(lambda n=name, t=target: self.reaches(n, t), seconds, f"{name} reaches {target}")

    def port(self, network: str, host: str) -> str:
        """A port that no machine is on; its number."""
        owner = {"device_owner": "compute:nova", "device_id": str(uuid.uuid4()), "binding:host_id": host}
        return str(self.cloud.neutron.create("port", network_id=self.networks[network], **owner)["id"])

    def agree(self) -> None:
        """Wait until database, etcd and forwarders agree to the letter, and all that is up is ACTIVE."""
        neutron = self.cloud.neutron
        audit = ("--config-file", str(neutron.configuration), "audit", "--check")

        def all_active() -> bool:
            return all(port["status"] == "ACTIVE" for port in neutron.list("port", "admin_state_up=true"))

        wait_for(all_active, 120, "all ports ACTIVE")
        said = self.cloud.controller.node.run(str(BIN / "weft-neutron"), *audit, seconds=COMMAND)
        assert said.strip() == "database and etcd agree"
        for host in self.cloud.hosts:
            plan = (str(BIN / "weft-agent"), "--config-file", str(host.configuration), "--plan")
            assert host.node.run(*plan, seconds=COMMAND).strip() == "nothing to do"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    folder = Path(tempfile.mkdtemp(prefix="weft-lab-"))
    cloud = Cloud(folder)
    try:
        with ExitStack() as stack:
            stack.enter_context(cloud.up())
            networks = make_networks(cloud, print)
            made = {guest.name: guest for guest in boot(cloud, networks, PLACES, print)}
            consoles = {name: stack.enter_context(guest.console(folder)) for name, guest in made.items()}
            for console in consoles.values():
                guests.boot(console)
            yield Lab(cloud, {name: network["id"] for name, network in networks.items()}, made, consoles)
    finally:
        assert cloud.down()
        assert not folder.exists()
        assert not any(node.pid for node in cloud.nodes)


def test_machines_get_by_dhcp_the_addresses_that_neutron_gave_them(lab: Lab) -> None:
    for name, guest in lab.guests.items():
        assert guests.lease(lab.consoles[name]) == guest.address


def test_the_mtu_comes_by_dhcp_and_leaves_room_for_the_tunnel(lab: Lab) -> None:
    mtus = {name: lab.consoles[name].run("cat /sys/class/net/eth0/mtu").split()[-1] for name in lab.guests}
    assert mtus == {"vm1": "1500", "vm2": "1500", "vm3": "1450"}  # 1500 less IPv4, UDP, VXLAN, Ethernet


def test_machines_reach_their_gateways_and_each_other_across_the_router(lab: Lab) -> None:
    for name, guest in lab.guests.items():
        wait_for(lambda n=name, g=guest: lab.reaches(n, g.gateway), ROUTED_WITHIN, f"{name} reaches its gateway")
        targets = {other.address for other in lab.guests.values() if other != guest}
        assert {target for target in targets if not lab.reaches(name, target)} == set()


def test_the_metadata_address_knows_who_asks(lab: Lab) -> None:
    for name, guest in lab.guests.items():
        assert guests.fetch(lab.consoles[name], "/latest/meta-data/instance-id") == guest.instance


def test_tcp_carries_more_than_fits_a_packet(lab: Lab) -> None:
    for sender, receiver in (("vm3", "vm1"), ("vm1", "vm3"), ("vm2", "vm3")):
        here, there = lab.consoles[sender], lab.consoles[receiver]
        there.run("rm -f /tmp/got; tail -f /dev/null | nc -l -p 5000 > /tmp/got &")
        wait_for(lambda c=there: ":1388 " in c.run("cat /proc/net/tcp"), 60, f"{receiver} listens on port 5000")
        here.run("dd if=/dev/urandom of=/tmp/sent bs=1k count=1000", 60)
        here.run(f"nc {lab.guests[receiver].address} 5000 < /tmp/sent > /tmp/said 2>&1 &")
        wanted = digest(here, "/tmp/sent")
        try:
            wait_for(lambda c=there, w=wanted: digest(c, "/tmp/got") == w, 120, f"what {sender} sent {receiver}")
        except NotReady as error:
            raise AssertionError(f"{error}: {there.run('ls -l /tmp/got')} {here.run('cat /tmp/said')}") from error
        for console in (here, there):
            console.run("killall tail nc; true")


def digest(console: Console, file: str) -> str:
    """The MD5 sum of a file, which is beside an echo of the command."""
    found = re.search(r"\b[0-9a-f]{32}\b", console.run(f"md5sum < {file}", 60))
    assert found
    return found[0]


def test_ports_are_active_and_status_finds_nothing_wrong(lab: Lab) -> None:
    ports = lab.cloud.neutron.list("port")
    kinds = {port["device_owner"]: port["binding:vif_type"] for port in ports}
    assert kinds == {"compute:nova": "vhostuser", "network:dhcp": "tap", "network:router_interface": "tap"}
    for port in ports:
        lab.cloud.active(port["id"])
    done = lab.cloud.status("ports")
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(port["id"] in done.stdout for port in ports)
    why = lab.cloud.status("why", "vm3")
    assert why.returncode == 0 and "bound on host2 as vhostuser" in why.stdout, why.stdout + why.stderr


def test_etcd_lets_nobody_in_without_a_certificate_and_a_host_write_for_itself_only(lab: Lab) -> None:
    authority, node = lab.cloud.authority, lab.cloud.controller.node
    certificate, key = authority.client(roles.agent("host1"))
    agent = ("--cert", certificate, "--key", key)

    def put(path: str, *shown: str) -> None:
        """In a process of its own: gRPC's threads may have begun in another network."""
        where = ("--endpoints", f"https://{lab.cloud.controller.address}:{ETCD_PORT}", "--cacert", authority.file)
        node.run("env", "ETCDCTL_API=3", "etcdctl", *where, *shown, "put", "/weft/" + path, "{}")

    port = "00000000-0000-0000-0000-000000000000"
    put(keys.port_state("host1", port), *agent)
    for path in (keys.port("host1", port), keys.port_state("host2", port), keys.port("host2", port)):
        with pytest.raises(NotReady, match="permission denied"):
            put(path, *agent)
    with pytest.raises(NotReady):
        put(keys.port_state("host1", port))


def test_an_engine_that_was_killed_is_as_before_when_it_runs_again(lab: Lab) -> None:
    host = lab.cloud.hosts[1]
    host.engine.kill()
    host.engine.start()
    for name in ("vm1", "vm3"):
        guest = lab.guests[name]
        wait_for(lambda n=name, g=guest: lab.reaches(n, g.gateway), 120, f"{name} reaches its gateway again")
    assert guests.fetch(lab.consoles["vm3"], "/latest/meta-data/instance-id") == lab.guests["vm3"].instance


def test_a_network_to_etcd_that_is_cut_for_a_minute(lab: Lab) -> None:
    """The host hears and says nothing for longer than its lease lasts. Its machines go on all the while; what changed
    meanwhile is done when it is back."""
    host, neutron = lab.cloud.hosts[1], lab.cloud.neutron
    gone = lab.port("vlan", host.name)
    lab.cloud.active(gone)

    def alive() -> bool:
        return any((each["host"], each["agent_type"]) == (host.name, "Weft agent") for each in lab.cloud.alive())

    lab.cloud.controller.node.run("ip", "link", "set", host.name, "down")
    try:
        began = time.monotonic()
        came = lab.port("vlan", host.name)
        neutron.delete("port", gone)
        while time.monotonic() < began + 60:
            assert lab.reaches("vm1", lab.guests["vm1"].gateway)
            assert lab.reaches("vm3", lab.guests["vm1"].address)
            time.sleep(2)
        wait_for(lambda: not alive(), 30, "the agent dead in Neutron's list")
        assert neutron.show("port", came)["status"] == "DOWN"
        assert neutron.show("port", lab.guests["vm1"].port)["status"] == "ACTIVE"  # its forwarder goes on
    finally:
        lab.cloud.controller.node.run("ip", "link", "set", host.name, "up")
    wait_for(alive, 60, "the agent alive in Neutron's list")
    lab.cloud.active(came)
    neutron.delete("port", came)
    wait_for(lambda: not {gone, came} & set(lab.cloud.status("ports").stdout.split()), 60, "the ports gone")
    lab.agree()


def test_machines_reach_all_after_everything_was_killed(lab: Lab) -> None:
    """SIGKILL of agents, engines, etcd, the API worker and the database while ports come, change and go."""
    cloud = lab.cloud
    victims = [cloud.etcd.process, cloud.neutron.api, cloud.database.process]
    victims += [host.agent for host in cloud.hosts] + [host.engine for host in cloud.hosts]

    def make(chosen: random.Random) -> str:
        return lab.port(chosen.choice(("vlan", "flat", "vxlan")), chosen.choice(cloud.hosts).name)

    with storm(cloud.neutron, make):
        kill_each(victims, seed=3)
    guests_ports = {guest.port for guest in lab.guests.values()}
    for port in cloud.neutron.list("port", "device_owner=compute:nova"):
        if port["binding:vif_type"] != "vhostuser":  # bound while its agent was dead: Nova would give it up
            cloud.neutron.delete("port", port["id"])
    lab.all_reach_all(120)
    lab.agree()
    for port in cloud.neutron.list("port", "device_owner=compute:nova"):
        if port["id"] not in guests_ports:
            cloud.neutron.delete("port", port["id"])
    lab.all_reach_all(10)


def test_what_is_deleted_is_gone_from_the_host(lab: Lab) -> None:
    guest, neutron = lab.guests["vm2"], lab.cloud.neutron
    neutron.delete("port", guest.port)
    wait_for(lambda: guest.port not in lab.cloud.status("ports").stdout, 60, "the port gone")
    router = neutron.list("router")[0]
    [network] = neutron.list("network", "name=flat")
    body = {"subnet_id": network["subnets"][0]}
    neutron.call("PUT", f"routers/{router['id']}/remove_router_interface", body)
    neutron.delete("network", network["id"])
    node = lab.cloud.hosts[0].node
    wait_for(lambda: f"qdhcp-{network['id']}" not in node.run("ip", "netns"), 90, "the DHCP agent's namespace gone")
    devices = "ip -br link show type veth | grep -c '^tap' || true"
    wait_for(lambda: node.run("sh", "-c", devices).strip() == "4", 60, "the devices of the two networks that are left")
    assert lab.reaches("vm1", lab.guests["vm3"].address)
