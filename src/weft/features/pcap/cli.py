"""pcap trace: start, look at, end."""

from __future__ import annotations

from collections.abc import Iterable

from weft.core.cli import argument, command
from weft.core.engine import Engine
from weft.core.model import Invalid
from weft.core.node import ERRORS
from weft.features.interface.model import Interface
from weft.features.pcap.model import ANY_ERROR, PLACES, PcapTrace, error_name, error_number


class _Error:
    """An error of a node, by the node's name and its own."""

    def parse(self, engine: Engine, word: str) -> int:
        try:
            return error_number(word)
        except Invalid:
            raise ValueError("expected an error such as ip4-input.ttl-expired, got") from None

    def complete(self, engine: Engine, prefix: str) -> Iterable[str]:
        return map(error_name, ERRORS)


argument("error", "an error of a node")(_Error)


@command(
    "pcap trace",
    "[rx] [tx] [drop] [max <max:u32>] [max-bytes-per-pkt <bytes:u32>] [intfc ( any | <interface> )] "
    "[file <file:word>] [error <error>] [status] [off]",
    help="Capture what interfaces receive, send or drop into a pcap file below /tmp",
)
def pcap_trace(
    engine: Engine,
    rx: bool = False,
    tx: bool = False,
    drop: bool = False,
    max: int = 1000,
    bytes: int = 512,
    any: bool = False,
    interface: Interface | None = None,
    file: str = "",
    error: int = ANY_ERROR,
    status: bool = False,
    off: bool = False,
) -> str | None:
    trace = engine[PcapTrace]
    places = tuple(place for place, wanted in zip(PLACES, (rx, tx, drop), strict=True) if wanted)
    if status + off + bool(places) != 1:
        raise Invalid("name what to trace (rx, tx, drop), or status, or off")
    if status:
        return _status(trace)
    if off:
        path, packets = trace.stop()
        return f"Write {packets} packets to {path}, and stop capture...\n" if packets else "No packets captured...\n"
    trace.start(places, interface=interface, most=max, snap=bytes, file=file, error=error)
    return None


def _status(trace: PcapTrace) -> str:
    running = trace.running
    if running is None:
        return "pcap trace is off\n"
    where = running.interface.name if running.interface else "any"
    return (
        f"max is {running.most}, for {where} interface to file {running.writer.path}\n"
        f"pcap {' '.join(running.places)} capture is on: {trace.packets} of {running.most} packets...\n"
    )
