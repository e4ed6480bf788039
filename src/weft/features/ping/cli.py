"""The command ``ping``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.core.model import Invalid
from weft.features.interface.model import Interface
from weft.features.ip.family import Address
from weft.features.ping.model import Ping, Pings, Reply
from weft.features.ping.route import route_to
from weft.features.ping.run import STAMP, Plan, send_all
from weft.features.vlib.format import fixed

if TYPE_CHECKING:
    from weft.core.engine import Engine

MOST = 32768 - STAMP


@command(
    "ping",
    "[ipv4 | ipv6] <address> [source <source:interface>] [size <size:u32>] [repeat <repeat:u32>]"
    " [interval <interval:float>] [table-id <table-id:u32>] [burst <burst:u32>] [verbose]",
    help="Send echo requests and show what comes back",
)
async def ping(
    engine: Engine,
    address: Address,
    source: Interface | None = None,
    size: int = 60,
    repeat: int = 5,
    interval: float = 1.0,
    table_id: int | None = None,
    burst: int = 1,
    verbose: bool = False,
    ipv4: bool = False,
    ipv6: bool = False,
) -> str:
    wanted = 4 if ipv4 else 6 if ipv6 else address.version
    if address.version != wanted:
        raise Invalid(f"{address} is no IPv{wanted} address")
    if not 0 <= size <= MOST:
        raise Invalid(f"size is 0 to {MOST}, not {size}")
    if not 1 <= repeat <= 65535:
        raise Invalid(f"repeat is 1 to 65535, not {repeat}")
    if not 0 < interval <= 3600:
        raise Invalid(f"interval is more than 0 and up to 3600 seconds, not {interval}")
    if not 1 <= burst <= 256:
        raise Invalid(f"burst is 1 to 256, not {burst}")
    route = route_to(engine, address, source, table_id)
    plan = Plan(address, route, size, repeat, interval, burst)
    run = engine[Pings].begin()
    try:
        await send_all(engine, run, plan)
    finally:
        engine[Pings].end(run)
    lines = [_line(reply) for reply in run.replies]
    if verbose:
        lines[:0] = [f"PING {address} from {route.source} by {route.interface.name}, {size + STAMP} bytes of data"]
        lines += [f"icmp_seq={sequence}: no reply" for sequence in _lost(run)]
    sent = plan.repeat * plan.burst
    loss = 100 * (sent - len(run.replies)) / sent
    lines += ["", f"Statistics: {sent} sent, {len(run.replies)} received, {loss:g}% packet loss"]
    return "\n".join(lines) + "\n"


def _line(reply: Reply) -> str:
    return (
        f"{reply.length} bytes from {reply.source}: icmp_seq={reply.sequence} ttl={reply.ttl} "
        f"time={fixed(reply.seconds * 1000, 4)} ms"
    )


def _lost(run: Ping) -> Iterator[int]:
    return (sequence for sequence, (_, count) in run.outstanding.items() if count)
