"""Which messages the agent needs of a forwarder: VPP's own, those that it says it needs, and what it says without."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.openstack.net import NETWORK, PORT, flat, location, port, vlan, vxlan
from tests.openstack.simulated import UPLINK, Simulated

from weft_openstack.agent import tags
from weft_openstack.agent.actual import Vhost
from weft_openstack.agent.desired import Desired, HostFacts
from weft_openstack.agent.forwarder import FOR_HOST, FOR_VHOST, FOR_VXLAN, NEEDED, Refused
from weft_openstack.agent.ledger import Ledger
from weft_openstack.agent.reconciler import Reconciler
from weft_openstack.store import records
from weft_openstack.store.etcd import Item

REFERENCE = Path(os.environ.get("VPP_API", Path(__file__).resolve().parents[3] / "shared" / "vpp-api"))


def item(record: records.Record) -> Item:
    return Item("", records.encode(record), 1, 1, 0)


class Host:
    """A host whose forwarder is simulated."""

    def __init__(self, folder: Path, forwarder: Simulated) -> None:
        self.facts = HostFacts("h1", {"physnet1": UPLINK}, str(folder), "192.0.2.1")
        self.forwarder, self.reconciler = forwarder, Reconciler(forwarder, frozenset({UPLINK}))

    def port(self, number: int, segment: records.Segment, **fields: object) -> records.Port:
        return port(number, segment, self.facts.vhost_user_dir, mtu=1450, **fields)

    def desired(self, *ports: records.Port, places: tuple[records.Location, ...] = ()) -> Desired:
        there = {f"h{number}": item(records.Endpoint(address=f"192.0.2.{number}")) for number in (2, 3)}
        networks = {NETWORK.format(5000): {PORT.format(n): item(each) for n, each in enumerate(places, 100)}}
        return Ledger(self.facts, networks, there).build({PORT.format(n): item(each) for n, each in enumerate(ports)})

    async def round(self, desired: Desired) -> dict[str, str]:
        """Make it so; the reason for which each port is not up."""
        await self.reconciler.round(desired)
        outcomes = self.reconciler.outcomes
        assert (await self.forwarder.read()) is not None
        return {port: outcome.reason for port, outcome in outcomes.items() if outcome.status != "up"}


async def all_there_is(host: Host) -> None:
    """Each kind of network, port and change."""
    vm, moved = host.port(1, vlan(100)), host.port(1, flat())
    device = host.port(2, vlan(100), attachment=records.HostInterface("tap01234567-89"))
    sub = host.port(3, vlan(200), attachment=records.SubPort(PORT.format(0), 7))
    far = host.port(4, vxlan(5000))
    for places in ((location(9, "h2", "10.0.0.9"),), (location(9, "h3", "10.0.0.8"), location(8, "h2"))):
        assert await host.round(host.desired(vm, device, sub, far, places=places)) == {}
    host.facts = replace(host.facts, mac_age=9)
    bridge = host.reconciler.actual.bridge(tags.bridge(far.segment.id))
    assert bridge is not None
    bridge.arp_term = False
    assert await host.round(host.desired(moved, device, sub, far)) == {}
    await host.round(host.desired())


def test_the_agent_sends_what_it_says_it_needs_and_vpp_has_it(tmp_path: Path) -> None:
    """All messages, and no others; with fields that VPP's messages have."""
    forwarder = Simulated()

    async def program() -> None:
        await forwarder.connect()
        await all_there_is(Host(tmp_path, forwarder))
        await forwarder.close()

    asyncio.run(program())
    assert forwarder.asked.keys() == {*NEEDED, *FOR_VHOST, *FOR_HOST, *FOR_VXLAN}
    if not REFERENCE.is_dir():
        pytest.skip(f"VPP's API is not at {REFERENCE}")
    vpp = {
        name: {field[1] for field in fields if isinstance(field, list)}
        for path in REFERENCE.glob("*.api.json")
        for name, *fields in json.loads(path.read_text())["messages"]
    }
    assert {name: fields - vpp[name] for name, fields in forwarder.asked.items() if fields - vpp[name]} == {}


def test_a_message_that_no_agent_can_do_without() -> None:
    async def program() -> None:
        with pytest.raises(Refused, match="does not have create_vlan_subif, bridge_flags"):
            await Simulated(without=("create_vlan_subif", "bridge_flags", "vxlan_add_del_tunnel_v3")).connect()

    asyncio.run(program())


def test_a_message_that_some_ports_cannot_do_without(tmp_path: Path) -> None:
    """The port says which one; others go on."""

    async def program() -> None:
        forwarder = Simulated(without=("create_vhost_user_if_v2",))
        await forwarder.connect()
        host = Host(tmp_path, forwarder)
        vm, device = host.port(1, vlan(1)), host.port(2, vlan(1), attachment=records.HostInterface("tap01234567-89"))
        what = Vhost(f"{tmp_path}/{PORT.format(1)}")
        said = f"make {what} for {tags.port(PORT.format(0))}: the forwarder has no message create_vhost_user_if_v2"
        assert await host.round(host.desired(vm, device)) == {PORT.format(0): said}

    asyncio.run(program())


class Slow(Simulated):
    """Answers nothing before all has come that is sent without an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = 0  #: how often something waited for answers
        self._answers: list[tuple[asyncio.Future[Any], Any]] = []

    def _message(self, name: str) -> Callable[..., asyncio.Future[Any]]:
        send = super()._message(name)

        def hold(**fields: Any) -> asyncio.Future[Any]:
            if not self._answers:
                asyncio.get_running_loop().call_later(0.01, self._answer)
            answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self._answers.append((answer, send(**fields).result()))
            return answer

        return hold

    def _answer(self) -> None:
        answers, self._answers = self._answers, []
        self.waits += 1
        for answer, value in answers:
            answer.set_result(value)


def test_messages_do_not_wait_for_what_they_do_not_need(tmp_path: Path) -> None:
    """Many ports wait for answers no more often than one does: for numbers of interfaces, and at last for all."""

    async def program(count: int) -> int:
        forwarder = Slow()
        await forwarder.connect()
        host = Host(tmp_path, forwarder)
        await host.reconciler.round(host.desired())  # all is read
        before = forwarder.waits
        ports = [host.port(number, vlan(1 + number % 5)) for number in range(count)]
        await host.reconciler.round(host.desired(*ports))
        assert len(host.reconciler.outcomes) == count and not host.reconciler.failed
        return forwarder.waits - before

    # Bridge domains and interfaces are made, and shown; then sub-interfaces, and tagged; then all is wired.
    assert asyncio.run(program(1)) == asyncio.run(program(20)) == 5
