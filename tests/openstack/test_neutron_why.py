"""``weft-status why``: at which step a port of a real Neutron stands, for each step there is."""

from __future__ import annotations

import pytest
from tests.openstack.site import SOON, Site, environment

from weft_openstack.lab.process import wait_for
from weft_openstack.store import keys, records

pytestmark = pytest.mark.skipif(environment() is None, reason="WEFT_NEUTRON does not say where Neutron is installed")


def test_a_port_that_is_well_has_all_steps_down_to_its_counters(site: Site) -> None:
    port = site.port(site.network(name="well"))
    site.status(port, "ACTIVE")
    answers = site.why(port["id"], site.nodes[0])
    assert [(step, state) for step, state, _ in answers] == [
        (step, "well") for step in ("neutron", "outbox", "etcd", "agent", "port", "forwarder")
    ]
    said = {step: text for step, _, text in answers}
    assert said["neutron"] == "ACTIVE; bound on h1 as vhostuser (ACTIVE)"
    assert said["outbox"] == "nothing waits"
    assert said["etcd"].startswith(f"/weft/{keys.port('h1', port['id'])} of revision ")
    assert "lives on h1 since" in said["agent"] and "vpe 26.06" in said["agent"]
    assert said["port"].startswith("up since")
    assert "VirtualEthernet" in said["forwarder"] and "Counter" in said["forwarder"]
    step, state, text = site.why(port["id"], site.nodes[1])[-1]  # asked on another host
    assert (step, state) == ("forwarder", "unseen") and text.endswith("does not have it; ask on h1")
    site.neutron.delete("port", port["id"])


def test_a_port_that_there_is_not_and_one_that_is_on_no_host(site: Site) -> None:
    nobody = "44444444-0000-0000-0000-000000000001"
    assert site.stands(nobody) == ("neutron", f"there is no port {nobody}")
    port = site.neutron.create("port", network_id=site.network(name="unbound")["id"])
    said = "DOWN; not bound, as nobody has said on which host it is to be (binding:host_id)"
    assert site.stands(port["id"]) == ("neutron", said)
    site.neutron.delete("port", port["id"])


def test_a_row_of_the_outbox_that_cannot_be_copied(site: Site) -> None:
    """etcd was away when it was tried, and its next turn is not yet."""
    network = site.network(name="stuck")
    site.etcd.process.kill()
    port = site.port(network)
    key = keys.port("h1", port["id"])
    tried = f"SELECT COUNT(*) FROM weft_outbox WHERE `key` = '{key}' AND attempts > 0"
    wait_for(lambda: site.sql(tried) != "0", SOON, "an attempt to copy")
    step, text = site.stands(port["id"])  # while etcd is away, what the database says is there to be seen
    assert step == "outbox" and "failed to connect" in text
    assert site.why(port["id"])[-1][:2] == ("etcd", "wrong")
    site.sql("UPDATE weft_outbox SET until = UNIX_TIMESTAMP() + 25")  # nobody copies it while we look
    site.etcd.process.start()
    answers = site.why(port["id"])
    assert next(step for step, state, _ in answers if state != "well") == "outbox"
    rows = [text for step, state, text in answers if (step, state) == ("outbox", "wrong") and text.startswith(key)]
    assert rows and all(" waits since " in row and "tried " in row and "failed to connect" in row for row in rows)
    said = ("etcd", "waits", f"/weft/{key} is not there yet: it waits in the outbox")
    assert [answer for answer in answers if answer[0] == "etcd"] == [said]
    site.status(port, "ACTIVE")
    site.neutron.delete("port", port["id"])


def test_a_database_that_is_away(site: Site) -> None:
    """What else there is is told of."""
    port = site.port(site.network(name="nowhere to look"))
    site.status(port, "ACTIVE")
    site.database.process.kill()
    try:
        answers = site.why(port["id"])
        assert answers[0][:2] == ("neutron", "wrong") and "the database cannot be read: " in answers[0][2]
        assert [(step, state) for step, state, _ in answers[1:4]] == [
            ("etcd", "well"), ("agent", "well"), ("port", "well")
        ]  # fmt: skip
    finally:
        site.database.process.start()
    site.neutron.delete("port", port["id"])


def test_a_folder_of_sockets_that_is_missing(site: Site) -> None:
    """The port says what is left to do; it is made when the folder is there."""
    sockets = site.nodes[0].sockets
    away = sockets.rename(sockets.with_name("away"))
    try:
        port = site.port(site.network(name="folder"))
        said = keys.port_state("h1", port["id"])
        wait_for(lambda: said in site.items("state/"), SOON, "the agent's word")
        answers = site.why(port["id"])
        step, _, text = next(answer for answer in answers if answer[1] != "well")
        assert step == "port" and text.startswith("failed since")
        assert text.endswith(f"the folder of its socket, {sockets}, is not there")
        plans = [text for step, _, text in answers if step == "plan"]
        assert f"make vhost-user interface on {sockets}/{port['id']} for weft:port:{port['id']}" in plans
        assert site.neutron.show("port", port["id"])["status"] == "DOWN"
    finally:
        away.rename(sockets)
    site.status(port, "ACTIVE")
    site.neutron.delete("port", port["id"])


def test_a_key_that_holds_what_is_no_record(site: Site) -> None:
    """Of a port whose status does not change by that: else its key is looked at, and written anew, at once."""
    port = site.port(site.network(name="nonsense"), admin_state_up=False)
    key = "/weft/" + keys.port("h1", port["id"])

    def says(status: str) -> bool:
        item = site.items("state/").get(keys.port_state("h1", port["id"]))
        return item is not None and records.decode(records.PortState, item.value).status == status

    wait_for(lambda: says("down"), SOON, "the port down")
    site.with_etcd(lambda etcd: etcd.put(key, b"nonsense"))
    wait_for(lambda: says("failed"), SOON, "the agent's word")
    wrong = {step: text for step, state, text in site.why(port["id"]) if state == "wrong"}
    assert wrong.keys() == {"etcd", "port"}
    assert wrong["etcd"].startswith(f"{key} of revision ") and "no port: JSON is malformed" in wrong["etcd"]
    assert wrong["port"].startswith("failed since") and "no port: JSON is malformed" in wrong["port"]
    assert site.run("weft-neutron", "audit").returncode == 0
    wait_for(lambda: says("down"), SOON, "the port down again")
    assert site.stands(port["id"]) == ("", "")
    site.neutron.delete("port", port["id"])
