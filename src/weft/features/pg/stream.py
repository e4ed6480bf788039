"""A stream: packets that ``pg-input`` makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from weft.core import arena
from weft.core.model import Invalid
from weft.core.runtime import FRAME_SIZE, Queue
from weft.core.view import Rows, View, i64, u32
from weft.features.interface.model import Interface
from weft.features.pg.edit import Range
from weft.features.pg.offload import Owed

MAX_STREAMS = 1024
MAX_PACKET = 65535
MAX_TEMPLATES_SIZE = 1 << 32  #: bytes of one stream's packets
LINE = 64
CREDIT = 256  #: parts of a clock in which a stream's rate is counted

# Stream.start
ANYWHERE = 0  #: at some node in the middle
FRAMES = 1  #: at ethernet-input, as what an interface receives
PACKETS = 2  #: at layer 3


class Stream(View):
    """A table of packets that ``pg-input`` sends round and round."""

    templates: i64  # the address of the first one's bytes
    lengths: Rows[u32]  # theirs
    stride: i64  # bytes from one to the next: a multiple of 64, so that whole cache lines can be copied
    count: i64
    position: i64
    left: i64  # packets still to send; negative: no end
    batch: i64  # at a time
    sw_if_index: u32
    next: u32  # DIRECT | node
    # the second cache line
    sent: i64
    price: i64  # of a packet, in clocks / CREDIT; 0: as fast as possible
    credit: i64
    last: i64  # clocks, when credit was given last; 0: never
    queue: i64  # the queue that reads this stream, to be switched off at its end
    number: i64  # of all streams there have been
    start: i64
    owed: Rows[Owed]  # what each of the packets owes; 0: nothing


class PgMeta(View):
    """Over ``pkt.opaque2`` of traced packets, from ``pg-input`` to its trace."""

    stream: u32


streams = arena.table("pg-streams", Stream, MAX_STREAMS)


@dataclass
class RunningStream:
    """A stream that exists; enabled when a queue reads it."""

    name: str
    slot: int
    interface: Interface
    node: str
    sizes: tuple[int, int]  #: the shortest and the longest packet
    sample: bytes  #: its first packet
    limit: int = 0
    rate: float = 0
    thread: int | None = None  #: None: the first that forwards
    queue: Queue | None = None
    #: Makes its packets again in other sizes, so many at the most; None: they are as they are.
    remake: Callable[[Range, int], list[bytes]] | None = None

    @property
    def row(self) -> Stream:
        row: Stream = streams[self.slot]
        return row

    @property
    def enabled(self) -> bool:
        """Whether it runs: one that has reached its limit does not."""
        return self.queue is not None and self.row.left != 0


def whole_lines(size: int) -> int:
    """Bytes of so many whole cache lines."""
    return -(-size // LINE) * LINE


def sizes_of(packets: Sequence[bytes]) -> tuple[int, int]:
    """The shortest and the longest. Raises Invalid where these cannot be a stream's."""
    sizes = (min(map(len, packets)), max(map(len, packets))) if packets else (0, 0)
    if sizes[0] < 1 or sizes[1] > MAX_PACKET:
        raise Invalid(f"a stream has packets of 1 to {MAX_PACKET} bytes")
    return sizes


def check_pace(limit: int, rate: float, batch: int) -> None:
    if limit < 0 or limit > 1 << 62:
        raise Invalid(f"a stream's limit is 0 (none) or a number of packets, not {limit}")
    if rate < 0 or (rate and not 0.001 <= rate <= 1e10):
        raise Invalid(f"a stream's rate is 0 (as fast as possible) or 0.001 to 1e10 packets a second, not {rate:g}")
    if not 1 <= batch <= FRAME_SIZE:
        raise Invalid(f"a stream sends 1 to {FRAME_SIZE} packets at a time, not {batch}")
