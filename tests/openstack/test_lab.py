"""The lab, in parts: real services, two hosts, virtual machines: ``make test-openstack``."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.openstack.site import environment

pytest.importorskip("neutron", reason="the lab is tested where Neutron is installed")

from weft.lab.machine import Console
from weft_openstack.lab import guest as guests
from weft_openstack.lab.cloud import ETCD_PORT, Cloud
from weft_openstack.lab.demonstration import ROUTED_WITHIN, Place, boot, make_networks
from weft_openstack.lab.guest import Guest
from weft_openstack.lab.process import wait_for
from weft_openstack.store import keys, roles
from weft_openstack.store.etcd import Denied, Etcd, Settings, StoreError, Tls

pytestmark = pytest.mark.skipif(environment() is None, reason="WEFT_NEUTRON does not say where Neutron is installed")

PLACES = (Place("vm1", "vlan", 2), Place("vm2", "flat", 1), Place("vm3", "vxlan", 2))


@dataclass
class Lab:
    """A lab with booted machines, and a line to each."""

    cloud: Cloud
    guests: dict[str, Guest]
    consoles: dict[str, Console]

    def reaches(self, guest: str, address: str) -> bool:
        return self.consoles[guest].ping(address)


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
            yield Lab(cloud, made, consoles)
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
        console = lab.consoles[receiver]
        console.run("tail -f /dev/null | nc -l -p 5000 > /tmp/got &")
        address = lab.guests[receiver].address
        lab.consoles[sender].run(
            f"sleep 1; dd if=/dev/urandom of=/tmp/sent bs=1k count=1000; nc {address} 5000 < /tmp/sent & sleep 1", 60
        )
        wanted = lab.consoles[sender].run("md5sum < /tmp/sent").split()[-2]
        wait_for(lambda c=console, w=wanted: w in c.run("md5sum < /tmp/got"), 60, f"what {sender} sent {receiver}")
        console.run("killall tail nc; true")
        lab.consoles[sender].run("killall nc; true")


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
    authority, address = lab.cloud.authority, f"{lab.cloud.controller.address}:{ETCD_PORT}"
    agent = Settings((address,), Tls(authority.file, *authority.client(roles.agent("host1"))))
    nobody = Settings((address,), Tls(authority.file))

    async def put(settings: Settings, path: str) -> None:
        async with Etcd(settings) as etcd:
            await etcd.put("/weft/" + path, b"{}")

    port = "00000000-0000-0000-0000-000000000000"
    asyncio.run(put(agent, keys.port_state("host1", port)))
    for path in (keys.port("host1", port), keys.port_state("host2", port), keys.port("host2", port)):
        with pytest.raises(Denied):
            asyncio.run(put(agent, path))
    with pytest.raises(StoreError):
        asyncio.run(put(nobody, keys.port_state("host1", port)))


def test_an_engine_that_was_killed_is_as_before_when_it_runs_again(lab: Lab) -> None:
    host = lab.cloud.hosts[1]
    host.engine.kill()
    host.engine.start()
    for name in ("vm1", "vm3"):
        guest = lab.guests[name]
        wait_for(lambda n=name, g=guest: lab.reaches(n, g.gateway), 120, f"{name} reaches its gateway again")
    assert guests.fetch(lab.consoles["vm3"], "/latest/meta-data/instance-id") == lab.guests["vm3"].instance


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
