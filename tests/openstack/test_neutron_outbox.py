"""What reaches etcd from a real Neutron, whatever dies, hangs, fills up or is changed meanwhile."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from tests.openstack.site import SOON, Site, environment
from tests.openstack.storm import kill_each, storm

from weft_openstack.lab.process import wait_for
from weft_openstack.store import keys, lease, records
from weft_openstack.store.etcd import Etcd, Full

pytestmark = pytest.mark.skipif(environment() is None, reason="WEFT_NEUTRON does not say where Neutron is installed")


def test_ports_are_made_while_etcd_is_away(site: Site) -> None:
    network = site.network(name="away")
    site.etcd.process.kill()
    began = time.monotonic()
    ports = [site.port(network) for _ in range(3)]
    assert {port["binding:vif_type"] for port in ports} == {"vhostuser"}
    assert time.monotonic() - began < 45, "the API waited for etcd"
    site.neutron.delete("port", ports[0]["id"])
    site.etcd.process.start()
    for port in ports[1:]:
        site.status(port, "ACTIVE")
        site.neutron.delete("port", port["id"])
    site.agree()


def test_an_etcd_that_answers_nobody_and_then_has_forgotten_leases_and_history(site: Site) -> None:
    """As after an hour: what agents said is gone with their leases, and what happened meanwhile is compacted. Neutron
    waits for nothing, the hosts go on, and all is done when etcd answers again."""
    network = site.network(name="silent")
    kept, changed, gone = (site.port(network, host) for host in ("h1", "h2", "h1"))
    for port in (kept, changed, gone):
        site.status(port, "ACTIVE")
    leases = {item.lease for item in site.items("state/").values()}
    assert site.etcd.process.running is not None
    number = site.etcd.process.running.pid
    os.killpg(number, signal.SIGSTOP)
    try:
        began = time.monotonic()
        came = site.port(network, "h2")
        site.neutron.update("port", changed["id"], admin_state_up=False)
        site.neutron.delete("port", gone["id"])
        assert time.monotonic() - began < 45, "the API waited for etcd"
        assert came["binding:vif_type"] == "vhostuser"
        time.sleep(began + lease.SECONDS + 5 - time.monotonic())
        assert site.neutron.show("port", kept["id"])["status"] == "ACTIVE"
        assert {f"weft:port:{port['id']}" for port in (kept, gone)} <= site.nodes[0].tags()
    finally:
        os.killpg(number, signal.SIGCONT)
    revision = json.loads(site.etcdctl("endpoint", "status", "-w", "json"))[0]["Status"]["header"]["revision"]
    site.etcdctl("compact", "--physical", str(revision))
    site.status(came, "ACTIVE")
    site.status(changed, "DOWN")
    assert site.neutron.show("port", kept["id"])["status"] == "ACTIVE"
    assert leases.isdisjoint(item.lease for item in site.items("state/").values())
    site.neutron.update("port", changed["id"], admin_state_up=True)
    site.status(changed, "ACTIVE")
    site.agree()
    for port in (kept, changed, came):
        site.neutron.delete("port", port["id"])


def test_the_audit_finds_and_repairs_each_kind_of_difference(site: Site) -> None:
    """Missing, changed, unreadable, of a port that there is not, no key of ours; of ports and of their locations."""
    network = site.network(name="audit", **{"provider:network_type": "vxlan"})
    ports = [site.port(network) for _ in range(3)]
    for port in ports:
        site.status(port, "ACTIVE")
    nobody = "33333333-0000-0000-0000-000000000001"
    record = site.record("h1", ports[0]["id"])
    assert record

    def there() -> dict[str, Any]:
        """What is in etcd, without what changes where nothing else does."""
        items = {path: item for part in keys.DESIRED for path, item in site.items(part).items()}
        return {path: msgspec.json.decode(item.value) | {"written": 0, "revision": 0} for path, item in items.items()}

    # What agents say of spoilt keys makes Neutron note them, which repairs them: here only the audit is to do that.
    for node in site.nodes:
        node.agent.stop()
    wait_for(lambda: site.sql("SELECT COUNT(*) FROM weft_outbox") == "0", SOON, "nothing waits to be copied")
    before = there()
    lost, other, nonsense = (keys.port("h1", port["id"]) for port in ports)
    nowhere, elsewhere, strange = (keys.location(network["id"], port["id"]) for port in ports)
    moved = records.Location(revision=10**9, host="h2", mac=record.mac)
    spoilt: dict[str, tuple[bytes | None, str]] = {
        lost: (None, "is missing"),
        other: (records.encode(msgspec.structs.replace(record, mac="fa:16:3e:00:00:01")), "holds something else"),
        nonsense: (b"nonsense", "holds something else"),
        nowhere: (None, "is missing"),
        strange: (b"{}", "holds something else"),
        keys.port("h1", nobody): (records.encode(record), "is there and should not be"),
        keys.port("h9", ports[0]["id"]): (records.encode(record), "is there and should not be"),
        keys.location(nobody, nobody): (records.encode(moved), "is there and should not be"),
        "hosts/h1/what is this": (b"", "is there and should not be"),
    }
    assert before.keys() == {lost, other, nonsense, nowhere, elsewhere, strange}

    async def spoil(etcd: Etcd) -> None:
        for path, (value, _) in spoilt.items():
            await (etcd.delete("/weft/" + path) if value is None else etcd.put("/weft/" + path, value))

    def said(*options: str) -> tuple[int, dict[str, str]]:
        done = site.run("weft-neutron", "audit", "--json", *options)
        return done.returncode, {each["key"]: each["what"] for each in json.loads(done.stdout)}

    site.with_etcd(spoil)
    wanted = {path: what for path, (_, what) in spoilt.items()}
    assert said("--check") == (1, wanted)
    assert said("--check") == (1, wanted)  # which repaired nothing
    assert site.stands(ports[0]["id"]) == (
        "etcd", f"/weft/{lost} is missing, and nothing waits to write it; `weft-neutron audit` repairs that"
    )  # fmt: skip
    assert said() == (0, wanted)
    assert said("--check") == (0, {})
    assert there() == before
    for node in site.nodes:
        node.agent.start()
    for port in ports:
        site.status(port, "ACTIVE")
        site.neutron.delete("port", port["id"])
    site.agree()


def test_the_audit_is_made_now_and_then_without_being_asked_for(site: Site) -> None:
    text = site.neutron.configuration.read_text()
    port = site.port(site.network(name="periodic"))
    site.status(port, "ACTIVE")
    try:
        site.neutron.configuration.write_text(text.replace("audit_interval = 3600", "audit_interval = 2"))
        site.neutron.api.stop()
        site.neutron.api.start()
        site.with_etcd(lambda etcd: etcd.delete("/weft/" + keys.port("h1", port["id"])))
        wait_for(lambda: site.record("h1", port["id"]), SOON, "the key again")
    finally:
        site.neutron.configuration.write_text(text)
        site.neutron.api.stop()
        site.neutron.api.start()
    site.neutron.delete("port", port["id"])
    site.agree()


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
    wait_for(lambda: site.sql("SELECT COUNT(*) FROM weft_outbox") == "0", SOON, "all copied")
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
    wait_for(lambda: said in site.sql("SELECT error FROM weft_outbox"), SOON, "the reason")
    other = site.port(site.network(name="beside"))
    site.status(other, "ACTIVE")  # what cannot be copied holds up no other
    site.neutron.delete("port", other["id"])
    assert site.record("h1", port["id"]) == newer
    site.neutron.delete("port", port["id"])  # a key that is to go goes whatever it holds
    site.agree()


def test_a_clock_that_is_set_back_holds_nothing_up(site: Site) -> None:
    """What waits for a turn that was noted by the clock of before, an hour away now."""
    network = site.network(name="clock")
    site.etcd.process.kill()
    port = site.port(network)
    wait_for(lambda: site.sql("SELECT COUNT(*) FROM weft_outbox WHERE attempts > 0") != "0", SOON, "an attempt to copy")
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
        return {step: text for step, state, text in site.why(came["id"]) if state == "wrong"}

    wait_for(lambda: "database space exceeded" in why().get("outbox", ""), SOON, "the reason")
    assert {each["id"] for each in site.neutron.list("port", "status=ACTIVE")} >= {kept["id"]}
    site.etcdctl("del", "--prefix", "/junk")
    revision = json.loads(site.etcdctl("endpoint", "status", "-w", "json"))[0]["Status"]["header"]["revision"]
    site.etcdctl("compact", str(revision))
    site.etcdctl("defrag")
    assert "database space exceeded" in why()["outbox"]  # until somebody disarms the alarm
    site.etcdctl("alarm", "disarm")
    site.status(came, "ACTIVE")
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
