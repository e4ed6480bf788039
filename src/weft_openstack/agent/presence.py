"""That this agent lives, and is the only one of its host: a record in etcd with a lease, a lock on the machine."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import msgspec

from weft_openstack.store import keys, records
from weft_openstack.store.etcd import Etcd, Item, Put, Unchanged
from weft_openstack.store.lease import Lease

log = logging.getLogger(__name__)


class Occupied(Exception):
    """Another agent has this host's name."""


def lock(folder: Path, host: str) -> tuple[IO[str], str]:
    """The lock of this host's agent, held until closed; and who we are: the same after a restart. Raises Occupied."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder.resolve() / f"{host}.lock"
    held = path.open("a+")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        raise Occupied(f"an agent for {host} runs on this machine; it holds {path}") from None
    machine = Path("/etc/machine-id")
    return held, f"{machine.read_text().strip() if machine.exists() else os.uname().nodename}:{path}"


@dataclass(eq=False)
class Presence:
    """The agent's record. `facts` are its fields that change."""

    etcd: Etcd
    prefix: str
    host: str
    lease: Lease
    record: records.Agent
    _modified: int = field(default=0)  #: our record's revision; 0: it is not ours

    @property
    def key(self) -> str:
        return self.prefix + keys.agent(self.host)

    async def take(self) -> None:
        """Have the host's name: get it, or go on with the lease of our last life. Raises Occupied."""
        item = await self.etcd.get(self.key)
        if item is not None and item.lease:
            self._check_ours(item)
        elif item is not None:
            log.warning("%s holds what no agent wrote, as it has no lease; it is replaced", self.key)
        await self.lease.hold(item.lease if item and item.lease else self.lease.id)
        self._modified = await self.etcd.transact(
            [Unchanged(self.key, item.modified if item else 0)], [Put(self.key, self._value(), self.lease.id)]
        )
        if not self._modified:
            raise Occupied(f"another agent for {self.host} came at the same moment")

    def _check_ours(self, item: Item) -> None:
        try:
            other = records.read(records.Agent, item)
        except records.Malformed as error:
            whose = f"its record cannot be read ({error})"
        else:
            if other.machine == self.record.machine:
                return
            whose = f"on {other.machine}, process {other.pid}"
        raise Occupied(f"another agent for {self.host} lives: {whose}. Its record {self.key} goes with its lease")

    async def say(self, **facts: object) -> None:
        """Change what the record says. Raises Occupied if it is somebody else's by now."""
        changed = msgspec.structs.replace(self.record, **facts)
        if changed == self.record and self._modified:
            return
        self.record = changed
        put = Put(self.key, self._value(), self.lease.id)
        self._modified = await self.etcd.transact([Unchanged(self.key, self._modified)], [put])
        if not self._modified:
            await self.take()

    async def look(self) -> None:
        """Have the record again if somebody wrote or deleted it. Raises Occupied if it is another agent's."""
        item = await self.etcd.get(self.key)
        if item is None or item.modified != self._modified:
            await self.take()

    def forget(self) -> None:
        """The lease ended: the record is not there."""
        self._modified = 0

    def _value(self) -> bytes:
        return records.encode(self.record)


def first_record(**facts: object) -> records.Agent:
    """The record of an agent that has just begun."""
    return records.Agent(pid=os.getpid(), started=time.time(), **facts)  # type: ignore[arg-type]
