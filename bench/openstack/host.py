"""An agent between a real etcd and a real engine.

A host programmed from an empty forwarder, a start with nothing to do, a port from its key in etcd to its state there
beside many others.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import time
from contextlib import suppress
from pathlib import Path

from tests.openstack.net import PORT, port, put_ports, vlan

from weft_openstack.agent.agent import Agent, Config
from weft_openstack.agent.desired import HostFacts
from weft_openstack.lab.engine import engine
from weft_openstack.lab.services import EtcdServer
from weft_openstack.store import keys, records
from weft_openstack.store.etcd import Etcd, Settings

PREFIX, HOST = "/weft/", "h1"
SINGLE = 10_000  #: numbers of ports that come one by one


def run(count: int, networks: int, singles: int, folder: Path) -> None:
    """All of it, printed. Raises NotReady."""
    etcd, forwarder = EtcdServer(folder), engine("engine", folder)
    (folder / "startup.cli").write_text("create packet-generator interface pg0\n")
    try:
        etcd.process.start()
        forwarder.start()
        facts = HostFacts(HOST, {"physnet1": "pg0"}, str(folder))
        config = Config(facts, Settings((etcd.endpoint,)), PREFIX, str(folder / "api.sock"), "bench")
        asyncio.run(_measure(config, count, networks, singles))
    finally:
        forwarder.stop()
        etcd.process.stop()


async def _measure(config: Config, count: int, networks: int, singles: int) -> None:
    async with Etcd(config.store) as etcd:
        folder = config.facts.vhost_user_dir
        ports = {number: port(number, vlan(1 + number % networks), folder, mtu=1500) for number in range(count)}
        await put_ports(etcd, PREFIX, HOST, ports)
        began = time.perf_counter()
        agent, task = start(config)
        await until(etcd, count)
        print(f"{count} ports on {networks} VLANs, empty forwarder: {time.perf_counter() - began:.2f} s, "
              f"{agent.reconciler.writes} writes")  # fmt: skip
        await stop(task)
        began = time.perf_counter()
        agent, task = start(config)
        while agent.outcomes is None:
            await asyncio.sleep(0.005)
        print(f"agent's start, nothing to do: {time.perf_counter() - began:.2f} s, {agent.reconciler.writes} writes")
        took = await one_by_one(etcd, folder, networks, singles)
        print(f"a port beside {count}: median {statistics.median(took) * 1000:.0f} ms, worst {max(took) * 1000:.0f} ms")
        await stop(task)
    print(f"agent's memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")


async def one_by_one(etcd: Etcd, folder: str, networks: int, singles: int) -> list[float]:
    """Write ports, each when the one before is told of; the seconds that took. The watch stands before: one that begins
    in the past is served by etcd every 100 ms only."""
    told: asyncio.Queue[str] = asyncio.Queue()
    stands = asyncio.Event()

    async def hear() -> None:
        revision = (await etcd.below(PREFIX + "none/"))[1]
        async for events in etcd.watch(PREFIX + keys.port_state(HOST, ""), revision + 1):
            stands.set()
            for event in events:
                told.put_nowait(event.key.rpartition("/")[2])

    hearing, took = asyncio.create_task(hear()), []
    await stands.wait()
    for number in range(SINGLE, SINGLE + singles):
        record = port(number, vlan(1 + number % networks), folder, mtu=1500)
        began = time.perf_counter()
        await etcd.put(PREFIX + keys.port(HOST, PORT.format(number)), records.encode(record))
        while await told.get() != PORT.format(number):
            pass
        took.append(time.perf_counter() - began)
    hearing.cancel()
    return took


def start(config: Config) -> tuple[Agent, asyncio.Task[None]]:
    agent = Agent(config)
    return agent, asyncio.create_task(agent.run())


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def until(etcd: Etcd, count: int) -> None:
    """Wait until so many ports are said to be up."""
    while True:
        items, _ = await etcd.below(PREFIX + keys.port_state(HOST, ""))
        if sum(records.decode(records.PortState, item.value).status == "up" for item in items) >= count:
            return
        await asyncio.sleep(0.05)
