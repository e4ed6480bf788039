"""An engine that serves its API on a socket while the test is the client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.conftest import Lab
from vpp_papi import VPPApiClient

from weft import Engine
from weft.core.api.server import ApiServer
from weft.core.listener import UnixListener


class Served:
    """An engine with its API's server on a thread. ``run`` carries something out there, as the main thread would."""

    def __init__(self, path: Path, interpret: bool = True) -> None:
        self.path, self._interpret = path, interpret
        self._ready: Future[None] = Future()
        self._stop = asyncio.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    async def _serve(self) -> None:
        try:
            self.loop = asyncio.get_running_loop()
            with Engine(workers=0, interpret=self._interpret) as self.engine:
                self.lab = Lab(self.engine)
                self.server = ApiServer(self.engine, UnixListener(self.path, setting="test"))
                await self.server.start()
                self._ready.set_result(None)
                await self._stop.wait()
                await self.server.stop()
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            raise

    def run(self, action: Callable[[Lab], Any]) -> Any:
        """What an action with the lab gives, carried out between messages."""
        done: Future[Any] = Future()

        def carry_out() -> None:
            try:
                done.set_result(action(self.lab))
            except BaseException as error:
                done.set_exception(error)

        self.loop.call_soon_threadsafe(carry_out)
        return done.result(60)

    def cli(self, text: str) -> str:
        """Run commands, a line each; what they print."""
        return str(self.run(lambda lab: lab.cli(text)))

    def client(self, name: str = "test", **options: Any) -> VPPApiClient:
        """A connected vpp_papi client, which has learned the messages from the engine."""
        client = VPPApiClient(bootstrapapi=True, server_address=str(self.path), **options)
        client.connect(name)
        return client

    def __enter__(self) -> Served:
        self.thread.start()
        self._ready.result(120)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self.thread.join(30)
        assert not self.thread.is_alive() and not self.path.exists()
