"""Sending a ping's requests, and waiting for what comes back."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weft.features.ip.family import Address
from weft.features.ping.model import Ping, echo_request
from weft.features.ping.route import Route

if TYPE_CHECKING:
    from weft.core.engine import Engine

STAMP = 28  #: bytes in front of those that ``size`` asks for: 116 in all for 60, as VPP's
LOOK = 0.001  #: seconds between looks for replies


@dataclass
class Plan:
    """What is to be sent."""

    destination: Address
    route: Route
    size: int
    repeat: int
    interval: float
    burst: int


async def send_all(engine: Engine, run: Ping, plan: Plan) -> None:
    """Send everything, an interval apart; return when all has come back, or an interval after the last."""
    for sequence in range(1, plan.repeat + 1):
        payload = bytes(at & 0xFF for at in range(STAMP + plan.size))
        packet = echo_request(plan.route.source, plan.destination, run.id, sequence, payload)
        run.sent(sequence, plan.burst)
        for _ in range(plan.burst):
            plan.route.send(engine, packet)
        until = time.monotonic() + plan.interval
        while True:
            if engine.workers.count == 0:
                engine.step()
            else:
                engine.pump()
            if time.monotonic() >= until or (sequence == plan.repeat and not run.waits()):
                break
            await asyncio.sleep(min(LOOK, plan.interval))
