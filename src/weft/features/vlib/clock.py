"""show clock, set clock adjust: the engine's time."""

from __future__ import annotations

import time
from email.utils import formatdate

from weft.core.cli import command
from weft.core.engine import Engine
from weft.core.model import Invalid

MOST = 7 * 86400.0  #: seconds at once: all that falls due meanwhile is done


@command("show clock", "[verbose]", help="Show the time since the start, and that of day")
def show_clock(engine: Engine, verbose: bool = False) -> str:
    rate = f", clocks/sec {engine.clocks_per_second:.6f}" if verbose else ""
    return f"Time now {engine.timers.seconds:.6f}{rate}, {formatdate(time.time(), usegmt=True)}\n"


@command(
    "set clock adjust",
    "<seconds:float>",
    help="Turn the engine's clock forward: ageing and all that is timed, and the times of traces, go on from there",
)
def set_clock_adjust(engine: Engine, seconds: float) -> None:
    if not 0 <= seconds <= MOST:
        raise Invalid(f"the clock can be turned forward by 0 to {MOST:.0f} seconds, not by {seconds:g}")
    engine.advance(seconds)
