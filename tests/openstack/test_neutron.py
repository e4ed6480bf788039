"""The driver inside a real Neutron, with a real database, etcd, agents and engines: ``make test-openstack``."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.openstack.site import Site, environment
from tests.openstack.storm import kill_each, storm

from weft_openstack.lab.process import wait_for
from weft_openstack.store import keys, records
from weft_openstack.store.etcd import Etcd, Full

pytestmark = pytest.mark.skipif(environment() is None, reason="WEFT_NEUTRON does not say where Neutron is installed")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Not in pytest's folder, which other runs of pytest close to the database's user."""
    where = environment()
    assert where is not None
    with tempfile.TemporaryDirectory(prefix="weft-site-") as folder, Site(Path(folder), where).running() as running:
        yield running


def test_a_port_is_bound_becomes_active_and_goes(site: Site) -> None:
    network = site.network(name="one")
    port = site.port(network)
    details = port["binding:vif_details"]
    assert port["binding:vif_type"] == "vhostuser"
    assert details["vhostuser_socket"] == f"{site.nodes[0].folder}/{port['id']}"
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
    address = f"{network['cidr'].rpartition('.')[0]}.77"
    changes: dict[str, Any] = {
        "admin_state_up": False,
        "fixed_ips": [{"ip_address": address}],
        "allowed_address_pairs": [{"ip_address": "10.9.9.0/24", "mac_address": "fa:16:3e:00:00:99"}],
    }
    site.neutron.update("port", port["id"], **changes)
    site.status(port, "DOWN")
    record = site.record("h1", port["id"])
    assert record and not record.admin_up and record.ips == (address,)
    assert [(pair.mac, pair.ip) for pair in record.pairs] == [("fa:16:3e:00:00:99", "10.9.9.0/24")]
    site.neutron.update("port", port["id"], admin_state_up=True)
    site.status(port, "ACTIVE")
    site.neutron.update("network", network["id"], mtu=1400)
    wait_for(lambda: site.nodes[0].mtu(f"weft:port:{port['id']}") == 1400, 20, "the MTU in the forwarder")
    site.neutron.delete("port", port["id"])


def test_what_no_host_can_do_is_not_bound(site: Site) -> None:
    elsewhere = site.network(name="else", **{"provider:network_type": "flat", "provider:physical_network": "physnet9"})
    assert site.port(elsewhere)["binding:vif_type"] == "binding_failed"
    network = site.network(name="one")
    assert site.port(network, "nowhere")["binding:vif_type"] == "binding_failed"
    tunnelled = site.network(name="vxlan", **{"provider:network_type": "vxlan"})
    assert site.port(tunnelled)["binding:vif_type"] == "binding_failed"  # no host has an address for tunnels
    for port in site.neutron.list("port"):
        site.neutron.delete("port", port["id"])


def test_agents_are_in_neutrons_list(site: Site) -> None:
    agents = {each["host"]: each for each in site.alive()}
    assert agents.keys() == {"h1", "h2"}
    said = agents["h1"]["configurations"]
    assert (said["physnets"], said["tunnels"]) == ({"physnet1": "pg0"}, False)
    assert said["version"] and said["forwarder"].startswith("vpe 26.06")
    ports = [site.port(site.network(name="counted")) for _ in range(2)]

    def counted() -> bool:
        [agent] = site.neutron.list("agent", "host=h1")
        return bool(agent["configurations"]["devices"] == 2)

    wait_for(counted, 40, "the ports counted at a heartbeat")
    for port in ports:
        site.neutron.delete("port", port["id"])


def test_dhcp_and_router_ports_are_taps(site: Site) -> None:
    port = site.port(site.network(name="dhcp"), device_owner="network:dhcp", device_id="d")
    assert port["binding:vif_type"] == "tap"
    wait_for(lambda: site.record("h1", port["id"]), 20, "the record")
    record = site.record("h1", port["id"])
    assert record and record.attachment == records.HostInterface("tap" + port["id"][:11])
    site.neutron.delete("port", port["id"])


def test_the_new_host_is_wired_before_the_old_one_is_unwired(site: Site) -> None:
    """And Nova hears when it is, as it does when a port begins to forward: network-vif-plugged."""
    port = site.port(site.network(name="migration"))
    site.status(port, "ACTIVE")
    number, tag = port["id"], f"weft:port:{port['id']}"
    wait_for(lambda: site.nova.plugged(number) == 1, 20, "Nova told that the port forwards")
    binding = {"binding": {"host": "h2", "vnic_type": "normal"}}
    made = site.neutron.call("POST", f"ports/{number}/bindings", binding)["binding"]
    assert made["vif_type"] == "vhostuser" and made["status"] == "INACTIVE"
    wait_for(lambda: tag in site.nodes[1].tags(), 20, "the port on h2")
    assert tag in site.nodes[0].tags()
    wait_for(lambda: site.nova.plugged(number) == 2, 20, "Nova told that the port forwards on h2")
    assert site.neutron.show("port", number)["status"] == "ACTIVE"
    site.neutron.call("PUT", f"ports/{number}/bindings/h2/activate")
    wait_for(lambda: tag not in site.nodes[0].tags(), 20, "the port gone from h1")
    assert tag in site.nodes[1].tags()
    site.status(port, "ACTIVE")
    back = {"binding": {"host": "h1", "vnic_type": "normal"}}
    site.neutron.call("DELETE", f"ports/{number}/bindings/h1")
    site.neutron.call("POST", f"ports/{number}/bindings", back)
    wait_for(lambda: tag in site.nodes[0].tags(), 20, "the port on h1 again")
    site.neutron.call("DELETE", f"ports/{number}/bindings/h1")  # the migration is given up
    wait_for(lambda: tag not in site.nodes[0].tags(), 20, "the port gone from h1 again")
    site.neutron.delete("port", number)
    site.agree()


def test_a_trunk_with_sub_ports(site: Site) -> None:
    parent = site.port(site.network(name="parent"))
    subs = [site.neutron.create("port", network_id=site.network(name="sub")["id"]) for _ in range(2)]

    def sub(index: int) -> dict[str, Any]:
        return {"port_id": subs[index]["id"], "segmentation_type": "vlan", "segmentation_id": 10 + index}

    trunk = site.neutron.create("trunk", port_id=parent["id"], sub_ports=[sub(0)])
    site.neutron.call("PUT", f"trunks/{trunk['id']}/add_subports", {"sub_ports": [sub(1)]})
    for each in subs:
        site.status(each, "ACTIVE")
    record = site.record("h1", subs[1]["id"])
    assert record and record.attachment == records.SubPort(parent["id"], 11)
    wait_for(lambda: site.neutron.show("trunk", trunk["id"])["status"] == "ACTIVE", 20, "the trunk ACTIVE")
    site.neutron.call("PUT", f"trunks/{trunk['id']}/remove_subports", {"sub_ports": [{"port_id": subs[1]["id"]}]})
    wait_for(lambda: f"weft:port:{subs[1]['id']}" not in site.nodes[0].tags(), 20, "the sub-port gone")
    site.neutron.delete("trunk", trunk["id"])
    wait_for(lambda: f"weft:port:{subs[0]['id']}" not in site.nodes[0].tags(), 20, "both sub-ports gone")
    for each in (parent, *subs):
        site.neutron.delete("port", each["id"])
    site.agree()


def test_ports_are_made_while_etcd_is_away(site: Site) -> None:
    network = site.network(name="away")
    site.etcd.process.kill()
    began = time.monotonic()
    ports = [site.port(network) for _ in range(3)]
    assert {port["binding:vif_type"] for port in ports} == {"vhostuser"}
    assert time.monotonic() - began < 30, "the API waited for etcd"
    site.neutron.delete("port", ports[0]["id"])
    site.etcd.process.start()
    for port in ports[1:]:
        site.status(port, "ACTIVE")
        site.neutron.delete("port", port["id"])
    site.agree()


def test_the_audit_repairs_what_somebody_changed(site: Site) -> None:
    network = site.network(name="audit")
    kept, lost = site.port(network), site.port(network)
    for port in (kept, lost):
        site.status(port, "ACTIVE")
    strange = keys.port("h1", "33333333-0000-0000-0000-000000000001")
    record = site.record("h1", kept["id"])
    assert record

    async def spoil(etcd: Any) -> None:
        await etcd.delete("/weft/" + keys.port("h1", lost["id"]))
        await etcd.put("/weft/" + keys.port("h1", kept["id"]), b"nonsense")
        await etcd.put("/weft/" + strange, records.encode(record))

    site.with_etcd(spoil)
    done = site.run("weft-neutron", "audit")
    assert done.returncode == 0, done.stderr
    site.agree()
    for port in (kept, lost):
        site.status(port, "ACTIVE")
    for port in (kept, lost):
        site.neutron.delete("port", port["id"])


def test_copies_may_be_made_twice_and_out_of_order(site: Site) -> None:
    """Several who copy all keys again and again, the last noted first, while ports change."""
    network = site.network(name="twice")
    ports = [site.port(network, host) for host in ("h1", "h2", "h1")]
    again = (
        "INSERT INTO weft_outbox (`key`, since, until, attempts, error) "
        "SELECT CONCAT('hosts/', host, '/ports/', port_id), 0, 0, 0, '' FROM ml2_port_bindings ORDER BY port_id DESC"
    )
    with ThreadPoolExecutor() as pool:
        for turn in range(3):
            jobs = [pool.submit(site.run, "weft-neutron", "audit") for _ in range(2)]
            for port in ports:
                site.neutron.update("port", port["id"], admin_state_up=turn != 1)
                site.sql(again)
            assert [job.result().returncode for job in jobs] == [0, 0]
    wait_for(lambda: site.sql("SELECT COUNT(*) FROM weft_outbox") == "0", 30, "all copied")
    site.agree()
    for port in ports:
        site.neutron.delete("port", port["id"])


def test_a_database_that_is_behind_is_not_copied(site: Site) -> None:
    """As where a replica lags: what etcd has is newer, and stays; the outbox says why."""
    port = site.port(site.network(name="behind"))
    site.status(port, "ACTIVE")
    key, record = keys.port("h1", port["id"]), site.record("h1", port["id"])
    assert record
    newer = msgspec.structs.replace(record, revision=record.revision + 1000, admin_up=False)
    site.with_etcd(lambda etcd: etcd.put("/weft/" + key, records.encode(newer)))
    site.neutron.update("port", port["id"], name="changed")
    said = f"etcd has revision {newer.revision}, the database"
    wait_for(lambda: said in site.sql("SELECT error FROM weft_outbox"), 20, "the reason")
    assert site.record("h1", port["id"]) == newer
    site.neutron.delete("port", port["id"])  # a key that is to go goes whatever it holds
    site.agree()


def test_a_clock_that_is_set_back_holds_nothing_up(site: Site) -> None:
    """What waits for a turn that was noted by the clock of before, an hour away now."""
    network = site.network(name="clock")
    site.etcd.process.kill()
    port = site.port(network)
    wait_for(lambda: site.sql("SELECT COUNT(*) FROM weft_outbox WHERE attempts > 0") != "0", 30, "an attempt to copy")
    site.etcd.process.start()
    site.sql("UPDATE weft_outbox SET until = UNIX_TIMESTAMP() + 3600, claim = 'somebody'")
    site.status(port, "ACTIVE")
    site.neutron.delete("port", port["id"])
    site.agree()


def test_an_etcd_that_is_full_loses_nothing(site: Site) -> None:
    """Alarm NOSPACE: Neutron goes on, the outbox keeps what changed, the status says why; when there is space and the
    alarm is disarmed, all is copied."""
    network = site.network(name="full")
    kept, changed, gone = (site.port(network) for _ in range(3))
    for port in (kept, changed, gone):
        site.status(port, "ACTIVE")
    command = site.etcd.process.command
    site.etcd.process.kill()
    site.etcd.process.command = (*command, "--quota-backend-bytes", str(8 << 20))
    site.etcd.process.start()
    site.with_etcd(fill_up)
    came = site.port(network)
    assert came["binding:vif_type"] == "vhostuser"
    site.neutron.update("port", changed["id"], admin_state_up=False)
    site.neutron.delete("port", gone["id"])

    def why() -> dict[str, str]:
        answers = json.loads(site.run("weft-status", "--json", "why", came["id"]).stdout)
        return {each["step"]: each["text"] for each in answers if each["state"] == "wrong"}

    wait_for(lambda: "database space exceeded" in why().get("outbox", ""), 30, "the reason")
    assert {each["id"] for each in site.neutron.list("port", "status=ACTIVE")} >= {kept["id"]}
    site.etcdctl("del", "--prefix", "/junk")
    revision = json.loads(site.etcdctl("endpoint", "status", "-w", "json"))[0]["Status"]["header"]["revision"]
    site.etcdctl("compact", str(revision))
    site.etcdctl("defrag")
    assert "database space exceeded" in why()["outbox"]  # until somebody disarms the alarm
    site.etcdctl("alarm", "disarm")
    site.status(came, "ACTIVE", 90)
    site.status(changed, "DOWN")
    site.neutron.update("port", changed["id"], admin_state_up=True)
    for port in (kept, changed, came):
        site.status(port, "ACTIVE")
        site.neutron.delete("port", port["id"])
    site.agree()
    site.etcd.process.kill()
    site.etcd.process.command = command
    site.etcd.process.start()


async def fill_up(etcd: Etcd) -> None:
    """Write until etcd takes no more."""
    with pytest.raises(Full):
        for number in range(1000):
            await etcd.put(f"/junk/{number}", bytes(500_000))


def test_everything_agrees_after_everything_was_killed(site: Site) -> None:
    """SIGKILL of agents, engines, etcd, the API worker and the database while ports come, change and go."""
    network = site.network(name="storm")
    victims = [site.etcd.process, site.neutron.api, site.database.process]
    victims += [node.agent for node in site.nodes] + [node.engine for node in site.nodes]
    with storm(site.neutron, lambda chosen: str(site.port(network, chosen.choice(("h1", "h2")))["id"])):
        kill_each(victims, seed=6)
    for port in site.neutron.list("port"):
        if port["binding:vif_type"] != "vhostuser":  # bound while its agent was dead: Nova would give it up
            site.neutron.delete("port", port["id"])
    assert site.neutron.list("port")
    site.agree()
