"""Addresses are asked for once in a while only, however many packets want them."""

from __future__ import annotations

from weft.core import arena
from weft.core.memory import fill, mix
from weft.core.node import routine
from weft.core.runtime import MAX_THREADS, Worker
from weft.core.timers import now
from weft.core.view import Array, View, i64, times, u32

#: The same address is asked for once in so many milliseconds.
WINDOW = 50
THROTTLE_BITS = 1 << 16


class Throttle(View):
    """Whom a worker has asked for in this window: a bit for each hash of an interface and an address. Two that share a
    bit in one window do not in the next: ``seed`` changes.
    """

    since: i64
    seed: i64
    pad: Array[i64] = times(6)
    asked: Array[u32] = times(THROTTLE_BITS // 32)


throttles = arena.table("neighbor-throttles", Throttle, MAX_THREADS)


@routine
def throttled(worker: Worker, sw_if_index: int, address: int) -> int:
    """Whether this address was asked for a moment ago; from now on it was."""
    throttle = throttles[worker.index]
    if now.milliseconds - throttle.since >= WINDOW:
        throttle.since = now.milliseconds
        throttle.seed = mix(worker.now)
        fill(throttle.asked.address, 0, THROTTLE_BITS // 8)
    number = mix(sw_if_index << 32 | address ^ throttle.seed) & (THROTTLE_BITS - 1)
    bit = 1 << (number & 31)
    word = throttle.asked[number >> 5]
    throttle.asked[number >> 5] = word | bit
    return int(word & bit != 0)
