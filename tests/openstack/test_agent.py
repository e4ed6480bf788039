"""The agent between a real etcd and a real engine's API: what it makes, keeps, brings back and leaves alone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.api.served import Served
from tests.openstack.net import PORT, flat, port, put_ports, vlan
from tests.openstack.relay import Relay
from tests.openstack.waiting import eventually

from weft_openstack.agent import reconciler, tags
from weft_openstack.agent.agent import Agent, Config
from weft_openstack.agent.desired import HostFacts
from weft_openstack.agent.presence import Occupied, lock
from weft_openstack.status import why
from weft_openstack.store import keys, records
from weft_openstack.store.etcd import Etcd, Settings


class Host:
    """A host: an engine with the uplink pg0, and its agent's configuration."""

    def __init__(self, folder: Path, store: Settings, prefix: str) -> None:
        self.folder, self.prefix, self.store = folder, prefix, store
        facts = HostFacts("h1", {"physnet1": "pg0"}, str(folder))
        self.config = Config(facts, store, prefix, str(folder / "api.sock"), "this machine", lease_seconds=5)

    @asynccontextmanager
    async def agent(self, **changes: Any) -> AsyncIterator[Agent]:
        agent = Agent(replace(self.config, **changes))
        task = asyncio.create_task(agent.run())
        try:
            yield agent
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def put(self, etcd: Etcd, *numbers: int, vlans: Callable[[int], int] = lambda number: 100) -> None:
        ports = {number: port(number, vlan(vlans(number)), str(self.folder)) for number in numbers}
        await put_ports(etcd, self.prefix, "h1", ports)

    async def state(self, etcd: Etcd, number: int) -> records.PortState | None:
        item = await etcd.get(self.prefix + keys.port_state("h1", PORT.format(number)))
        return records.decode(records.PortState, item.value) if item else None

    async def has(self, etcd: Etcd, number: int, status: str) -> records.PortState:
        async def right() -> records.PortState | None:
            state = await self.state(etcd, number)
            return state if state and state.status == status else None

        found = await eventually(right)
        assert found
        return found


@pytest.fixture
def host(tmp_path: Path, store: Settings, prefix: str) -> Host:
    return Host(tmp_path, store, prefix)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path / "api.sock") as engine:
        engine.run(lambda lab: lab.pg(2))
        yield engine


def run(program: Callable[[Etcd], Coroutine[Any, Any, None]], store: Settings) -> None:
    async def connected() -> None:
        async with Etcd(store) as etcd:
            await asyncio.wait_for(program(etcd), 60)

    asyncio.run(connected())


def interfaces(served: Served) -> dict[str, int]:
    """Tag -> sw_if_index of all interfaces with a tag."""
    vpp = served.client()
    found = {each.tag: each.sw_if_index for each in vpp.api.sw_interface_dump() if each.tag}
    vpp.disconnect()
    return found


def test_a_port_comes_is_told_of_and_goes(host: Host, served: Served) -> None:
    async def program(etcd: Etcd) -> None:
        async with host.agent():
            await host.put(etcd, 1)
            state = await host.has(etcd, 1, "up")
            item = await etcd.get(host.prefix + keys.port("h1", PORT.format(1)))
            assert item and state.at == item.modified and not state.plan
            assert interfaces(served)[tags.port(PORT.format(1))] == state.sw_if_index
            shown = served.cli("show bridge-domain 1 detail")
            assert "pg0.100" in shown and "pop-1" in shown and state.interface in shown
            await etcd.delete(host.prefix + keys.port("h1", PORT.format(1)))
            await eventually(lambda: not interfaces(served))
            await eventually(lambda: served.cli("show bridge-domain").strip() == "no bridge-domains in use")

            async def untold() -> bool:
                return await host.state(etcd, 1) is None

            await eventually(untold)

    run(program, host.store)


def test_a_new_agent_goes_on_where_the_last_one_stopped(host: Host, served: Served) -> None:
    """It writes nothing to the forwarder, removes what is stale, and takes over what was said, word for word."""

    async def program(etcd: Etcd) -> None:
        async with host.agent():
            await host.put(etcd, *range(1, 6), vlans=lambda number: 100 + number // 3)
            for number in range(1, 6):
                await host.has(etcd, number, "up")
        before, said = interfaces(served), await etcd.below(host.prefix + "state/")
        async with host.agent() as agent:
            await eventually(lambda: agent.outcomes is not None)
            assert agent.reconciler.writes == 0
            assert interfaces(served) == before
            now = {item.key: item for item in (await etcd.below(host.prefix + "state/h1/ports/"))[0]}
            assert now == {item.key: item for item in said[0] if "/ports/" in item.key}
        await etcd.delete(host.prefix + keys.port("h1", PORT.format(5)))
        theirs = served.cli("create loopback interface").strip()
        served.cli(f"set interface tag {theirs} theirs\nset interface l2 bridge {theirs} 77 bvi")
        async with host.agent() as agent:
            await eventually(lambda: agent.outcomes is not None)
            gone = {tags.port(PORT.format(5))}
            assert interfaces(served).keys() == before.keys() - gone | {"theirs"}
            assert "77" in served.cli("show bridge-domain")

    run(program, host.store)


def test_a_forwarder_that_starts_anew_gets_all_back(host: Host, tmp_path: Path) -> None:
    async def program(etcd: Etcd) -> None:
        async with host.agent():
            with Served(tmp_path / "api.sock") as first:
                first.run(lambda lab: lab.pg(1))
                await host.put(etcd, 1, 2)
                await host.has(etcd, 2, "up")
                before = interfaces(first)

            async def unready() -> bool:
                item = await etcd.get(host.prefix + keys.agent("h1"))
                return item is not None and not records.decode(records.Agent, item.value).ready

            await eventually(unready)
            with Served(tmp_path / "api.sock") as second:
                second.run(lambda lab: lab.pg(1))
                await eventually(lambda: interfaces(second).keys() == before.keys())
                await host.has(etcd, 1, "up")
                await eventually(lambda: "pop-1" in second.cli("show bridge-domain 1 detail"))

    run(program, host.store)


def test_errors_belong_to_their_port(host: Host, served: Served) -> None:
    """A record that nobody can read, an unknown physical network, an interface that is somebody else's."""

    async def program(etcd: Etcd) -> None:
        served.cli("create sub-interfaces pg0 300\nset interface state pg0.300 up")
        async with host.agent():
            await host.put(etcd, 1)
            up = await host.has(etcd, 1, "up")
            await etcd.put(host.prefix + keys.port("h1", PORT.format(1)), b'{"version": 1}')
            ports = {
                2: port(2, vlan(100, physnet="physnet9"), str(host.folder)),
                3: port(3, vlan(300), str(host.folder)),
                4: port(4, vlan(400), str(host.folder)),
            }
            await put_ports(etcd, host.prefix, "h1", ports)
            await host.has(etcd, 4, "up")
            assert "no port: " in (await host.has(etcd, 1, "failed")).reason
            assert interfaces(served)[tags.port(PORT.format(1))] == up.sw_if_index
            assert "physnet9 is not configured" in (await host.has(etcd, 2, "failed")).reason
            assert "there already as pg0.300" in (await host.has(etcd, 3, "failed")).reason
            served.cli("set interface state pg0.300 down")
            await etcd.put(host.prefix + keys.port("h1", PORT.format(1)), records.encode(ports[4]))
            await put_ports(etcd, host.prefix, "h1", {1: port(1, vlan(100), str(host.folder))})
            await host.has(etcd, 1, "up")

    run(program, host.store)


def test_what_failed_is_tried_again(host: Host, tmp_path: Path) -> None:
    """The uplink comes after the port."""

    async def program(etcd: Etcd) -> None:
        with Served(tmp_path / "api.sock") as served:
            async with host.agent(read_interval=1.0):
                await host.put(etcd, 1)
                failed = await host.has(etcd, 1, "failed")
                assert failed.reason == "the forwarder has no interface pg0"
                served.run(lambda lab: lab.pg(1))
                await host.has(etcd, 1, "up")

    run(program, host.store)


@pytest.mark.skipif(os.geteuid() != 0, reason="makes Linux devices")
def test_a_device_that_comes_late_is_taken_at_once(host: Host, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only when what failed has its next turn, which is never here."""
    monkeypatch.setattr(reconciler, "BACK_OFF", (3600.0,))
    device = f"tap{os.getpid():08x}-00"
    late = port(1, vlan(100), str(host.folder), attachment=records.HostInterface(device))

    async def program(etcd: Etcd) -> None:
        async with host.agent():
            await put_ports(etcd, host.prefix, "h1", {1: late})
            assert device in (await host.has(etcd, 1, "failed")).reason
            subprocess.run(("ip", "link", "add", device, "type", "veth"), check=True)
            await host.has(etcd, 1, "up")

    try:
        run(program, host.store)
    finally:
        subprocess.run(("ip", "link", "del", device), check=False)


def test_an_interface_that_somebody_deletes_comes_back(host: Host, served: Served) -> None:
    async def program(etcd: Etcd) -> None:
        async with host.agent():
            await host.put(etcd, 1)
            await host.has(etcd, 1, "up")
            served.cli("delete sub-interface pg0.100")
            await eventually(lambda: "pop-1" in served.cli("show bridge-domain 1 detail"))

    run(program, host.store)


def test_admin_state_and_network_follow(host: Host, served: Served) -> None:
    async def program(etcd: Etcd) -> None:
        async with host.agent():
            await host.put(etcd, 1)
            up = await host.has(etcd, 1, "up")
            down = port(1, vlan(100), str(host.folder), admin_up=False)
            await put_ports(etcd, host.prefix, "h1", {1: down})
            assert (await host.has(etcd, 1, "down")).reason == "its admin state is down"
            await put_ports(etcd, host.prefix, "h1", {1: port(1, flat(), str(host.folder))})
            assert (await host.has(etcd, 1, "up")).sw_if_index == up.sw_if_index
            shown = served.cli("show bridge-domain 2 detail")
            assert "pg0 " in shown and up.interface in shown
            assert "pg0.100" not in served.cli("show interface")

    run(program, host.store)


def test_a_network_s_mtu_is_that_of_its_interfaces(host: Host, served: Served) -> None:
    async def program(etcd: Etcd) -> None:
        async with host.agent() as agent:
            for mtu in (9000, 1400):
                await put_ports(etcd, host.prefix, "h1", {1: port(1, vlan(100), str(host.folder), mtu=mtu)})
                await eventually(lambda mtu=mtu: sizes(served) == {"pg0.100": mtu, "VirtualEthernet0/0/0": mtu})
            await host.has(etcd, 1, "up")
            before = agent.reconciler.writes
        async with host.agent() as agent:
            await eventually(lambda: agent.outcomes is not None)
            assert before and not agent.reconciler.writes

    run(program, host.store)


def sizes(served: Served) -> dict[str, int]:
    """The MTUs of the interfaces that have a tag."""
    vpp = served.client()
    found = {each.interface_name: each.mtu[0] for each in vpp.api.sw_interface_dump() if each.tag}
    vpp.disconnect()
    return found


def test_a_folder_of_sockets_that_is_missing(host: Host, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The port says so, others go on, and it is made when the folder is there: not only at its next turn."""
    monkeypatch.setattr(reconciler, "BACK_OFF", (3600.0,))
    sockets = host.folder / "sockets"
    facts = replace(host.config.facts, vhost_user_dir=str(sockets))

    async def program(etcd: Etcd) -> None:
        async with host.agent(facts=facts):
            await put_ports(etcd, host.prefix, "h1", {1: port(1, vlan(100), str(sockets))})
            assert f"{sockets}, is not there" in (await host.has(etcd, 1, "failed")).reason
            await eventually(lambda: "pop-1" in served.cli("show bridge-domain 1 detail"))
            sockets.mkdir()
            await host.has(etcd, 1, "up")

    run(program, host.store)


def test_a_second_agent_of_the_same_name_refuses(host: Host, served: Served, tmp_path: Path) -> None:
    async def program(etcd: Etcd) -> None:
        async with host.agent():
            await host.put(etcd, 1)
            await host.has(etcd, 1, "up")
            other = Agent(replace(host.config, machine="another machine"))
            with pytest.raises(Occupied, match="this machine"):
                await other.run()
            await host.put(etcd, 2)
            await host.has(etcd, 2, "up")

    run(program, host.store)
    held, who = lock(tmp_path / "state", "h1")
    with held, pytest.raises(Occupied, match="runs on this machine"):
        lock(tmp_path / "state", "h1")
    held, again = lock(tmp_path / "state", "h1")
    held.close()
    assert again == who


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_an_agent_needs_no_privileges(host: Host, served: Served) -> None:
    """It runs as nobody, who may connect to the API's socket and write into its folder; it ends when it is told."""
    state = host.folder / "state"
    state.mkdir()
    for path, mode in ((host.folder, 0o755), (host.folder / "api.sock", 0o666), (state, 0o777)):
        path.chmod(mode)
    conf = host.folder / "agent.conf"
    conf.write_text(
        f"[DEFAULT]\nhost = h1\n[ml2_vpp]\netcd_host = {host.store.endpoints[0]}\netcd_prefix = {host.prefix}\n"
        "etcd_insecure_explicit_disable_https = true\nphysnets = physnet1:pg0\n"
        f"vhost_user_dir = {host.folder}\napi_socket = {host.folder}/api.sock\nstate_dir = {state}\n"
    )
    user = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs", "--inh-caps=-all")
    command = (*user, sys.executable, "-m", "weft_openstack.agent", "--config-file", str(conf))

    async def program(etcd: Etcd) -> None:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            await host.put(etcd, 1)
            assert (await host.has(etcd, 1, "up")).interface
        finally:
            process.terminate()
            _, said = process.communicate(timeout=20)
        assert process.returncode == 0 and "the forwarder goes on as it is" in said

    run(program, host.store)


def test_a_lost_lease_is_said_anew(host: Host, served: Served) -> None:
    """As after a long cut: everything below the lease is gone."""

    async def program(etcd: Etcd) -> None:
        async with host.agent() as agent:
            await host.put(etcd, 1)
            await host.has(etcd, 1, "up")
            await etcd.revoke(agent.lease.id)
            assert await host.state(etcd, 1) is None
            await host.has(etcd, 1, "up")
            assert await eventually(lambda: etcd.get(host.prefix + keys.agent("h1")))

    run(program, host.store)


def test_what_somebody_changed_of_what_an_agent_says_is_said_again(host: Host, served: Served) -> None:
    """Deleted, overwritten with nonsense: all is said again, under the lease that the agent has."""

    async def program(etcd: Etcd) -> None:
        agent_key, said = host.prefix + keys.agent("h1"), host.prefix + keys.port_state("h1", "")
        facts = replace(host.config.facts, tunnel_address="192.0.2.1")
        async with host.agent(read_interval=0.5, facts=facts) as agent:
            await host.put(etcd, 1, 2)
            for number in (1, 2):
                await host.has(etcd, number, "up")
            lease = agent.lease.id
            await etcd.delete(said + PORT.format(1))
            await etcd.put(said + PORT.format(2), b"nonsense")
            await etcd.put(said + PORT.format(3), b"nonsense")
            await etcd.put(host.prefix + keys.endpoint("h1"), b"nonsense")
            await etcd.put(agent_key, b"nonsense")

            async def right() -> bool:
                items = {item.key: item for item in (await etcd.below(host.prefix))[0]}
                try:
                    states = [records.read(records.PortState, items[said + PORT.format(number)]) for number in (1, 2)]
                    alive = records.read(records.Agent, items[agent_key])
                    end = records.read(records.Endpoint, items[host.prefix + keys.endpoint("h1")])
                except (KeyError, records.Malformed):
                    return False
                leases = {item.lease for key, item in items.items() if "state/" in key}
                ours = [state.status for state in states] == ["up", "up"] and said + PORT.format(3) not in items
                return ours and alive.ready and end.address == "192.0.2.1" and leases == {lease}

            await eventually(right)
            await etcd.delete(agent_key)
            await eventually(right)

    run(program, host.store)


def test_a_cut_from_etcd_that_outlives_the_lease(host: Host, served: Served) -> None:
    """As when etcd is away for an hour. The forwarder goes on as it was; what was changed meanwhile, and etcd no longer
    has the history of, is done, and all is said again."""

    async def program(etcd: Etcd) -> None:
        relay = Relay(int(host.store.endpoints[0].rpartition(":")[2]))
        await relay.open()
        async with host.agent(store=Settings((relay.endpoint,), timeout=1)) as agent:
            await host.put(etcd, 1, 2)
            await host.has(etcd, 2, "up")
            before, writes = interfaces(served), agent.reconciler.writes
            await relay.cut()

            async def expired() -> bool:
                return await etcd.get(host.prefix + keys.agent("h1")) is None

            await eventually(expired)
            assert await host.state(etcd, 1) is None
            await host.put(etcd, 3)
            await etcd.compact(await etcd.delete(host.prefix + keys.port("h1", PORT.format(2))))
            assert interfaces(served) == before
            await relay.open()
            for number in (1, 3):
                await host.has(etcd, number, "up")
            after = interfaces(served)
            assert after[tags.port(PORT.format(1))] == before[tags.port(PORT.format(1))]
            assert tags.port(PORT.format(2)) not in after
            assert agent.reconciler.writes - writes == 5  # one is made, joined and set up; one leaves and is deleted
            assert await host.state(etcd, 2) is None
        await relay.cut()

    run(program, host.store)


def test_the_status_shows_a_port_s_counters_and_no_other_s(host: Host, served: Served) -> None:
    """Not of the interface that has the same name here as the port's has on its own host."""

    async def program(etcd: Etcd) -> None:
        async with host.agent():
            await host.put(etcd, 1)
            name = (await host.has(etcd, 1, "up")).interface
            [*_, here] = await why.walk(etcd, host.prefix, PORT.format(1), None, host.config.api_socket)
            assert (here.step, here.state) == ("forwarder", "well") and name in here.text and "Counter" in here.text
            lives = await etcd.get(host.prefix + keys.agent("h1"))
            assert lives
            await etcd.put(host.prefix + keys.agent("h2"), lives.value)
            await put_ports(etcd, host.prefix, "h2", {2: port(2, vlan(100))})
            elsewhere = records.PortState(status="up", since=1.0, interface=name)
            await etcd.put(host.prefix + keys.port_state("h2", PORT.format(2)), records.encode(elsewhere))
            [*_, there] = await why.walk(etcd, host.prefix, PORT.format(2), None, host.config.api_socket)
            assert (there.step, there.state) == ("forwarder", "unseen") and "does not have it; ask on h2" in there.text

    run(program, host.store)


def test_the_plan_is_what_would_be_done(host: Host, served: Served) -> None:
    async def program(etcd: Etcd) -> None:
        await host.put(etcd, 1)
        agent = Agent(host.config)
        plan = await agent.show_plan()
        await agent.close()
        assert [type(each).__name__ for each in plan.operations] == [
            "CreateBridge", "Create", "CreateSub", "Join", "Join", "Pop", "Up", "SubUp"
        ]  # fmt: skip
        assert not interfaces(served)
        assert await etcd.get(host.prefix + keys.agent("h1")) is None

    run(program, host.store)
