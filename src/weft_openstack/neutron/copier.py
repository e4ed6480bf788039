"""Makes the keys in the outbox equal to the database. Any number of processes may do it at once."""

from __future__ import annotations

import asyncio
import logging
import threading

from weft_openstack.neutron import desired
from weft_openstack.neutron.loop import EtcdThread
from weft_openstack.neutron.outbox import Outbox
from weft_openstack.store import records
from weft_openstack.store.etcd import Delete, Item, Put, StoreError, Unchanged, Unreachable

log = logging.getLogger(__name__)

BATCH = 50  #: keys at a time
POLL = 2.0  #: seconds between looks without being told
TRIES = 5


class Behind(Exception):
    """The database that we read is older than what was copied before; a replica that lags."""


class Copier:
    """A thread that copies what is in the outbox as soon as it is told, and what others left there."""

    def __init__(self, store: EtcdThread, prefix: str) -> None:
        self.store, self.prefix, self.outbox = store, prefix, Outbox()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="weft-copier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something was committed."""
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait(POLL)
            self._wake.clear()
            try:
                while self.copy():
                    pass
            except Exception:  # the database is away, or a mistake of ours: the rows are still there
                log.exception("copying to etcd failed; trying again")
                self._wake.wait(POLL)

    def copy(self) -> int:
        """Copy a batch; how many keys it had. Each key fails for itself."""
        claim, paths = self.outbox.claim(BATCH)
        if not paths:
            return 0
        done, errors, away = [], {}, False
        results = self.store.call(self._copy_all(paths))
        for path, error in results.items():
            if error is None:
                done.append(path)
            else:
                away = away or isinstance(error, Unreachable)
                errors[path] = str(error) or repr(error)
        self.outbox.done(claim, done)
        if errors:
            path, reason = next(iter(errors.items()))
            log.warning("%d keys could not be copied, such as %s: %s", len(errors), path, reason)
            self.outbox.failed(claim, errors, away)
        return 0 if away else len(paths)

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
        return bool(await self.store.etcd.transact(condition, [Put(key, records.encode(record))]))


def _check_revision(item: Item, record: records.Record) -> None:
    try:
        there = records.decode(type(record), item.value)
    except records.Malformed:
        return
    before, now = getattr(there, "revision", 0), getattr(record, "revision", 0)
    if before > now:
        raise Behind(f"etcd has revision {before}, the database {now}")
