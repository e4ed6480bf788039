"""Processes in which agents run, some in each: all of an agent's code, with a connection of its own to etcd; what it
programs is simulated.

There are few processes because a machine with few processors is no machine for hundreds: each agent would have one, or
most of one, to itself.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.openstack.simulated import UPLINK, Simulated

from weft_openstack.agent.agent import Agent, Config
from weft_openstack.agent.desired import HostFacts
from weft_openstack.store import etcd, records


@dataclass(eq=False)
class Crew:
    """A process with the agents of some hosts, which begin one by one."""

    hosts: Sequence[int]
    folder: Path
    pid: int = 0
    delays: list[float] = field(default_factory=list)  #: from writes until an agent heard; known when it has ended
    _go: int = -1

    @property
    def _told(self) -> Path:
        return self.folder / f"crew{self.hosts[0]}.json"

    def fork(self, endpoint: str, prefix: str, others: Sequence[Crew]) -> None:
        """Make the process of this one, which has no thread yet. It leaves etcd the right of way."""
        waits, self._go = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(waits)
            return
        status = 1
        try:
            for each in others:
                if each._go != -1:
                    os.close(each._go)
            os.nice(5)
            logging.disable(logging.WARNING)  # each says of hosts that are still to begin that they have not
            asyncio.run(self._work(waits, endpoint, prefix))
            self._told.write_text(json.dumps(self.delays))
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def begin(self, agents: int) -> None:
        """Let more agents begin."""
        os.write(self._go, bytes(agents))

    def end(self) -> None:
        """End it, and learn how late each port was heard of."""
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        self.pid = 0
        self.delays = json.loads(self._told.read_text()) if self._told.exists() else []

    def kill(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0

    # in the process

    async def _work(self, waits: int, endpoint: str, prefix: str) -> None:
        etcd.CHANNEL += (("grpc.use_local_subchannel_pool", 1),)  # else agents of one process share a connection
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
        left = list(self.hosts)
        with suppress(asyncio.CancelledError):
            async with asyncio.TaskGroup() as group:
                while True:
                    for _ in await loop.run_in_executor(None, os.read, waits, 1) if left else ():
                        group.create_task(self._agent(left.pop(0), endpoint, prefix).run())
                    if not left:
                        await asyncio.Event().wait()

    def _agent(self, number: int, endpoint: str, prefix: str) -> Agent:
        address = f"10.99.{number >> 8}.{number & 255}"
        facts = HostFacts(f"host{number}", {"physnet1": UPLINK}, str(self.folder), address)
        config = Config(facts, etcd.Settings((endpoint,), timeout=60), prefix, "simulated", "bench")
        agent = Agent(config, forwarder=Simulated())
        mirror = agent.watched.ports
        changed = mirror.changed

        def hear(ports: set[str]) -> None:
            now = time.time()
            for port in ports & mirror.items.keys():
                if (written := records.read(records.Port, mirror.items[port]).written) > 0:
                    self.delays.append(now - written)
            changed(ports)

        mirror.changed = hear
        return agent
