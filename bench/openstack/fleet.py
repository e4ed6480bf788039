"""Many agents on one etcd: what they cost it, how long its watches take, what memory each agent needs.

Each agent is a process with all of its code; what it programs is simulated. Ports are on VLAN and VXLAN networks by
halves, each network on a rack of hosts. Ports are then made and changed for a while, each at a known time, which is
its record's ``revision`` in microseconds: so agents know how late they hear.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import statistics
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.openstack.net import PORT, port, vlan, vxlan
from tests.openstack.simulated import UPLINK, Simulated

from weft_openstack.agent.agent import Agent, Config
from weft_openstack.agent.desired import HostFacts
from weft_openstack.lab.services import EtcdServer
from weft_openstack.store import keys, records
from weft_openstack.store.etcd import Etcd, Put, Settings

PREFIX = "/weft/"
RACK, NETWORKS = 20, 10  #: hosts that share networks, and how many networks those are
PER_SECOND = 20  #: ports that change
ALL_WITHIN = 600.0  #: seconds
AT_ONCE = 10  #: agents that begin together: they share the processors with etcd here


@dataclass(frozen=True)
class Fleet:
    """How many hosts, and ports in all."""

    hosts: int
    ports: int
    folder: Path

    def host(self, number: int) -> str:
        """Where a port is."""
        return f"host{number % self.hosts}"

    def record(self, number: int, **fields: object) -> records.Port:
        host = number % self.hosts
        network = host // RACK * NETWORKS + number // self.hosts % NETWORKS
        segment = vxlan(5000 + network) if network % 2 else vlan(1 + network)
        return port(number, segment, str(self.folder), mtu=1450, ips=(_address(number),), **fields)

    def items(self, number: int, **fields: object) -> list[Put]:
        """What the driver writes for a port."""
        record, name = self.record(number, **fields), PORT.format(number)
        puts = [Put(PREFIX + keys.port(self.host(number), name), records.encode(record))]
        if record.segment.type == "vxlan":
            place = records.Location(revision=1, host=self.host(number), mac=record.mac, ips=record.ips)
            puts.append(Put(PREFIX + keys.location(record.network, name), records.encode(place)))
        return puts

    # what runs in each agent's process

    def agent(self, number: int, endpoint: str) -> None:
        """Be an agent until SIGTERM; then write how late each port was heard of."""
        facts = HostFacts(
            f"host{number}", {"physnet1": UPLINK}, str(self.folder), f"10.99.{number >> 8}.{number & 255}"
        )
        config = Config(facts, Settings((endpoint,), timeout=60), PREFIX, "simulated", "bench")
        delays: list[float] = []

        async def run() -> None:
            task = asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
            agent = Agent(config, forwarder=Simulated())
            changed = agent.ports.changed

            def hear(paths: set[str]) -> None:
                now = time.time()
                found = (records.decode(records.Port, agent.ports.items[path].value) for path in paths)
                delays.extend(now - each.revision / 1e6 for each in found if each.revision > 1)
                changed(paths)

            agent.ports.changed = hear
            await agent.run()

        try:
            asyncio.run(run())
        except asyncio.CancelledError:
            pass
        (self.folder / f"{number}.json").write_text(json.dumps(delays))

    def prepare(self, endpoint: str) -> tuple[list[int], int]:
        """The processes of all agents, and a descriptor: each byte written there lets one begin. They are made of this
        process while it has no thread; and leave others the right of way, as each would have a machine of its own."""
        pids, (waits, go) = [], os.pipe()
        for number in range(self.hosts):
            pid = os.fork()
            if not pid:
                status = 1
                try:
                    os.nice(5)
                    os.close(go)
                    os.read(waits, 1)
                    self.agent(number, endpoint)
                    status = 0
                finally:
                    os._exit(status)
            pids.append(pid)
        os.close(waits)
        return pids, go


def _address(number: int) -> str:
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


@dataclass(frozen=True)
class Usage:
    """What etcd has used so far."""

    at: float
    seconds: float  #: of a processor
    requests: float

    @staticmethod
    def of(server: EtcdServer) -> Usage:
        assert server.process.running is not None
        spent = Path(f"/proc/{server.process.running.pid}/stat").read_text().rpartition(")")[2].split()
        with urllib.request.urlopen(f"http://{server.endpoint}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        handled = sum(float(line.split()[-1]) for line in lines if line.startswith("grpc_server_msg_received_total"))
        ticks = os.sysconf("SC_CLK_TCK")
        return Usage(time.monotonic(), (int(spent[11]) + int(spent[12])) / ticks, handled)

    def until(self, later: Usage) -> str:
        seconds = later.at - self.at
        return (
            f"{(later.seconds - self.seconds) / seconds * 100:.0f} % of a processor, "
            f"{(later.requests - self.requests) / seconds:.0f} requests/s for {seconds:.0f} s"
        )


def memory(pid: int, field: str) -> float:
    """MiB of a process: Rss, or Pss, in which what processes share is divided among them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"no {field}")


async def count_up(etcd: Etcd) -> int:
    """How many ports are said to be up."""
    items, _ = await etcd.below(PREFIX + keys.STATE)
    return sum(b'"status":"up"' in item.value for item in items)


async def all_up(etcd: Etcd, count: int) -> None:
    end = time.monotonic() + ALL_WITHIN
    while (up := await count_up(etcd)) < count:
        if time.monotonic() > end:
            sys.exit(f"only {up} of {count} ports are up after {ALL_WITHIN:.0f} s")
        await asyncio.sleep(0.5)


async def change(etcd: Etcd, fleet: Fleet, seconds: float) -> list[float]:
    """Change ports for a while; how long it took from each write until an agent said what became of it."""
    chosen, said, waiting = random.Random(1), [], {}

    async def hear() -> None:
        revision = (await etcd.below(PREFIX + keys.STATE + "none"))[1]
        async for events in etcd.watch(PREFIX + keys.STATE, revision + 1):
            for event in events:
                if event.item and (began := waiting.pop(event.key.rpartition("/")[2], None)):
                    said.append(time.monotonic() - began)

    listening = asyncio.create_task(hear())
    await asyncio.sleep(1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        number = chosen.randrange(fleet.ports)
        waiting[PORT.format(number)] = time.monotonic()
        await etcd.transact((), fleet.items(number, revision=int(time.time() * 1e6)))
        await asyncio.sleep(1 / PER_SECOND)
    await asyncio.sleep(2)
    listening.cancel()
    return said


def spread(values: list[float]) -> str:
    """The median, and what 99 of 100 are below."""
    highest = statistics.quantiles(values, n=100)[98]
    return f"median {statistics.median(values) * 1000:.1f} ms, 99 % {highest * 1000:.1f} ms"


def run(hosts: int, ports: int, seconds: float, folder: Path) -> None:
    """All of it, printed."""
    server, fleet = EtcdServer(folder), Fleet(hosts, ports, folder)
    server.process.start()
    pids: list[int] = []
    try:
        pids, go = fleet.prepare(server.endpoint)
        asyncio.run(drive(fleet, server, pids, go, seconds))
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        while pids:
            os.waitpid(pids.pop(), 0)
        delays = [each for number in range(hosts) for each in json.loads((folder / f"{number}.json").read_text())]
        print(f"from a write until its agent heard: {spread(delays)} ({len(delays)} changes)")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        server.process.stop()


async def drive(fleet: Fleet, server: EtcdServer, pids: list[int], go: int, seconds: float) -> None:
    assert server.process.running is not None
    async with Etcd(Settings((server.endpoint,), timeout=60)) as etcd:
        print(f"{fleet.hosts} agents, {fleet.ports} ports")
        first = Usage.of(server)
        puts = [put for number in range(fleet.ports) for put in fleet.items(number)]
        for start in range(0, len(puts), 100):
            await etcd.transact((), puts[start : start + 100])
        written = Usage.of(server)
        print(f"ports are written; etcd: {first.until(written)}")
        for begun in range(0, fleet.hosts, AT_ONCE):
            some = min(AT_ONCE, fleet.hosts - begun)
            os.write(go, bytes(some))
            await all_up(etcd, sum(number % fleet.hosts < begun + some for number in range(fleet.ports)))
        made = Usage.of(server)
        print(f"agents begin, {AT_ONCE} at once, until all ports are up; etcd: {written.until(made)}")
        await asyncio.sleep(seconds / 2)
        idle = Usage.of(server)
        print(f"nothing changes; etcd: {made.until(idle)}")
        said = await change(etcd, fleet, seconds)
        changed = Usage.of(server)
        print(f"{PER_SECOND} ports change each second; etcd: {idle.until(changed)}")
        print(f"from a write until etcd has what became of it: {spread(said)}")
        print(f"etcd's memory: {memory(server.process.running.pid, 'Rss'):.0f} MiB")
        whole, share = ([memory(pid, field) for pid in pids] for field in ("Rss", "Pss"))
        print(
            f"an agent's memory: {statistics.median(whole):.0f} MiB, {max(whole):.0f} at the most; "
            f"of its own where others run beside it: {statistics.median(share):.0f} MiB"
        )
