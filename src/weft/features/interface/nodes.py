"""The way in and out of an interface, and where packets end."""

from __future__ import annotations

from weft.core.buffer import NEXT_PRESENT, NO_INTERFACE, OFFLOAD, Buffer, buffer_at, flags_in, length_in, u32_at
from weft.core.counters import count
from weft.core.graph import start_chain
from weft.core.node import ERROR_OWNERS, ERRORS, UNLIKE, Errors, Kind, Nexts, Per, inline, node, routine
from weft.core.runtime import Frame, NodeRuntime, deliver, drop_frame
from weft.core.trace import Entry
from weft.features.ethernet.format import format_frame
from weft.features.gso.model import GSO_NONE, unsettled
from weft.features.interface import collect
from weft.features.interface.model import (
    ADMIN_UP,
    Interfaces,
    device_input,
    drops,
    error_drop_arc,
    interface_output,
    punts,
    rx,
    sw_interfaces,
    tx,
)
from weft.features.vlib.format import vpp_flags

__all__ = ["collect", "receive"]


class OutputError(Errors, of="interface-output"):
    DOWN = "interface is down"
    NOT_READY = "interface not ready"


class OutputNext(Nexts):
    TX = "interface-tx"
    DROP = "error-drop"
    SEGMENT = "gso-segment"
    CHECKSUM = "checksum-finish"


def _trace_output(entry: Entry) -> str:
    pkt = entry.buffer
    interface = entry.engine[Interfaces].by_index.get(pkt.tx_sw_if_index)
    name = interface.name if interface else f"interface {pkt.tx_sw_if_index}"
    frame = format_frame(entry.bytes(0, pkt.current_length))
    return "\n".join([f"{name} flags 0x{vpp_flags(pkt):08x}", *frame])


@inline
def output_alike(rt: NodeRuntime, frame: Frame) -> int:
    """All packets leave by the same interface, in one buffer each, and nothing is to be done with any: count them."""
    device = rt.data
    counters = tx.of(rt.worker)
    vector = frame.vector
    n = frame.n
    sw_if_index = buffer_at(vector[0]).tx_sw_if_index
    words = unlike = octets = 0
    for i in range(n):
        pkt = buffer_at(vector[i])
        word = pkt.length_word
        words |= word
        octets += length_in(word)
        unlike |= pkt.tx_sw_if_index ^ sw_if_index
    unlike |= flags_in(words) & (OFFLOAD | NEXT_PRESENT)
    up = sw_interfaces[device].flags & sw_interfaces[sw_if_index].flags & ADMIN_UP
    if unlike or up == 0 or interface_output.starts[sw_if_index].chain != 0:
        return UNLIKE
    count(counters, device, n, octets)
    if sw_if_index != device:
        count(counters, sw_if_index, n, octets)
    return OutputNext.TX


@node("interface-output-template", next=OutputNext, template=True, trace=_trace_output, whole=output_alike, per=Per.TX)
def interface_output_node(rt: NodeRuntime, pkt: Buffer) -> int:
    """Count what leaves by an interface, and by its parent; then its output features, then the device."""
    device = rt.data
    flags = sw_interfaces[device].flags
    chain = interface_output.starts[device].chain
    counters = tx.of(rt.worker)
    sw_if_index = pkt.tx_sw_if_index
    if flags & ADMIN_UP == 0 or (sw_if_index != device and sw_interfaces[sw_if_index].flags & ADMIN_UP == 0):
        return pkt.fail(OutputError.DOWN, OutputNext.DROP)
    if pkt.flags & OFFLOAD and unsettled(pkt, flags):
        return OutputNext.SEGMENT if pkt.gso_type != GSO_NONE else OutputNext.CHECKSUM
    length = pkt.total_length
    count(counters, device, 1, length)
    if sw_if_index == device:
        return start_chain(pkt, chain, OutputNext.TX)
    count(counters, sw_if_index, 1, length)
    return interface_output.start(pkt, sw_if_index, OutputNext.TX)


@node("interface-output", next=OutputNext)
def interface_output_demux(rt: NodeRuntime, pkt: Buffer) -> int:
    """Send a packet to the output node of its ``tx_sw_if_index``."""
    output = sw_interfaces[pkt.tx_sw_if_index].output_node
    if output == 0:
        return pkt.fail(OutputError.NOT_READY, OutputNext.DROP)
    return output


@node("interface-tx", next=OutputNext)
def interface_tx(rt: NodeRuntime, pkt: Buffer) -> int:
    """The end of the output arc: to the device's own node."""
    return sw_interfaces[pkt.tx_sw_if_index].tx_node


@node("local0-tx-template", kind=Kind.FRAME, template=True)
def local0_tx(rt: NodeRuntime, frame: Frame) -> int:
    """Nothing leaves by local0."""
    for i in range(frame.n):
        buffer_at(frame.vector[i]).error = OutputError.NOT_READY
    rt.errors[OutputError.NOT_READY] = rt.errors[OutputError.NOT_READY] + frame.n
    return drop_frame(rt, frame)


@routine
def receive(rt: NodeRuntime, indices: int, count: int, sw_if_index: int, octets: int, next: int) -> int:
    """What a device's input node does with the packets of one interface: count them, let them pass the interface's
    ``device-input`` features, and send them on to ``next`` (``ethernet-input``).
    """
    if count == 0:
        return 0
    rx.add(rt.worker, sw_if_index, count, octets)
    first = device_input.start(buffer_at(u32_at(indices)), sw_if_index, next)
    if first == next:
        return deliver(rt, indices, count, next)
    for i in range(count):
        device_input.start(buffer_at(u32_at(indices + 4 * i)), sw_if_index, next)
    return deliver(rt, indices, count, first)


class ToDrop(Nexts):
    DROP = "drop"


def _trace_error_drop(entry: Entry) -> str:
    interface = entry.engine[Interfaces].by_index.get(entry.buffer.rx_sw_if_index)
    return f"rx:{interface.name if interface else 'unknown'}"


@node("error-drop", next=ToDrop, trace=_trace_error_drop)
def error_drop(rt: NodeRuntime, pkt: Buffer) -> int:
    """Where nodes send what they drop: count it at the interface that it came in by."""
    sw_if_index = pkt.rx_sw_if_index
    if sw_if_index == NO_INTERFACE:
        return error_drop_arc.start(pkt, 0, ToDrop.DROP)
    drops.add(rt.worker, sw_if_index, 1)
    return error_drop_arc.start(pkt, sw_if_index, ToDrop.DROP)


@node("error-punt", next=ToDrop, trace=_trace_error_drop)
def error_punt(rt: NodeRuntime, pkt: Buffer) -> int:
    """Where packets go of whose protocol there is no feature: count them as punted where they came in."""
    sw_if_index = pkt.rx_sw_if_index
    if sw_if_index == NO_INTERFACE:
        return error_drop_arc.start(pkt, 0, ToDrop.DROP)
    punts.add(rt.worker, sw_if_index, 1)
    return error_drop_arc.start(pkt, sw_if_index, ToDrop.DROP)


def _trace_drop(entry: Entry) -> str:
    error = ERRORS[entry.buffer.error]
    return f"{ERROR_OWNERS[type(error)]}: {error.text}"


@node("drop", kind=Kind.FRAME, trace=_trace_drop)
def drop(rt: NodeRuntime, frame: Frame) -> int:
    """Count each packet under its error, and free it."""
    for i in range(frame.n):
        rt.count(buffer_at(frame.vector[i]).error, 1)
    return drop_frame(rt, frame)
