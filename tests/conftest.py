"""What tests share: an engine with packet-generator interfaces, compiled and interpreted."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from scapy.layers.l2 import Ether
from scapy.packet import Packet
from tests.hosts import Hosts, make_hosts
from tests.switch import Switch, make_switch

from weft import Engine
from weft.core import features
from weft.core.api.module import MODULES
from weft.core.cli.command import COMMANDS
from weft.core.graph import ARCS
from weft.core.model import MODELS
from weft.core.node import ERROR_OWNERS, ERRORS, NODES, ROUTINES
from weft.core.punt import REASONS
from weft.core.view import VIEWS
from weft.features.arp.model import Arp
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip6_nd.model import Nd
from weft.features.pg.model import PacketGenerator

# How long an example takes says nothing on a busy machine.
settings.register_profile("weft", deadline=None)
settings.load_profile("weft")

features.load()
#: What lasts for the process: test modules add to it when they are imported, all before the first test.
DECLARED = (ARCS, COMMANDS, ERRORS, MODELS, MODULES, NODES, REASONS, ROUTINES, VIEWS)


@dataclass
class Lab:
    """An engine without workers: each call forwards until nothing is left to do. It does not announce its addresses, so
    that only what a test does makes it send something; those of announcements switch them on.
    """

    engine: Engine
    ports: list[Interface] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine[Arp].announcing = self.engine[Nd].announcing = False

    def pg(self, count: int) -> list[Interface]:
        """So many more packet-generator interfaces, up, captured: pg0, pg1, ..."""
        made = []
        for _ in range(count):
            port = self.engine[PacketGenerator].create(f"pg{len(self.ports)}")
            self.engine[Interfaces].set_admin(port, True)
            self.engine[PacketGenerator].capture(port)
            self.ports.append(port)
            made.append(port)
        return made

    def cli(self, text: str) -> str:
        """Run the commands of a text, a line each; what they print."""
        return "".join(self.engine.cli(line.strip()) for line in text.splitlines() if line.strip())

    def send(self, port: Interface, *packets: Packet | bytes) -> dict[str, list[Packet]]:
        """Let packets come in by a port; interface name -> what left by it, for those by which something did."""
        self.engine[PacketGenerator].send(port, [bytes(packet) for packet in packets])
        return self.output()

    def send_raw(self, port: Interface, *packets: bytes) -> dict[str, list[bytes]]:
        """The same with bytes."""
        self.engine[PacketGenerator].send(port, packets)
        return {port.name: out for port in self.ports if (out := self.engine[PacketGenerator].captured(port))}

    def output(self) -> dict[str, list[Packet]]:
        """What has left since the last look."""
        captured = {port.name: self.engine[PacketGenerator].captured(port) for port in self.ports}
        return {name: [Ether(data) for data in packets] for name, packets in captured.items() if packets}

    def errors(self) -> dict[tuple[str, str], int]:
        """(node, reason) -> count, as ``show errors``."""
        counts = self.engine.graph.errors()
        return {(ERROR_OWNERS[type(ERRORS[n])], ERRORS[n].text): count for n, count in counts.items()}


def lasting() -> dict[str, object]:
    """What a test could leave behind for all that run after it in the process."""
    return {
        "environment": {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
        "folder": os.getcwd(),
        "network namespace": os.readlink("/proc/thread-self/ns/net"),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "log": [*logging.getLogger("weft").handlers],
        "declarations": [sum(1 for _ in declared) for declared in DECLARED],
    }


@pytest.fixture(autouse=True, scope="module")
def given_back() -> Iterator[None]:
    """The tests of a file leave the process as they found it, so that files can run in any order."""
    before = lasting()
    yield
    assert lasting() == before


@pytest.fixture(autouse=True)
def log_levels() -> Iterator[None]:
    """What is logged is the process's setting, not an engine's: a test that changes it changes it for itself."""
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict if name.split(".")[0] == "weft"]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


@pytest.fixture(params=["compiled", "interpreted"])
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with Engine(workers=0, interpret=request.param == "interpreted") as engine:
        yield Lab(engine)


@pytest.fixture
def compiled_lab() -> Iterator[Lab]:
    with Engine(workers=0, interpret=False) as engine:
        yield Lab(engine)


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    yield from make_hosts()


@pytest.fixture
def switch() -> Iterator[Switch]:
    yield from make_switch()
