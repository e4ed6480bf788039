"""Makes the keys in the outbox equal to the database. Any number of processes may do it at once."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque

from weft_openstack.neutron import desired
from weft_openstack.neutron.loop import EtcdThread
from weft_openstack.neutron.outbox import Outbox
from weft_openstack.store import records
from weft_openstack.store.etcd import Delete, Item, Put, StoreError, Unchanged, Unreachable

log = logging.getLogger(__name__)

BATCH = 50  #: keys at a time
POLL = 2.0  #: seconds between looks into the outbox
HANDED = 10_000  #: transactions that wait to be copied at the most; what is beyond is found in the outbox
TRIES = 5


class Behind(Exception):
    """The database that we read is older than what was copied before; a replica that lags."""


class Copier:
    """A thread that copies what this process noted as soon as that is committed; and what others left in the outbox."""

    def __init__(self, store: EtcdThread, prefix: str) -> None:
        self.store, self.prefix, self.outbox = store, prefix, Outbox()
        self._wake = threading.Event()
        self._handed: deque[dict[int, str]] = deque(maxlen=HANDED)
        self._thread = threading.Thread(target=self._run, name="weft-copier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def hand(self, rows: dict[int, str]) -> None:
        """These rows were committed: they need not be looked for in the outbox. They are nobody's until they are done:
        another process that finds them copies them too, which is the same once more."""
        self._handed.append(rows)
        self._wake.set()

    def _run(self) -> None:
        looked = 0.0
        while True:
            self._wake.wait(POLL)
            self._wake.clear()
            try:
                while rows := self._take():
                    self._copy(rows)
                if time.monotonic() - looked > POLL / 2:
                    while self.copy():
                        pass
                    looked = time.monotonic()
            except Exception:  # the database is away, or a mistake of ours: the rows are still there
                log.exception("copying to etcd failed; trying again")
                self._wake.wait(POLL)

    def _take(self) -> dict[int, str]:
        """Some of what was handed over, together."""
        rows: dict[int, str] = {}
        while self._handed and len(rows) < BATCH:
            rows |= self._handed.popleft()
        return rows

    def copy(self) -> int:
        """Copy a batch of what waits in the outbox; how many rows that were, none if etcd is away."""
        return self._copy(self.outbox.claim(BATCH))

    def _copy(self, rows: dict[int, str]) -> int:
        """Copy the keys of some rows. Each key fails for itself."""
        if not rows:
            return 0
        results = self.store.call(self._copy_all(sorted(set(rows.values()))))
        if done := [row for row, path in rows.items() if results[path] is None]:
            self.outbox.done(done)
        failed = {row: error for row, path in rows.items() if (error := results[path]) is not None}
        if not failed:
            return len(rows)
        row, reason = next(iter(failed.items()))
        log.warning("%d keys could not be copied, such as %s: %s", len(failed), rows[row], reason)
        away = any(isinstance(error, Unreachable) for error in failed.values())
        self.outbox.failed({row: str(error) or repr(error) for row, error in failed.items()}, away)
        return 0 if away else len(rows)

    async def _copy_all(self, paths: list[str]) -> dict[str, Exception | None]:
        """Make keys as the database says. What is in etcd is read before the database: if it is another one when it is
        written, somebody else was faster, and all of that key is looked at anew. What changes in the database after it
        was read has a row of its own in the outbox."""
        results: dict[str, Exception | None] = {}
        left = paths
        for _ in range(TRIES):
            try:
                items = await self.store.etcd.get_all([self.prefix + path for path in left])
            except StoreError as error:
                return results | dict.fromkeys(left, error)
            wanted = await asyncio.to_thread(desired.wanted, left)
            results |= {path: StoreError(problem) for path, problem in wanted.problems.items()}
            writes = [self._write(self.prefix + path, items, record) for path, record in wanted.records.items()]
            written = await asyncio.gather(*writes, return_exceptions=True)
            for path, outcome in zip(wanted.records, written, strict=True):
                if outcome is True:
                    results[path] = None
                elif isinstance(outcome, Exception):
                    results[path] = outcome
            left = [path for path in left if path not in results]
            if not left:
                return results
        return results | dict.fromkeys(left, StoreError("it changes faster than it can be copied"))

    async def _write(self, key: str, items: dict[str, Item], record: records.Record | None) -> bool:
        """Whether a key is now as it should be."""
        item = items.get(key)
        condition = [Unchanged(key, item.modified if item else 0)]
        if record is None:
            return item is None or bool(await self.store.etcd.transact(condition, [Delete(key)]))
        if item is not None:
            if records.same(record, item.value):
                return True
            _check_revision(item, record)
        return bool(await self.store.etcd.transact(condition, [Put(key, records.encode(records.stamped(record)))]))


def _check_revision(item: Item, record: records.Record) -> None:
    try:
        there = records.decode(type(record), item.value)
    except records.Malformed:
        return
    before, now = getattr(there, "revision", 0), getattr(record, "revision", 0)
    if before > now:
        raise Behind(f"etcd has revision {before}, the database {now}")
