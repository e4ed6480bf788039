"""The agent: watches the store and the forwarder, runs a round whenever either says something, says what came of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from weft_openstack.agent import devices
from weft_openstack.agent.actual import Host
from weft_openstack.agent.desired import HostFacts
from weft_openstack.agent.forwarder import FOR_HOST, FOR_VHOST, FOR_VXLAN, Forwarder, Lost, Refused
from weft_openstack.agent.plan import Plan
from weft_openstack.agent.presence import Occupied, Presence, first_record
from weft_openstack.agent.publisher import Publisher
from weft_openstack.agent.reconciler import Outcome, Reconciler
from weft_openstack.agent.watched import Watched
from weft_openstack.store import keys, records
from weft_openstack.store.etcd import Etcd, Settings, StoreError
from weft_openstack.store.lease import SECONDS, Lease
from weft_openstack.store.mirror import RETRY

log = logging.getLogger("weft_openstack.agent")


LOOK = 1.0  #: seconds between looks whether a folder that was missing is there
PAUSE = 0.2  #: seconds at the most between rounds in a crowd of changes; else it is as long as the last round took
PROBLEMS = 20  #: with what no port stands on, that are told of
GRACE = 10.0  #: seconds without a forwarder, which may just start anew, before its ports are said to have failed


def _version() -> str:
    try:
        return version("weft")
    except PackageNotFoundError:
        return "unknown"


@dataclass(frozen=True)
class Config:
    """What an agent is told."""

    facts: HostFacts
    store: Settings
    prefix: str
    api_socket: str
    machine: str
    read_interval: float = 60.0
    lease_seconds: int = SECONDS


@dataclass(eq=False)
class Agent:
    """One agent. `run` ends with an exception only."""

    config: Config
    etcd: Etcd = field(init=False)
    forwarder: Any = None  #: a Forwarder, or what behaves as one
    outcomes: dict[str, Outcome] | None = None  #: of the last round; None: there was none yet

    def __post_init__(self) -> None:
        config, facts = self.config, self.config.facts
        self.etcd = Etcd(config.store)
        self.forwarder = self.forwarder or Forwarder(config.api_socket)
        self.reconciler = Reconciler(self.forwarder, frozenset(facts.physnets.values()))
        self._wake, self._news = asyncio.Event(), asyncio.Event()
        self.watched = Watched(self.etcd, config.prefix, facts, self._wake.set)
        self.lease = Lease(self.etcd, self._lease_lost, config.lease_seconds)
        record = first_record(
            agent=_version(),
            forwarder="",
            physnets=dict(facts.physnets),
            tunnels=facts.tunnel_address is not None,
            vhost_user_dir=facts.vhost_user_dir,
            machine=config.machine,
        )
        self.presence = Presence(self.etcd, config.prefix, facts.name, self.lease, record)
        self.publisher = Publisher(self.etcd, config.prefix, facts.name, self.lease)
        self._unsaid: set[str] | None = None  #: ports of which there may be something to say; None: all
        self._devices: set[str] = set()  #: Linux devices that were there when it was last looked
        self._here: dict[str, Any] = {"forwarder": "not reached yet", "ready": False}

    # what others say

    def _devices_changed(self) -> None:
        """What failed because its device was missing has its turn when the device is there."""
        if not self.reconciler.failures:
            return
        interfaces = self.watched.desired().interfaces
        wanted = {
            ref: each.what.device
            for ref in self.reconciler.failures
            if (each := interfaces.get(ref)) and isinstance(each.what, Host)
        }
        before, self._devices = self._devices, devices.present(wanted.values())
        came = self._devices - before
        if self.reconciler.retry(ref for ref, device in wanted.items() if device in came):
            self._wake.set()

    async def _look_for_folders(self) -> None:
        """What failed because a folder was missing has its turn when that is there."""
        while True:
            await asyncio.sleep(LOOK)
            if self.reconciler.retry(self.reconciler.awaiting()):
                self._wake.set()

    def _lease_lost(self) -> None:
        self.publisher.forget()
        self.presence.forget()
        self._news.set()

    # running

    async def run(self) -> None:
        """Run until cancelled. Raises Occupied."""
        try:
            await _until_done(self.presence.take)
            async with asyncio.TaskGroup() as group:
                for part in (
                    self.watched.ports.run,
                    self.watched.endpoints.run,
                    self.lease.run,
                    self._reconcile,
                    self._publish,
                ):
                    group.create_task(part())
                group.create_task(devices.watch(self._devices_changed))
                group.create_task(self._look_for_folders())
        finally:
            await self.close()

    async def close(self) -> None:
        self.watched.close()
        await self.forwarder.close()
        await self.etcd.close()

    async def show_plan(self) -> Plan:
        """What a round would do now. Raises StoreError or Lost or Refused."""
        tasks = [asyncio.create_task(mirror.run()) for mirror in (self.watched.ports, self.watched.endpoints)]
        try:
            await self.watched.complete()
            await self.forwarder.connect()
            return await self.reconciler.plan(self.watched.desired())
        finally:
            for task in tasks:
                task.cancel()

    async def _reconcile(self) -> None:
        """Rounds, for ever."""
        await self.watched.complete()
        attempt, since = 0, time.monotonic()
        while True:
            try:
                await self._connect()
                attempt = 0
                try:
                    await self._rounds()
                finally:
                    since = time.monotonic()
            except (Lost, Refused) as error:
                if time.monotonic() - since > GRACE:
                    self.outcomes, self._unsaid = self._without_forwarder(str(error)), None
                if self._here["ready"] or self._here["forwarder"] != str(error):
                    log.warning("forwarder: %s; trying again", error)
                self._tell(forwarder=str(error), ready=False)
                await asyncio.sleep(RETRY[min(attempt, len(RETRY) - 1)])
                attempt += 1
            except Exception:  # a mistake of ours: what is there goes on, and so do we
                log.exception("this round failed; trying again")
                self._tell(forwarder="the agent made a mistake; see its log", ready=False)
                await asyncio.sleep(RETRY[-1])

    def _without_forwarder(self, reason: str) -> dict[str, Outcome]:
        """What becomes of ports while there is no forwarder."""
        ports = self.watched.desired().ports
        return {
            port: Outcome("failed", wish.at, f"the forwarder is away: {reason}", plan=("connect to the forwarder",))
            for port, wish in ports.items()
        }

    async def _connect(self) -> None:
        self.reconciler.doubt()
        self.reconciler.failures.clear()
        await self.forwarder.connect()
        log.info("forwarder: %s at %s", self.forwarder.version, self.config.api_socket)
        for kind, messages in (("vhost-user", FOR_VHOST), ("host-interface", FOR_HOST), ("VXLAN", FOR_VXLAN)):
            if missing := self.forwarder.missing(messages):
                log.warning("this forwarder can do no %s: it does not have %s", kind, ", ".join(missing))

    async def _rounds(self) -> None:
        """Rounds with one forwarder. Raises Lost when it goes."""
        listener = asyncio.create_task(self._listen())
        read = time.monotonic()
        try:
            while True:
                self._wake.clear()
                began = time.monotonic()
                if began - read > self.config.read_interval:
                    self.reconciler.doubt()
                if self.reconciler.stale:
                    read = began
                    self.watched.forget()
                desired = self.watched.desired()
                news = await self.reconciler.round(desired, self.watched.touched())
                self.outcomes = self.reconciler.outcomes
                if news is None:
                    self._unsaid = None
                elif self._unsaid is not None:
                    self._unsaid |= news
                self._tell(
                    forwarder=self.forwarder.version,
                    ready=True,
                    ports=len(self.outcomes),
                    failed=len(self.reconciler.failed),
                    problems=_problems(desired.notes | self.reconciler.apart(desired)),
                )
                if self._wake.is_set():  # more came meanwhile: what comes in crowds is done together
                    await asyncio.sleep(min(PAUSE, time.monotonic() - began))
                await self._sleep(read)
        finally:
            listener.cancel()

    async def _sleep(self, read: float) -> None:
        """Until something happened, something is to be tried again, or all is to be read again."""
        until = read + self.config.read_interval
        if self.reconciler.stale:
            return
        if (again := self.reconciler.next_try()) is not None:
            until = min(until, again)
        waits = [asyncio.ensure_future(each.wait()) for each in (self._wake, self.forwarder.lost)]
        try:
            seconds = max(0.0, until - time.monotonic())
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        if self.forwarder.lost.is_set():
            raise Lost("the connection ended")

    async def _listen(self) -> None:
        """An interface that went away without us is a reason to read again; so is a new one while one is missing."""
        while True:
            event = await self.forwarder.events.get()
            actual, index = self.reconciler.actual, getattr(event, "sw_if_index", -1)
            gone = event.deleted and index in actual.interfaces and index not in actual.leaving
            if gone or (self.reconciler.problems and index not in actual.interfaces):
                self.reconciler.doubt()
                self._wake.set()

    # what we say

    def _tell(self, **facts: Any) -> None:
        for what, problem in facts.get("problems", {}).items():
            if problem != self._here.get("problems", {}).get(what):
                log.warning("%s: %s", what, problem)
        self._here.update(facts)
        self._news.set()

    async def _publish(self) -> None:
        """Say what is new, for ever; while etcd is away, later. Now and then all that was said is looked at, and said
        again where somebody changed it."""
        loop, attempt, look = asyncio.get_running_loop(), 0, None
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(look):
                    await self._news.wait()
            self._news.clear()
            try:
                if look is None or loop.time() >= look:
                    await self._look()
                    look = loop.time() + self.config.read_interval
                if self.outcomes is not None:
                    ports, self._unsaid = self._unsaid, set()
                    await self.publisher.say(self.outcomes, ports)
                await self.presence.say(**self._here)
                attempt = 0
            except StoreError as error:
                self._unsaid = None
                log.warning("what became of the ports could not be said: %s; trying again", error)
                self._news.set()
                await asyncio.sleep(RETRY[min(attempt, len(RETRY) - 1)])
                attempt += 1

    async def _look(self) -> None:
        """See to it that etcd has what we said: where our tunnels end, that we live, what became of ports."""
        address, key = self.config.facts.tunnel_address, self.config.prefix + keys.endpoint(self.config.facts.name)
        item = await self.etcd.get(key)
        if address is None and item is not None:
            await self.etcd.delete(key)
        elif address is not None:
            value = records.encode(records.Endpoint(address=address))
            if item is None or item.value != value:
                await self.etcd.put(key, value)
        await self.presence.look()
        self.publisher.forget()


def _problems(found: dict[str, str]) -> dict[str, str]:
    """As many as fit a record that is read at a glance."""
    more = len(found) - PROBLEMS
    return dict(sorted(found.items())[:PROBLEMS]) | ({"...": f"and {more} more"} if more > 0 else {})


async def _until_done(action: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do something again until etcd takes it. Other errors are raised."""
    attempt = 0
    while True:
        try:
            return await action()
        except StoreError as error:
            log.warning("etcd: %s; trying again", error)
            await asyncio.sleep(RETRY[min(attempt, len(RETRY) - 1)])
            attempt += 1


__all__ = ["Agent", "Config", "Occupied"]
