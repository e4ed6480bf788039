"""Interfaces wired to each other, and to what is outside of the engine."""

from __future__ import annotations

import time

from tests.conftest import Lab

from weft import Engine
from weft.features.interface.model import Interface, Interfaces

TRIES = 20


def connect(engine: Engine, a: Interface, b: Interface) -> None:
    """What comes in by one leaves by the other."""
    engine.cli(f"set interface l2 xconnect {a.name} {b.name}")
    engine.cli(f"set interface l2 xconnect {b.name} {a.name}")


def settle(lab: Lab) -> None:
    """Let the interfaces' carriers come, and what the kernel sends by itself go."""
    time.sleep(0.02)
    lab.engine.advance(1.1)
    lab.engine.step()
    lab.output()


def plug(lab: Lab, create: str) -> Interface:
    """The interface that a command makes, up."""
    interface = lab.engine[Interfaces][lab.cli(create).strip()]
    lab.engine[Interfaces].set_admin(interface, True)
    settle(lab)
    return interface


def wired(lab: Lab, interface: Interface) -> tuple[Interface, Interface]:
    """A packet-generator port wired to an interface, and that."""
    (pg,) = lab.pg(1)
    connect(lab.engine, pg, interface)
    return pg, interface


def arriving(lab: Lab, port: Interface) -> list[bytes]:
    """What leaves by a packet-generator port, until nothing more comes. Linux brings it when it gets round to it."""
    found: list[bytes] = []
    for waited in range(TRIES):
        time.sleep(0.02)
        lab.engine.step()
        more = [bytes(packet) for packet in lab.output().get(port.name, [])]
        if found and not more:
            break
        found += more
        assert waited < TRIES - 1 or not more, "frames come without an end"
    return found
