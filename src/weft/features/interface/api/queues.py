"""Receive and transmit queues: who reads which, and how."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from weft.core.api import Counted, u8, u32
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.core.api.interface_types import RxMode as WireMode
from weft.core.model import Invalid
from weft.features.interface.api.module import api, device_of
from weft.features.interface.model import Interface, Interfaces
from weft.features.interface.placement import RxMode, RxQueue, RxQueues

if TYPE_CHECKING:
    from weft.core.engine import Engine

WIRE_MODES = {
    RxMode.POLLING: WireMode.RX_MODE_API_POLLING,
    RxMode.INTERRUPT: WireMode.RX_MODE_API_INTERRUPT,
    RxMode.ADAPTIVE: WireMode.RX_MODE_API_ADAPTIVE,
    None: WireMode.RX_MODE_API_DEFAULT,
}
MODES = {wire: mode for mode, wire in WIRE_MODES.items()}


def _mode(wire: WireMode) -> RxMode | None:
    """A mode; None: the device's own choice."""
    if wire not in MODES:
        raise Invalid("a receive mode is polling, interrupt, adaptive or default")
    return MODES[wire]


def _queues(engine: Engine, interface: Interface, number: int | None) -> list[RxQueue]:
    """An interface's receive queues, or the one with a number."""
    found = [queue for queue in engine[RxQueues].of(interface) if number in (None, queue.number)]
    if not found:
        raise Invalid(f"{interface.name} has no receive queue {'' if number is None else number}", "INVALID_QUEUE")
    return found


@api.request("sw_interface_set_rx_mode", 0xB04D1CFE)
def sw_interface_set_rx_mode(
    engine: Engine, sw_if_index: InterfaceIndex, queue_id_valid: bool, queue_id: u32, mode: WireMode
) -> None:
    """Say how threads learn that a device's receive queues, or one of them, have packets."""
    queues = _queues(engine, device_of(engine, sw_if_index), queue_id if queue_id_valid else None)
    wanted = _mode(mode)
    for queue in queues:
        engine[RxQueues].check_mode(queue, wanted)
    for queue in queues:
        engine[RxQueues].set_mode(queue, wanted)


@api.request("sw_interface_set_rx_placement", 0xDB65F3C9)
def sw_interface_set_rx_placement(
    engine: Engine, sw_if_index: InterfaceIndex, queue_id: u32, worker_id: u32, is_main: bool
) -> None:
    """Let a worker, or the main thread, read a device's receive queue."""
    (queue,) = _queues(engine, device_of(engine, sw_if_index), queue_id)
    engine[RxQueues].move(queue, 0 if is_main else worker_id + 1)


@api.details("sw_interface_rx_placement_details", 0x9E44A7CE, head=("client_index", "context"))
class SwInterfaceRxPlacementDetails(Struct):
    """A receive queue. ``worker_id`` is the thread's number: 0 is the main thread, 1 the first worker."""

    sw_if_index: InterfaceIndex
    queue_id: u32
    worker_id: u32
    mode: WireMode


@api.dump("sw_interface_rx_placement_dump", 0xF9E6675E, details=SwInterfaceRxPlacementDetails)
def sw_interface_rx_placement_dump(
    engine: Engine, sw_if_index: InterfaceIndex
) -> Iterator[SwInterfaceRxPlacementDetails]:
    """Which thread reads which receive queue: a device's, or all (~0)."""
    if sw_if_index == NO_INTERFACE:
        queues = sorted(engine[RxQueues], key=lambda queue: (queue.interface.sw_if_index, queue.number))
    else:
        queues = engine[RxQueues].of(engine[Interfaces][sw_if_index])
    for queue in queues:
        mode = WIRE_MODES[queue.mode]
        yield SwInterfaceRxPlacementDetails(queue.interface.sw_if_index, queue.number, queue.thread, mode)


@api.request("sw_interface_set_default_rx_mode", 0x776B4837)
def sw_interface_set_default_rx_mode(engine: Engine, mode: WireMode) -> None:
    """Say in which mode the receive queues of devices begin that are made from now on, as far as they can."""
    engine[RxQueues].default = _mode(mode)


@api.reply("sw_interface_get_default_rx_mode_reply", 0x2339DA5A)
class SwInterfaceGetDefaultRxModeReply(Struct):
    """The mode; RX_MODE_API_DEFAULT: as each device likes."""

    mode: WireMode = WireMode.RX_MODE_API_UNKNOWN


@api.request("sw_interface_get_default_rx_mode", 0x51077D14, reply=SwInterfaceGetDefaultRxModeReply)
def sw_interface_get_default_rx_mode(engine: Engine) -> SwInterfaceGetDefaultRxModeReply:
    """In which mode new receive queues begin."""
    return SwInterfaceGetDefaultRxModeReply(WIRE_MODES[engine[RxQueues].default])


# --- transmit queues, of which each thread has its own


@api.unimplemented(
    "sw_interface_set_tx_placement",
    0x4E0CD5FF,
    vat_help="<interface | sw_if_index <index>> queue <n> [threads <list> | mask <hex>]",
)
def sw_interface_set_tx_placement(
    engine: Engine,
    sw_if_index: InterfaceIndex,
    queue_id: u32,
    array_size: u32,
    threads: Annotated[list[u32], Counted("array_size")],
) -> None:
    """Say which threads use a transmit queue."""


@api.reply("sw_interface_tx_placement_get_reply", 0x53B48F5D)
class SwInterfaceTxPlacementGetReply(Struct):
    """The end."""

    cursor: u32 = 0xFFFFFFFF


@api.details("sw_interface_tx_placement_details", 0x00381A2E, head=("client_index", "context"))
class SwInterfaceTxPlacementDetails(Struct):
    """A transmit queue and the threads that use it."""

    sw_if_index: InterfaceIndex
    queue_id: u32
    shared: u8
    array_size: u32 = 0
    threads: Annotated[list[u32], Counted("array_size")] = []


@api.unimplemented(
    "sw_interface_tx_placement_get",
    0x47250981,
    details=SwInterfaceTxPlacementDetails,
    reply=SwInterfaceTxPlacementGetReply,
    vat_help="[interface | sw_if_index <index>]",
)
def sw_interface_tx_placement_get(engine: Engine, cursor: u32, sw_if_index: InterfaceIndex) -> None:
    """Which threads use which transmit queue."""
