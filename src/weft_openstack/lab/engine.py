"""An engine as a process: all that it reads, writes and listens on is in one folder."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from weft_openstack.agent.forwarder import Forwarder, Lost, Refused
from weft_openstack.lab.process import Process

STARTS_WITHIN = 600.0  #: seconds, where an engine has all to compile and others want the processor too


def engine(name: str, folder: Path, environment: Mapping[str, str] | None = None) -> Process:
    """An engine that carries out ``startup.cli`` of the folder, and listens at ``api.sock`` and ``cli.sock`` there."""
    stanzas = (
        f"unix {{ nodaemon nosyslog log {folder}/weft.log cli-listen {folder}/cli.sock runtime-dir {folder} "
        f"exec {folder}/startup.cli }} "
        f"socksvr {{ socket-name {folder}/api.sock }} statseg {{ socket-name {folder}/stats.sock }}"
    )
    return Process(
        name,
        (sys.executable, "-m", "weft.main", *stanzas.split()),
        folder / "engine.log",
        environment=environment or {},
        ready=lambda: speaks(folder / "api.sock"),
        seconds=STARTS_WITHIN,
    )


def speaks(path: Path) -> bool:
    """Whether a forwarder answers at a socket: one that compiles has the socket, but no time."""

    async def ask() -> bool:
        forwarder = Forwarder(str(path), timeout=2)
        try:
            await forwarder.connect()
        except (Lost, Refused):
            return False
        finally:
            await forwarder.close()
        return True

    return path.exists() and asyncio.run(ask())
