"""How many ICMP errors each worker may send, of both families together (RFC 1812 4.3.2.8, RFC 4443 2.4 f)."""

from __future__ import annotations

from weft.core import arena
from weft.core.node import inline, routine
from weft.core.runtime import MAX_THREADS, Worker
from weft.core.view import Array, View, i64, times
from weft.features.icmp.model import limit


class Bucket(View):
    """A worker's allowance."""

    tokens: i64
    filled: i64
    pad: Array[i64] = times(6)


buckets = arena.table("icmp-error-buckets", Bucket, MAX_THREADS)


@inline
def bucket_of(worker: Worker) -> Bucket:
    """The worker's allowance, filled again if it is empty and time enough has passed."""
    bucket = buckets[worker.index]
    if bucket.tokens == 0 and worker.now - bucket.filled >= limit.clocks:
        refill(worker, bucket)
    return bucket


@routine
def refill(worker: Worker, bucket: Bucket) -> int:
    bucket.tokens = min((worker.now - bucket.filled) // max(limit.clocks, 1), limit.burst)
    bucket.filled = worker.now
    return bucket.tokens
