"""Many agents on one etcd: what they cost it, how long its watches take, what memory each agent needs.

Ports are on VLAN and VXLAN networks by halves, each network on a rack of hosts. Agents begin some at a time; ports are
then changed for a while, and their records say when they were written: so agents know how late they hear.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.openstack.net import PORT, port, vlan, vxlan

from bench.openstack.crew import Crew
from bench.openstack.usage import Usage, memory, pid, processor
from weft_openstack.lab.services import EtcdServer
from weft_openstack.store import keys, records
from weft_openstack.store.etcd import Etcd, Put, Settings

PREFIX = "/weft/"
RACK, NETWORKS = 20, 10  #: hosts that share networks, and how many networks those are
PER_SECOND = 20  #: ports that change
AT_ONCE = 10  #: agents that begin together: they share the processors with etcd here
CREWS = 8  #: processes with agents; one more has a single agent, whose memory is its own
TELL = 10.0  #: seconds between words about how far it is


@dataclass(frozen=True)
class Fleet:
    """How many hosts, and ports in all."""

    hosts: int
    ports: int
    folder: Path

    def host(self, number: int) -> int:
        """Where a port is."""
        return number % self.hosts

    def items(self, number: int, written: float = 0.0) -> list[Put]:
        """What the driver writes for a port."""
        name, host = PORT.format(number), self.host(number)
        network = host // RACK * NETWORKS + number // self.hosts % NETWORKS
        segment = vxlan(5000 + network) if network % 2 else vlan(1 + network)
        ips = (f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",)
        record = port(number, segment, str(self.folder), mtu=1450, ips=ips, written=written)
        puts = [Put(PREFIX + keys.port(f"host{host}", name), records.encode(record))]
        if segment.type == "vxlan":
            place = records.Location(revision=1, host=f"host{host}", mac=record.mac, ips=ips)
            puts.append(Put(PREFIX + keys.location(record.network, name), records.encode(place)))
        return puts

    def crews(self) -> list[Crew]:
        """The first has the first host's agent only."""
        size = -(-(self.hosts - 1) // CREWS)
        parts = [range(start, min(start + size, self.hosts)) for start in range(1, self.hosts, size)]
        return [Crew(part, self.folder) for part in (range(1), *parts)]


@dataclass(eq=False)
class Follower:
    """What Neutron's follower hears: which ports are up. `said` is when something was said of a port."""

    up: set[str] = field(default_factory=set)
    said: dict[str, float] = field(default_factory=dict)

    async def run(self, etcd: Etcd, revision: int) -> None:
        async for events in etcd.watch(PREFIX + keys.STATE, revision):
            for event in events:
                if "/ports/" in event.key:
                    name = event.key.rpartition("/")[2]
                    self.said[name] = time.monotonic()
                    is_up = event.item and records.read(records.PortState, event.item).status == "up"
                    (self.up.add if is_up else self.up.discard)(name)

    async def has(self, count: int) -> None:
        """Wait until so many ports are up."""
        while len(self.up) < count:
            await asyncio.sleep(0.05)


def run(hosts: int, ports: int, seconds: float, folder: Path, within: float) -> None:
    """All of it, printed."""
    server, fleet = EtcdServer(folder), Fleet(hosts, ports, folder)
    server.process.start()
    crews = fleet.crews()
    try:
        for crew in crews:
            crew.fork(server.endpoint, PREFIX, crews)
        drive = Drive(fleet, server, crews)
        try:
            asyncio.run(drive.run(seconds, within))
        except TimeoutError:
            sys.exit(
                f"fleet: not done within {within:.0f} s, while {drive.step}: no figures of that. {drive.how_far()}"
            )
        for crew in crews:
            crew.end()
        print(f"from a write until its agent heard: {spread([each for crew in crews for each in crew.delays])}")
    finally:
        for crew in crews:
            crew.kill()
        server.process.stop()


@dataclass(eq=False)
class Drive:
    """What happens to a fleet, step by step."""

    fleet: Fleet
    server: EtcdServer
    crews: Sequence[Crew]
    step: str = ""
    follower: Follower = field(default_factory=Follower)
    begun: int = 0  #: agents

    def how_far(self) -> str:
        agents = f"{self.begun} of {self.fleet.hosts} agents began"
        return f"{agents}, {len(self.follower.up)} of {self.fleet.ports} ports are up"

    @asynccontextmanager
    async def doing(self, step: str) -> AsyncIterator[None]:
        """A step: what etcd did meanwhile."""
        self.step, before = step, Usage.of(self.server)
        spent = self._spent()
        yield
        after = Usage.of(self.server)
        share = (self._spent() - spent) / (after.at - before.at) * 100
        print(f"{step}; etcd: {before.until(after)}; all agents: {share:.0f} %", flush=True)

    def _spent(self) -> float:
        return sum(processor(crew.pid) for crew in self.crews)

    async def run(self, seconds: float, within: float) -> None:
        fleet = self.fleet
        print(f"{fleet.hosts} agents in {len(self.crews)} processes, {fleet.ports} ports", flush=True)
        async with asyncio.timeout(within), Etcd(Settings((self.server.endpoint,), timeout=60)) as etcd:
            telling = asyncio.create_task(self._tell())
            async with self.doing("ports are written"):
                puts = [put for number in range(fleet.ports) for put in fleet.items(number)]
                for start in range(0, len(puts), 100):
                    revision = await etcd.transact((), puts[start : start + 100])
            following = asyncio.create_task(self.follower.run(etcd, revision + 1))
            async with self.doing(f"agents begin, {AT_ONCE} at once, until all ports are up"):
                await self._begin()
            telling.cancel()
            async with self.doing("nothing changes"):
                await asyncio.sleep(seconds)
            async with self.doing(f"{PER_SECOND} ports change each second"):
                said = await self._change(etcd, seconds)
            following.cancel()
        print(f"from a write until etcd has what became of it: {spread(said)}")
        self._sizes()

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(TELL)
            print(f"  {self.step}: {self.how_far()}", flush=True)

    async def _begin(self) -> None:
        """Let agents begin, those of each process in turn, each crowd when all ports of the one before are up."""
        waiting, ready = [list(crew.hosts) for crew in self.crews], set[int]()
        while any(waiting):
            for _ in range(AT_ONCE):
                index = max(range(len(waiting)), key=lambda each: len(waiting[each]))
                if waiting[index]:
                    ready.add(waiting[index].pop(0))
                    self.crews[index].begin(1)
            self.begun = len(ready)
            await self.follower.has(sum(self.fleet.host(number) in ready for number in range(self.fleet.ports)))

    async def _change(self, etcd: Etcd, seconds: float) -> list[float]:
        """Change ports for a while; how long it took from each write until an agent said what became of it."""
        chosen, wrote, end = random.Random(1), dict[str, float](), time.monotonic() + seconds
        while time.monotonic() < end:
            number = chosen.randrange(self.fleet.ports)
            if (name := PORT.format(number)) not in wrote:
                wrote[name] = time.monotonic()
                await etcd.transact((), self.fleet.items(number, written=time.time()))
            await asyncio.sleep(max(0.0, len(wrote) / PER_SECOND - seconds + end - time.monotonic()))
        while any(self.follower.said[name] < at for name, at in wrote.items()):
            await asyncio.sleep(0.05)
        return [self.follower.said[name] - at for name, at in wrote.items()]

    def _sizes(self) -> None:
        usage, rest = Usage.of(self.server), self.crews[1:]
        print(
            f"etcd: {memory(pid(self.server)):.0f} MiB of memory, {usage.size / 2**20:.0f} MiB of data, "
            f"{usage.watchers:.0f} watches"
        )
        print(f"an agent in a process of its own: {memory(self.crews[0].pid):.0f} MiB")
        agents = sum(len(crew.hosts) for crew in rest)
        shared = sum(memory(crew.pid, "Pss") for crew in rest) / agents
        print(f"each of {agents} in {len(rest)} processes: {shared:.1f} MiB")


def spread(values: list[float]) -> str:
    """The median, and what 99 of 100 are below."""
    highest = statistics.quantiles(values, n=100)[98]
    return f"median {statistics.median(values) * 1000:.1f} ms, 99 % {highest * 1000:.1f} ms, of {len(values)}"
