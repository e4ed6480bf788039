"""A part of the keyspace as it is now: read once, then watched; read again whenever that is in doubt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from weft_openstack.store.etcd import Compacted, Etcd, Item, StoreError

log = logging.getLogger(__name__)

RETRY = (0.1, 0.2, 0.5, 1.0, 2.0)  #: seconds between attempts; the last goes on


@dataclass(eq=False)
class Mirror:
    """All items below a prefix, by the rest of their key. `changed` is called with the paths that changed.

    What was read stays while etcd is away: it is the last that was said.
    """

    etcd: Etcd
    prefix: str
    changed: Callable[[set[str]], None]
    items: dict[str, Item] = field(default_factory=dict)
    problem: str = ""  #: why it may be behind; empty while it is not
    complete: asyncio.Event = field(default_factory=asyncio.Event)  #: read at least once

    async def run(self) -> None:
        """Keep it true until cancelled.

        After each loss all is read anew, as the history that a watch would go on with may be gone (compacted) or
        another one (etcd restored from a copy).
        """
        attempt = 0
        while True:
            try:
                revision = await self._read()
                attempt = 0
                await self._follow(revision)
            except Compacted as error:
                log.info("%s: %s", self.prefix, error)
            except Exception as error:
                if not isinstance(error, StoreError):  # a mistake of ours, which may not end this without a word
                    log.exception("%s: trying again", self.prefix)
                elif not self.problem:
                    log.warning("%s: %s; trying again", self.prefix, error)
                self.problem = str(error) or repr(error)
                await asyncio.sleep(RETRY[min(attempt, len(RETRY) - 1)])
                attempt += 1

    async def _read(self) -> int:
        """Read all; what differs from what was known is a change. The revision read."""
        found, revision = await self.etcd.below(self.prefix)
        before, self.items = self.items, {item.key[len(self.prefix) :]: item for item in found}
        if self.problem:
            log.info("%s: read again", self.prefix)
        self.problem = ""
        changes = {path for path, item in self.items.items() if before.get(path) != item}
        changes |= before.keys() - self.items.keys()
        first = not self.complete.is_set()
        self.complete.set()
        if changes or first:
            self.changed(changes)
        return revision

    async def _follow(self, revision: int) -> None:
        """Take over what happens after a revision. Ends with a StoreError."""
        async for events in self.etcd.watch(self.prefix, revision + 1):
            for event in events:
                path = event.key[len(self.prefix) :]
                if event.item is None:
                    self.items.pop(path, None)
                else:
                    self.items[path] = event.item
            if events:
                self.changed({event.key[len(self.prefix) :] for event in events})
