"""Messages of ping."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.api import Client, Module, f64, u32
from weft.core.api.ip_types import Address
from weft.core.model import Invalid
from weft.features.ping.model import Pings
from weft.features.ping.route import route_to
from weft.features.ping.run import Plan, send_all

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("ping", "0.1.0", "Pings")

SIZE = 60  #: bytes, as the command's
LONGEST = 3600  #: seconds between requests


@api.event("ping_finished_event", 0x397CCF72)
class PingFinishedEvent(Struct):
    """A ping is over."""

    request_count: u32
    reply_count: u32


@api.request("want_ping_finished_events", 0xE79EE58B, events=(PingFinishedEvent,))
async def want_ping_finished_events(
    engine: Engine, client: Client, address: Address, repeat: u32 = 1, interval: f64 = 1.0
) -> None:
    """Begin to ping an address; when that is over, an event says how much was sent and came back."""
    if not (math.isfinite(interval) and 0 < interval <= LONGEST) or not 0 < repeat <= 65535:
        raise Invalid(f"1 to 65535 requests, up to {LONGEST} seconds apart, not {repeat}, {interval} seconds apart")
    task = asyncio.create_task(_ping(engine, client, address, repeat, interval))

    def cancel(_: Client) -> None:
        task.cancel()

    client.on_leave.append(cancel)
    task.add_done_callback(lambda _: client.on_leave.remove(cancel) if cancel in client.on_leave else None)


async def _ping(engine: Engine, client: Client, address: Address, repeat: int, interval: float) -> None:
    """Send the requests; without a route none leaves."""
    try:
        plan = Plan(address, route_to(engine, address, None, None), SIZE, repeat, interval, burst=1)
        run = engine[Pings].begin()
    except Invalid as error:
        engine.log.info("ping %s: %s", address, error)
        client.send(PingFinishedEvent(0, 0))
        return
    try:
        await send_all(engine, run, plan)
    finally:
        engine[Pings].end(run)
    client.send(PingFinishedEvent(repeat, len(run.replies)))
