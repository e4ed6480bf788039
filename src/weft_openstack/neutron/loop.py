"""One event loop in a thread, in which a process of Neutron speaks to etcd; its other threads call into it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from weft_openstack.store.etcd import Etcd, Settings

T = TypeVar("T")


class EtcdThread:
    """A connection to etcd, with its loop. It begins on `start`: never before Neutron has made its processes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.loop = asyncio.new_event_loop()
        self.etcd: Etcd
        self._thread = threading.Thread(target=self._run, name="weft-etcd", daemon=True)
        self._ready = threading.Event()

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.etcd = Etcd(self._settings)
        self.loop.call_soon(self._ready.set)
        self.loop.run_forever()

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Let something run in the loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """What something gives that runs in the loop."""
        return self.begin(work).result()
