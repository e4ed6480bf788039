"""Messages of the pcap trace; VPP has them among those of interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from weft.core.api import Text, u32
from weft.core.api.interface_types import InterfaceIndex
from weft.core.model import Invalid
from weft.core.trace import check_filter_function
from weft.features.interface.api import api
from weft.features.interface.model import Interfaces
from weft.features.pcap.model import ANY_ERROR, PLACES, PcapTrace, error_number

if TYPE_CHECKING:
    from weft.core.engine import Engine


@api.request("pcap_set_filter_function", 0x616ABB92)
def pcap_set_filter_function(engine: Engine, filter_function_name: str) -> None:
    """Choose by what packets are chosen. There is one way."""
    check_filter_function(filter_function_name)


@api.request(
    "pcap_trace_on",
    0xCB39E968,
    vat_help="pcap_trace_on [capture_rx] [capture_tx] [capture_drop] [max_packets <nn>] [sw_if_index <sw_if_index>|0 "
    "for any] [error <node>.<error>] [filename <name>] [max_bytes_per_packet <nnnn>] [filter] [preallocate_data] "
    "[free_data]",
)
def pcap_trace_on(
    engine: Engine,
    *,
    capture_rx: bool,
    capture_tx: bool,
    capture_drop: bool,
    filter: bool,
    preallocate_data: bool,
    free_data: bool,
    max_packets: u32 = 1000,
    max_bytes_per_packet: u32 = 512,
    sw_if_index: InterfaceIndex,
    error: Annotated[str, Text(128)],
    filename: Annotated[str, Text(64)],
) -> None:
    """Capture what interfaces (0: any) receive, send or drop into a file below /tmp. Memory is taken and given back
    with the trace, whatever the message says about it.
    """
    if filter:
        raise Invalid("packets cannot be filtered by classify tables", "UNIMPLEMENTED")
    wanted = zip(PLACES, (capture_rx, capture_tx, capture_drop), strict=True)
    engine[PcapTrace].start(
        tuple(place for place, on in wanted if on),
        interface=engine[Interfaces][sw_if_index] if sw_if_index else None,
        most=max_packets,
        snap=max_bytes_per_packet,
        file=filename,
        error=error_number(error) if error else ANY_ERROR,
    )


@api.request("pcap_trace_off", 0x51077D14)
def pcap_trace_off(engine: Engine) -> None:
    """End the trace and write its file. Raises Invalid if there was nothing to write."""
    _, packets = engine[PcapTrace].stop()
    if not packets:
        raise Invalid("no packets captured", "NO_SUCH_ENTRY")
