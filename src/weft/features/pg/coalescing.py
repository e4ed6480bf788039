"""Interfaces that put TCP segments together again before they are captured, as a device with GRO would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core import arena
from weft.core.buffer import buffer_at, free
from weft.core.node import routine
from weft.core.runtime import Worker, threads_in_use, workers
from weft.core.view import Rows, View, i64
from weft.features.gso.coalesce import Flows, expired
from weft.features.pcap.capture import Capture, keep
from weft.features.pg.device import MAX_PG

if TYPE_CHECKING:
    from weft.core.engine import Engine

FOREVER = 1 << 62  #: clocks
PATIENCE = 1e-5  #: seconds that a packet is kept while others leave, as VPP's GRO_FLOW_TIMEOUT


class Coalescing(View):
    """Of one interface: what each thread keeps; 0: nothing is kept."""

    flows: Rows[Flows]
    patience: i64  # clocks


captures = arena.table("pg-captures", Capture, MAX_PG)
coalescings = arena.table("pg-coalescing", Coalescing, MAX_PG)


@routine
def leave(worker: Worker, capture: Capture, index: int) -> int:
    """A packet leaves by an interface: captured if that is on, then freed."""
    if capture.on:
        keep(capture, buffer_at(index), 0)
    free(worker.cache, index)
    return 0


@routine
def leave_expired(worker: Worker, capture: Capture, flows: Flows, before: int) -> int:
    """What has been kept since a time before this one leaves."""
    while True:
        index = expired(flows, before)
        if index == 0:
            return 0
        leave(worker, capture, index)


def start(engine: Engine, number: int, *, ethernet: bool) -> None:
    """Let an interface keep segments."""
    row = coalescings[number]
    if row.flows.address:
        return
    address = engine.arena.allocate(len(threads_in_use()) * Flows.size)
    for thread in threads_in_use():
        _of(address, thread).ethernet = int(ethernet)
    row.patience = round(PATIENCE * engine.clocks_per_second)
    row.flows = address


def stop(engine: Engine, number: int) -> None:
    """No longer; what is kept leaves now."""
    row = coalescings[number]
    address = row.flows.address
    if not address:
        return
    with engine.workers.barrier():
        row.flows = 0
        for thread in threads_in_use():
            engine.call(leave_expired, workers[0], captures[number], _of(address, thread), FOREVER)
    engine.arena.release(address)


def _of(address: int, thread: int) -> Flows:
    """What a thread keeps."""
    return Flows(address + thread * Flows.size)
