"""An agent whose surroundings misbehave: clocks that jump, an etcd that loses members. Its forwarder is simulated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.openstack.net import NETWORK, PORT, location, port, put_ports, vlan, vxlan
from tests.openstack.simulated import UPLINK, Simulated
from tests.openstack.waiting import eventually

from weft_openstack.agent import agent as agents
from weft_openstack.agent import presence, publisher, reconciler
from weft_openstack.agent.actual import Tunnel
from weft_openstack.agent.agent import Agent, Config
from weft_openstack.agent.desired import HostFacts
from weft_openstack.lab.services import EtcdServer
from weft_openstack.status import report, why
from weft_openstack.store import keys, lease, records
from weft_openstack.store.etcd import Etcd, Settings, Unreachable


class Host:
    """An agent with a lease of two seconds, and a client that writes what Neutron would."""

    def __init__(self, etcd: Etcd, agent: Agent, prefix: str, folder: Path) -> None:
        self.etcd, self.agent, self.prefix, self.folder = etcd, agent, prefix, folder

    async def port_comes_up(self, number: int) -> records.PortState:
        """Write a port, as often as it takes, and wait until the agent says that it is up."""

        async def written() -> bool:
            with suppress(Unreachable):
                await put_ports(self.etcd, self.prefix, "h1", {number: port(number, vlan(100), str(self.folder))})
                return True
            return False

        async def up() -> records.PortState | None:
            with suppress(Unreachable):
                state = await self.state(number)
                return state if state and state.status == "up" else None
            return None

        await eventually(written, 30)
        found = await eventually(up, 30)
        assert found
        return found

    async def state(self, number: int) -> records.PortState | None:
        item = await self.etcd.get(self.prefix + keys.port_state("h1", PORT.format(number)))
        return records.read(records.PortState, item) if item else None


@asynccontextmanager
async def running(
    store: Settings, prefix: str, folder: Path, without: Collection[str] = (), **more: Any
) -> AsyncIterator[Host]:
    """`without`: messages that the forwarder does not know."""
    facts = HostFacts("h1", {"physnet1": UPLINK}, str(folder), **more)
    agent = Agent(Config(facts, store, prefix, "simulated", "machine", lease_seconds=2), forwarder=Simulated(without))
    async with Etcd(store) as etcd:
        task = asyncio.create_task(agent.run())
        try:
            yield Host(etcd, agent, prefix, folder)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def test_a_clock_that_jumps(store: Settings, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour on, then two back. Lease and ports stay; what is said of a port keeps its time; new ports come up."""
    ahead = 0.0
    clock = SimpleNamespace(time=lambda: time.time() + ahead, monotonic=time.monotonic)
    for module in (agents, lease, presence, publisher, reconciler, why):
        monkeypatch.setattr(module, "time", clock)  # not for gRPC, which compares it with the machine's

    async def program() -> None:
        nonlocal ahead
        async with running(store, prefix, tmp_path) as host:
            first = await host.port_comes_up(1)
            held, record = host.agent.lease.id, await host.etcd.get(prefix + keys.agent("h1"))
            ahead = 3600.0
            second = await host.port_comes_up(2)
            await asyncio.sleep(2.5)  # longer than the lease lasts by itself
            ahead = -3600.0
            third = await host.port_comes_up(3)
            await asyncio.sleep(2.5)
            assert third.since < first.since < second.since
            assert [await host.state(number) for number in (1, 2)] == [first, second]
            assert host.agent.lease.id == held
            now = await host.etcd.get(prefix + keys.agent("h1"))
            assert record and now and now.created == record.created  # it was never gone
            shown = await report.read(host.etcd, prefix)
            assert [line.step for line in shown.ports] == ["up"] * 3
            assert "-" not in "".join(why.ago(line.since) for line in shown.ports)

    asyncio.run(asyncio.wait_for(program(), 60))


def test_a_host_that_says_late_where_its_tunnels_end(store: Settings, prefix: str, tmp_path: Path) -> None:
    """It is told of, as is a place that nobody can read; the tunnel is made then, and none to hosts without a port."""

    async def program() -> None:
        async with running(store, prefix, tmp_path, tunnel_address="192.0.2.1") as host:
            place = records.encode(location(2, "h2", "10.0.0.2"))
            nonsense = keys.location(NETWORK.format(5000), PORT.format(3))
            await host.etcd.put(prefix + keys.location(NETWORK.format(5000), PORT.format(2)), place)
            await host.etcd.put(prefix + nonsense, b"nonsense")
            await put_ports(host.etcd, prefix, "h1", {1: port(1, vxlan(5000), str(tmp_path))})

            async def up() -> bool:
                state = await host.state(1)
                return state is not None and state.status == "up"

            await eventually(up)

            def tunnels() -> list[str]:
                interfaces = host.agent.reconciler.actual.interfaces.values()
                return [each.what.destination for each in interfaces if isinstance(each.what, Tunnel)]

            assert tunnels() == []

            async def told() -> dict[str, str]:
                [line] = (await report.read(host.etcd, prefix)).hosts
                return line.problems

            said = await eventually(told)
            assert said.keys() == {keys.endpoint("h2"), nonsense}
            assert said[keys.endpoint("h2")] == "h2 has not said where its tunnels end"
            assert said[nonsense].startswith("no location: JSON is malformed")
            answers = await why.walk(host.etcd, prefix, PORT.format(1), None, "/nowhere")
            wrong = [each.text for each in answers if each.state == "wrong"]
            assert wrong == [f"{what}: {problem}" for what, problem in said.items()]
            for number in (9, 2):
                end = records.Endpoint(address=f"192.0.2.{number}")
                await host.etcd.put(prefix + keys.endpoint(f"h{number}"), records.encode(end))
            await eventually(tunnels)
            assert tunnels() == ["192.0.2.2"]
            await host.etcd.delete(prefix + nonsense)

            async def well() -> bool:
                return not await told()

            await eventually(well)

    asyncio.run(asyncio.wait_for(program(), 60))


def test_a_forwarder_without_a_message_is_told_of_where_operators_look(
    store: Settings, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that no agent can do without: in its record, and for each port. One that some ports need: for these."""
    monkeypatch.setattr(agents, "GRACE", 0.0)

    async def stands(host: Host, number: int) -> tuple[str, str]:
        """At which step a port stands, and what is there."""
        answers = await why.walk(host.etcd, prefix, PORT.format(number), None, "/nowhere")
        return next(((each.step, each.text) for each in answers if each.state in ("waits", "wrong")), ("", ""))

    async def said(host: Host, number: int, step: str, *parts: str) -> None:
        async def all_of_it() -> bool:
            at, text = await stands(host, number)
            return at == step and all(part in text for part in parts)

        await eventually(all_of_it)

    async def program() -> None:
        ports = {1: port(1, vlan(100), str(tmp_path)), 2: port(2, vxlan(5000), str(tmp_path))}
        lacking = ("bridge_flags", "create_vlan_subif")
        async with running(store, prefix, tmp_path, lacking, tunnel_address="192.0.2.1") as host:
            await put_ports(host.etcd, prefix, "h1", ports)
            lacks = "the forwarder at simulated does not have create_vlan_subif, bridge_flags"
            await said(host, 1, "agent", "lives on h1", lacks)
            state = await eventually(lambda: host.state(1))
            assert state and (state.status, state.plan) == ("failed", ("connect to the forwarder",))
            assert lacks in state.reason
            host.agent.forwarder._without = ("l2fib_add_del",)  # another one is started in its place
            await said(host, 1, "")
            await said(host, 2, "port", "failed since", "the forwarder has no message l2fib_add_del")

    asyncio.run(asyncio.wait_for(program(), 60))


def test_an_agent_watches_no_network_that_none_of_its_ports_is_on(store: Settings, prefix: str, tmp_path: Path) -> None:
    async def program() -> None:
        async with running(store, prefix, tmp_path, tunnel_address="192.0.2.1") as host:
            await put_ports(host.etcd, prefix, "h1", {1: port(1, vxlan(5000), str(tmp_path))})
            await put_ports(host.etcd, prefix, "h2", {2: port(2, vxlan(6000), str(tmp_path))})
            await host.etcd.put(
                prefix + keys.location(NETWORK.format(6000), PORT.format(2)), records.encode(location(2, "h2"))
            )
            await eventually(lambda: host.state(1))
            assert host.agent.watched.networks.keys() == {NETWORK.format(5000)}
            await host.etcd.delete(prefix + keys.port("h1", PORT.format(1)))
            await eventually(lambda: not host.agent.watched.networks)

    asyncio.run(asyncio.wait_for(program(), 60))


def test_a_cluster_that_loses_a_member_and_then_its_leader(tmp_path: Path) -> None:
    """What is written is done and told as long as most members live, and the agent's lease lasts."""
    servers = EtcdServer.cluster(tmp_path)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda server: server.process.start(), servers))

    async def leader(settings: Settings) -> int:
        """Which member leads."""
        for number, endpoint in enumerate(settings.endpoints):
            async with Etcd(Settings((endpoint,), timeout=2)) as etcd:
                with suppress(Unreachable):
                    if await etcd.leads():
                        return number
        raise AssertionError("nobody leads")

    async def program() -> None:
        settings = Settings(tuple(server.endpoint for server in servers), timeout=2)
        async with running(settings, "/weft/", tmp_path) as host:
            await host.port_comes_up(1)
            first = await leader(settings)
            follower = next(number for number in range(3) if number != first)
            servers[follower].process.kill()
            await host.port_comes_up(2)
            servers[follower].process.start()
            servers[await leader(settings)].process.kill()
            await host.port_comes_up(3)
            said = [await host.state(number) for number in (1, 2, 3)]
            assert [each and each.status for each in said] == ["up"] * 3

    try:
        asyncio.run(asyncio.wait_for(program(), 100))
    finally:
        for server in servers:
            server.process.stop()
