"""The statistics socket of an engine, and VPP's own client at it."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conftest import Lab
from vpp_papi.vpp_stats import VPPStats

from weft import Engine
from weft.core.listener import UnixListener
from weft.core.stats.server import StatsServer
from weft.features.stats.model import StatsSegment


@contextmanager
def serving(engine: Engine) -> Iterator[str]:
    """Serve the segment of an engine from a thread of its own; the path of the socket."""
    with tempfile.TemporaryDirectory(prefix="stats-") as folder:
        listener = UnixListener(Path(folder, "stats.sock"), setting="test", kind=socket.SOCK_SEQPACKET, backlog=256)
        server = StatsServer(engine[StatsSegment].descriptor, listener)
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
        try:
            yield str(listener.path)
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()


@contextmanager
def reading(path: str) -> Iterator[VPPStats]:
    """VPP's client of the segment."""
    stats = VPPStats(path)
    stats.connect()
    try:
        yield stats
    finally:
        stats.disconnect()


@dataclass
class Counted:
    """An engine and a client of its statistics."""

    lab: Lab
    stats: VPPStats

    def names(self) -> list[str]:
        """The names of interfaces by sw_if_index."""
        found: list[str] = self.stats["/if/names"]
        return found


@pytest.fixture
def counted(lab: Lab) -> Iterator[Counted]:
    with serving(lab.engine) as path, reading(path) as stats:
        yield Counted(lab, stats)
