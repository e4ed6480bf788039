"""What follows changes one by one comes to the same as what looks at everything: wishes, forwarder and outcomes."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from tests.openstack.net import NETWORK, PORT, flat, location, port, vlan, vxlan
from tests.openstack.simulated import UPLINK, Simulated

from weft_openstack.agent import ledger as ledgers
from weft_openstack.agent.desired import Asks, HostFacts
from weft_openstack.agent.ledger import Changes, Ledger
from weft_openstack.agent.reconciler import Reconciler
from weft_openstack.store import records
from weft_openstack.store.etcd import Item

PORTS, PARENTS, HOSTS, NETWORKS = 8, 5, ("h1", "h2", "h3"), (5000, 5001)


class Store:
    """Records that change at random, as etcd would show them."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.chosen, self.folder, self.revision = random.Random(seed), folder, 1
        self.facts = HostFacts("h1", {"physnet1": UPLINK}, str(folder), "192.0.2.1")
        self.ports: dict[str, Item] = {}
        self.networks: dict[str, dict[str, Item]] = {NETWORK.format(vni): {} for vni in NETWORKS}
        self.endpoints: dict[str, Item] = {}

    def item(self, record: records.Record | bytes) -> Item:
        self.revision += 1
        value = record if isinstance(record, bytes) else records.encode(record)
        return Item("", value, self.revision, self.revision, 0)

    def step(self) -> Changes:
        """Change something; what that was."""
        changes = Changes()
        for _ in range(self.chosen.choice((1, 1, 1, 3))):
            kind = self.chosen.choice(("port", "port", "port", "location", "location", "endpoint"))
            getattr(self, f"_{kind}")(changes)
        return changes

    def _port(self, changes: Changes) -> None:
        number = self.chosen.randrange(PORTS)
        name = PORT.format(number)
        changes.ports.add(name)
        if self.chosen.random() < 0.25:
            self.ports.pop(name, None)
            return
        segment = self.chosen.choice(
            (flat(), flat("nowhere"), vlan(100), vlan(101), *map(vxlan, NETWORKS), self._flat_too())
        )
        more: dict[str, object] = {"mtu": self.chosen.choice((1400, 1500)), "admin_up": self.chosen.random() < 0.8}
        if segment.type == "vxlan":
            more["active"] = self.chosen.random() < 0.8
        if number >= PARENTS and self.chosen.random() < 0.5:
            more["attachment"] = records.SubPort(PORT.format(self.chosen.randrange(PARENTS)), 7 + number)
        elif self.chosen.random() < 0.1:
            more["attachment"] = records.HostInterface(f"tap{number:08x}-00")
        malformed = self.chosen.random() < 0.1
        self.ports[name] = self.item(b"{nonsense" if malformed else port(number, segment, str(self.folder), **more))

    def _flat_too(self) -> records.Segment:
        """A second flat network on the same uplink, which only one can have."""
        return records.Segment(id="33333333-0000-0000-0000-000000000000", type="flat", physnet="physnet1")

    def _location(self, changes: Changes) -> None:
        network, number = NETWORK.format(self.chosen.choice(NETWORKS)), self.chosen.randrange(PORTS)
        changes.locations.add((network, PORT.format(number)))
        if self.chosen.random() < 0.25:
            self.networks[network].pop(PORT.format(number), None)
            return
        where = location(number, self.chosen.choice(HOSTS), f"10.0.0.{self.chosen.randrange(1, 5)}")
        self.networks[network][PORT.format(number)] = self.item(where if self.chosen.random() < 0.9 else b"[]")

    def _endpoint(self, changes: Changes) -> None:
        host = self.chosen.choice(HOSTS[1:])
        changes.hosts.add(host)
        if self.chosen.random() < 0.25:
            self.endpoints.pop(host, None)
            return
        self.endpoints[host] = self.item(records.Endpoint(address=f"192.0.2.{self.chosen.choice((1, 2, 3, 4))}"))

    def ledger(self) -> Ledger:
        return Ledger(self.facts, self.networks, self.endpoints)


@pytest.mark.parametrize("seed", range(20))
def test_a_ledger_that_follows_is_a_new_one(seed: int, tmp_path: Path) -> None:
    store = Store(seed, tmp_path)
    follows = store.ledger()
    for _ in range(40):
        follows.update(store.ports, store.step())
        assert follows.desired == store.ledger().build(store.ports)


@pytest.mark.parametrize("seed", range(20))
def test_rounds_about_what_changed_leave_nothing_to_do(seed: int, tmp_path: Path) -> None:
    """However the forwarder came to be as it is, a look at everything finds no difference, and the same outcomes."""
    store = Store(seed, tmp_path)

    async def program() -> None:
        forwarder = Simulated()
        await forwarder.connect()
        follows, reconciler = store.ledger(), Reconciler(forwarder, frozenset({UPLINK}))
        for _ in range(25):
            touched = follows.update(store.ports, store.step())
            await reconciler.round(follows.desired, touched)
            for failure in reconciler.failures.values():
                failure.again = 0.0
            while reconciler.stale or reconciler.next_try() == 0.0:  # as the agent does: at once, or at their next turn
                await reconciler.round(follows.desired)
            looks = Reconciler(forwarder, frozenset({UPLINK}))
            plan = await looks.plan(store.ledger().build(store.ports))
            assert {each.owner for each in plan.operations} <= reconciler.failures.keys()
            assert plan.problems == reconciler.problems
            await looks.round(follows.desired)
            assert looks.outcomes == reconciler.outcomes

    asyncio.run(program())


def test_a_change_costs_what_it_touches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside any number of ports, one that changes is the only one that is looked at."""
    store = Store(0, tmp_path)
    store.ports = {PORT.format(number): store.item(port(number, vlan(100), str(tmp_path))) for number in range(50)}
    looked: list[str] = []
    asks = ledgers.asks

    def counting(facts: HostFacts, name: str, item: Item) -> Asks:
        looked.append(name)
        return asks(facts, name, item)

    async def program() -> None:
        forwarder = Simulated()
        await forwarder.connect()
        follows, reconciler = store.ledger(), Reconciler(forwarder, frozenset({UPLINK}))
        assert await reconciler.round(follows.build(store.ports)) is None
        monkeypatch.setattr(ledgers, "asks", counting)
        forwarder.asked.clear()
        store.ports[PORT.format(7)] = store.item(port(7, vlan(100), str(tmp_path), admin_up=False))
        touched = follows.update(store.ports, Changes(ports={PORT.format(7)}))
        assert await reconciler.round(follows.desired, touched) == {PORT.format(7)} == set(looked)
        assert forwarder.asked.keys() == {"sw_interface_set_flags"}  # it reads nothing either

    asyncio.run(program())
