"""A lease that is kept alive for as long as its holder lives."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from weft_openstack.store.etcd import Etcd, StoreError

log = logging.getLogger(__name__)

SECONDS = 30  #: how long a lease outlives its holder


@dataclass(eq=False)
class Lease:
    """A lease of ours. `lost` is called when it ended in spite of us, and another one is there in its place."""

    etcd: Etcd
    lost: Callable[[], None]
    seconds: int = SECONDS
    id: int = 0

    async def hold(self, known: int = 0) -> int:
        """Get a lease, or go on with one that is known. Its number. Until then the old one counts, even if it is gone:
        what others write meanwhile is refused, and is not there without a lease.
        """
        before = self.id
        self.id = known if known and await self.etcd.refresh(known) else await self.etcd.grant(self.seconds)
        if before not in (0, self.id):
            self.lost()
        return self.id

    async def run(self) -> None:
        """Refresh it until cancelled. Time is measured on the clock that nobody sets."""
        good = time.monotonic()
        while True:
            await asyncio.sleep(self.seconds / 6)
            try:
                if not await self.etcd.refresh(self.id):
                    log.warning("the lease %x is gone, %.0f s after it was refreshed", self.id, time.monotonic() - good)
                    await self.hold()
                good = time.monotonic()
            except StoreError as error:
                log.debug("the lease %x could not be refreshed: %s", self.id, error)
