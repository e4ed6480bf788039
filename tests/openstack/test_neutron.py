"""The driver inside a real Neutron, with a real database, etcd, agents and engines: ``make test-openstack``."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from tests.openstack.site import SOON, Site, environment

from weft_openstack.lab.process import wait_for
from weft_openstack.store import keys, records

pytestmark = pytest.mark.skipif(environment() is None, reason="WEFT_NEUTRON does not say where Neutron is installed")

UP = 1  #: vl_api_if_status_flags_t


def test_a_port_is_bound_becomes_active_and_goes(site: Site) -> None:
    network = site.network(name="one")
    port = site.port(network)
    details = port["binding:vif_details"]
    assert port["binding:vif_type"] == "vhostuser"
    assert details["vhostuser_socket"] == f"{site.nodes[0].sockets}/{port['id']}"
    assert (details["vhostuser_mode"], details["port_filter"], details["connectivity"]) == ("server", False, "l2")
    site.status(port, "ACTIVE")
    record = site.record("h1", port["id"])
    assert record and record.mac == port["mac_address"] and record.mtu == network["mtu"]
    assert record.segment.number == network["provider:segmentation_id"]
    site.neutron.delete("port", port["id"])
    site.agree()


def test_updates_reach_the_host(site: Site) -> None:
    network = site.network(name="updates")
    port = site.port(network)
    site.status(port, "ACTIVE")
    number, tag = port["id"], f"weft:port:{port['id']}"
    assert site.nodes[0].interfaces()[tag].flags & UP
    address = f"{network['cidr'].rpartition('.')[0]}.77"
    changes: dict[str, Any] = {
        "admin_state_up": False,
        "fixed_ips": [{"ip_address": address}],
        "allowed_address_pairs": [{"ip_address": "10.9.9.0/24", "mac_address": "fa:16:3e:00:00:99"}],
    }
    site.neutron.update("port", number, **changes)
    site.status(port, "DOWN")
    assert not site.nodes[0].interfaces()[tag].flags & UP
    record = site.record("h1", number)
    assert record and not record.admin_up and record.ips == (address,)
    assert [(pair.mac, pair.ip) for pair in record.pairs] == [("fa:16:3e:00:00:99", "10.9.9.0/24")]
    site.neutron.update("port", number, admin_state_up=True)
    site.status(port, "ACTIVE")
    assert site.nodes[0].interfaces()[tag].flags & UP
    site.neutron.update("network", network["id"], mtu=1400)
    wait_for(lambda: site.nodes[0].mtu(tag) == 1400, SOON, "the MTU in the forwarder")
    site.neutron.delete("port", number)


def test_addresses_of_a_tunnelled_network_are_known_and_follow(site: Site) -> None:
    """On the host of another port of the network. A MAC changes while its port is on no host: else Neutron refuses."""
    network = site.network(name="tunnelled", **{"provider:network_type": "vxlan"})
    near, far = site.port(network, "h1"), site.port(network, "h2")
    for port in (near, far):
        site.status(port, "ACTIVE")
    record = site.record("h1", near["id"])
    assert record and record.segment.number == network["provider:segmentation_id"]
    here, there = f"weft:port:{near['id']}", f"weft:vxlan:{record.segment.number}:192.0.2.2"

    def known(*ports: tuple[dict[str, Any], str, str]) -> None:
        """Wait until h1 knows these, each behind an interface and with an address, and no others."""
        macs = {port["mac_address"]: behind for port, behind, _ in ports}
        neighbors = {address: port["mac_address"] for port, _, address in ports}
        wait_for(lambda: site.nodes[0].addresses(record.segment.id) == (macs, neighbors), SOON, f"{macs} {neighbors}")

    first = (near, here, near["fixed_ips"][0]["ip_address"])
    known(first, (far, there, far["fixed_ips"][0]["ip_address"]))
    moved = f"{network['cidr'].rpartition('.')[0]}.77"
    site.neutron.update("port", far["id"], fixed_ips=[{"ip_address": moved}])
    known(first, (far, there, moved))
    with pytest.raises(RuntimeError, match="409"):
        site.neutron.update("port", far["id"], mac_address="fa:16:3e:77:77:77")
    site.neutron.update("port", far["id"], **{"binding:host_id": ""})
    known(first)
    assert there not in site.nodes[0].tags()
    site.neutron.update("port", far["id"], mac_address="fa:16:3e:77:77:77")
    far = site.neutron.update("port", far["id"], **{"binding:host_id": "h2"})
    known(first, (far, there, moved))
    assert far["mac_address"] == "fa:16:3e:77:77:77"
    site.neutron.update("network", network["id"], mtu=1300)
    wait_for(lambda: {site.nodes[0].mtu(here), site.nodes[0].mtu(there)} == {1300}, SOON, "the MTU in the forwarder")
    for port in (far, near):
        site.neutron.delete("port", port["id"])
    site.agree()
    assert not any(tag.startswith("weft:") for node in site.nodes for tag in node.tags())


def test_what_no_host_can_do_is_not_bound(site: Site) -> None:
    """And the status says why."""
    poor = records.Agent(
        agent="1", forwarder="none", physnets={}, tunnels=False, vhost_user_dir="/run", machine="m", pid=1, started=1.0
    )
    site.with_etcd(lambda etcd: etcd.put("/weft/" + keys.agent("poor"), records.encode(poor)))
    wait_for(lambda: len(site.alive()) == 3, SOON, "a third agent")
    flat = {"provider:network_type": "flat", "provider:physical_network": "physnet9"}
    elsewhere, network = site.network(name="else", **flat), site.network(name="one")
    tunnelled = site.network(name="vxlan", **{"provider:network_type": "vxlan"})
    for where, host, why in (
        (elsewhere, "h1", "its network is on physical network physnet9, and h1 has physnet1"),
        (network, "poor", "its network is on physical network physnet1, and poor has none"),
        (tunnelled, "poor", "its network is VXLAN, and poor has no tunnel_address"),
        (network, "nowhere", "no agent lives on nowhere"),
    ):
        port = site.port(where, host)
        assert port["binding:vif_type"] == "binding_failed"
        assert site.stands(port["id"]) == ("neutron", f"DOWN; binding_failed on {host}: {why}")
        site.neutron.delete("port", port["id"])
    site.with_etcd(lambda etcd: etcd.delete("/weft/" + keys.agent("poor")))
    wait_for(lambda: len(site.alive()) == 2, SOON, "two agents again")
    [dead] = [agent for agent in site.neutron.list("agent") if not agent["alive"]]
    site.neutron.delete("agent", dead["id"])


def test_agents_are_in_neutrons_list(site: Site) -> None:
    agents = {each["host"]: each for each in site.alive()}
    assert agents.keys() == {"h1", "h2"}
    said = agents["h1"]["configurations"]
    assert (said["physnets"], said["tunnels"]) == ({"physnet1": "pg0"}, True)
    assert said["version"] and said["forwarder"].startswith("vpe 26.06")
    ports = [site.port(site.network(name="counted")) for _ in range(2)]

    def counted() -> bool:
        [agent] = site.neutron.list("agent", "host=h1")
        return bool(agent["configurations"]["devices"] == 2)

    wait_for(counted, SOON, "the ports counted at a heartbeat")
    for port in ports:
        site.neutron.delete("port", port["id"])


def test_dhcp_and_router_ports_are_taps(site: Site) -> None:
    port = site.port(site.network(name="dhcp"), device_owner="network:dhcp", device_id="d")
    assert port["binding:vif_type"] == "tap"
    wait_for(lambda: site.record("h1", port["id"]), SOON, "the record")
    record = site.record("h1", port["id"])
    assert record and record.attachment == records.HostInterface("tap" + port["id"][:11])
    site.neutron.delete("port", port["id"])


def test_the_new_host_is_wired_before_the_old_one_is_unwired(site: Site) -> None:
    """And Nova hears when it is, as it does when a port begins to forward: network-vif-plugged."""
    port = site.port(site.network(name="migration"))
    site.status(port, "ACTIVE")
    number, tag = port["id"], f"weft:port:{port['id']}"
    wait_for(lambda: site.nova.plugged(number) == 1, SOON, "Nova told that the port forwards")
    binding = {"binding": {"host": "h2", "vnic_type": "normal"}}
    made = site.neutron.call("POST", f"ports/{number}/bindings", binding)["binding"]
    assert made["vif_type"] == "vhostuser" and made["status"] == "INACTIVE"
    wait_for(lambda: tag in site.nodes[1].tags(), SOON, "the port on h2")
    assert tag in site.nodes[0].tags()
    wait_for(lambda: site.nova.plugged(number) == 2, SOON, "Nova told that the port forwards on h2")
    assert site.neutron.show("port", number)["status"] == "ACTIVE"
    site.neutron.call("PUT", f"ports/{number}/bindings/h2/activate")
    wait_for(lambda: tag not in site.nodes[0].tags(), SOON, "the port gone from h1")
    assert tag in site.nodes[1].tags()
    site.status(port, "ACTIVE")
    back = {"binding": {"host": "h1", "vnic_type": "normal"}}
    site.neutron.call("DELETE", f"ports/{number}/bindings/h1")
    site.neutron.call("POST", f"ports/{number}/bindings", back)
    wait_for(lambda: tag in site.nodes[0].tags(), SOON, "the port on h1 again")
    site.neutron.call("DELETE", f"ports/{number}/bindings/h1")  # the migration is given up
    wait_for(lambda: tag not in site.nodes[0].tags(), SOON, "the port gone from h1 again")
    site.neutron.delete("port", number)
    site.agree()


def test_a_trunk_with_sub_ports(site: Site) -> None:
    """Its sub-ports are where its parent is, also when that migrates; its status is that of all."""
    parent = site.port(site.network(name="parent"))
    subs = [site.neutron.create("port", network_id=site.network(name="sub")["id"]) for _ in range(2)]
    tags = {f"weft:port:{each['id']}" for each in (parent, *subs)}

    def sub(index: int) -> dict[str, Any]:
        return {"port_id": subs[index]["id"], "segmentation_type": "vlan", "segmentation_id": 10 + index}

    trunk = site.neutron.create("trunk", port_id=parent["id"], sub_ports=[sub(0)])

    def status(wanted: str) -> None:
        wait_for(lambda: site.neutron.show("trunk", trunk["id"])["status"] == wanted, SOON, f"the trunk {wanted}")

    site.neutron.call("PUT", f"trunks/{trunk['id']}/add_subports", {"sub_ports": [sub(1)]})
    for each in subs:
        site.status(each, "ACTIVE")
    record = site.record("h1", subs[1]["id"])
    assert record and record.attachment == records.SubPort(parent["id"], 11)
    status("ACTIVE")
    site.neutron.update("port", subs[0]["id"], admin_state_up=False)
    status("BUILD")
    site.neutron.update("port", parent["id"], admin_state_up=False)
    status("DOWN")
    for each in (parent, subs[0]):
        site.neutron.update("port", each["id"], admin_state_up=True)
    status("ACTIVE")
    site.neutron.call("POST", f"ports/{parent['id']}/bindings", {"binding": {"host": "h2", "vnic_type": "normal"}})
    site.neutron.call("PUT", f"ports/{parent['id']}/bindings/h2/activate")
    site.neutron.call("DELETE", f"ports/{parent['id']}/bindings/h1")
    wait_for(lambda: tags <= site.nodes[1].tags(), SOON, "all on h2")
    wait_for(lambda: not tags & site.nodes[0].tags(), SOON, "none on h1")
    status("ACTIVE")
    site.neutron.call("PUT", f"trunks/{trunk['id']}/remove_subports", {"sub_ports": [{"port_id": subs[1]["id"]}]})
    wait_for(lambda: f"weft:port:{subs[1]['id']}" not in site.nodes[1].tags(), SOON, "the sub-port gone")
    site.neutron.delete("trunk", trunk["id"])
    wait_for(lambda: f"weft:port:{subs[0]['id']}" not in site.nodes[1].tags(), SOON, "both sub-ports gone")
    for each in (parent, *subs):
        site.neutron.delete("port", each["id"])
    site.agree()


def test_a_host_whose_agent_or_forwarder_is_dead(site: Site) -> None:
    """Without an agent ports stay as they are, and none is bound; without a forwarder they are DOWN meanwhile."""
    network = site.network(name="dead")
    first, second = site.port(network, "h1"), site.port(network, "h2")
    for port in (first, second):
        site.status(port, "ACTIVE")
    forwarder, agent = site.nodes[0].engine, site.nodes[1].agent
    for process in (forwarder, agent):
        process.kill()
    try:
        site.status(first, "DOWN")
        step, text = site.stands(first["id"])
        assert step == "agent" and "nothing listens at" in text
        wait_for(
            lambda: [each["host"] for each in site.alive()] == ["h1"], SOON, "the agent of h2 dead in Neutron's list"
        )
        assert site.neutron.show("port", second["id"])["status"] == "ACTIVE"
        assert site.stands(second["id"]) == ("agent", "no agent lives on h2")
        third = site.port(network, "h2")
        assert third["binding:vif_type"] == "binding_failed"
        assert site.stands(third["id"]) == ("neutron", "DOWN; binding_failed on h2: no agent lives on h2")
    finally:
        for process in (forwarder, agent):
            process.start()
    site.status(first, "ACTIVE")
    wait_for(lambda: len(site.alive()) == 2, SOON, "both agents alive")
    for host in ("", "h2"):
        site.neutron.update("port", third["id"], **{"binding:host_id": host})
    for port in (first, second, third):
        site.status(port, "ACTIVE")
        site.neutron.delete("port", port["id"])
    site.agree()


def test_a_second_agent_of_a_host_refuses(site: Site) -> None:
    """One with a lock of its own, as on another machine, and one that finds the first one's lock."""
    node = site.nodes[0]
    twin = node.folder / "twin.conf"
    twin.write_text(node.configuration.read_text().replace(f"{node.folder}/state", f"{node.folder}/twin"))
    for configuration, said in (
        (twin, "another agent for h1 lives: on "),
        (node.configuration, "runs on this machine"),
    ):
        command = (*node.agent.command[:-1], str(configuration))
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 1 and said in done.stderr, done.stderr


def test_what_is_no_record_below_state_changes_nothing_else(site: Site) -> None:
    """What a host that somebody has taken over may write: its own ports keep their status, others are told of."""
    network = site.network(name="hostile")
    first, second = site.port(network, "h1"), site.port(network, "h2")
    for port in (first, second):
        site.status(port, "ACTIVE")

    async def spoil(etcd: Any) -> None:
        for port, value in ((first["id"], b"\xff"), (second["id"], b"[]"), ("x" * 36, b"{}"), ("../agent", b"{}")):
            await etcd.put("/weft/" + keys.port_state("h1", port), value)
        for value in (b'{"status": "up"}', b"9" * 100_000, b'{"version": 2}'):
            await etcd.put("/weft/" + keys.agent("h3"), value)

    site.with_etcd(spoil)
    site.neutron.update("port", second["id"], admin_state_up=False)
    site.status(second, "DOWN")
    site.neutron.update("port", second["id"], admin_state_up=True)
    site.status(second, "ACTIVE")
    assert site.neutron.show("port", first["id"])["status"] == "ACTIVE"
    assert {each["host"] for each in site.neutron.list("agent")} == {"h1", "h2"}
    problems = json.loads(site.run("weft-status", "--json").stdout)["problems"]
    assert "/weft/" + keys.port_state("h1", first["id"]) in problems and "/weft/" + keys.agent("h3") in problems

    async def mend(etcd: Any) -> None:
        for port in (second["id"], "x" * 36, "../agent"):
            await etcd.delete("/weft/" + keys.port_state("h1", port))
        await etcd.delete("/weft/" + keys.agent("h3"))

    site.with_etcd(mend)
    site.neutron.update("port", first["id"], admin_state_up=False)  # what its agent says next replaces the nonsense
    site.status(first, "DOWN")
    for port in (first, second):
        site.neutron.delete("port", port["id"])
    site.agree()
