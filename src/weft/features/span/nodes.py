"""The four places where packets are mirrored: what a device receives and sends, what layer 2 gets and gives."""

from __future__ import annotations

from weft.core.buffer import SPAN_CLONE, TRACED, Buffer, buffer_at, clone
from weft.core.graph import feature, next_feature
from weft.core.node import Errors, Nexts, node, routine
from weft.core.runtime import NodeRuntime, trace_note
from weft.core.trace import Entry
from weft.features.interface.model import Interfaces, sw_interfaces
from weft.features.l2.model import next_input_feature, next_output_feature
from weft.features.span.layout import Destinations, mirrors
from weft.features.span.model import L2_INPUT, L2_OUTPUT


class InputError(Errors, of="span-input"):
    NO_BUFFERS = "SPAN copies lost: no buffers"


class OutputError(Errors, of="span-output"):
    NO_BUFFERS = "SPAN copies lost: no buffers"


class L2InputError(Errors, of="span-l2-input"):
    NO_BUFFERS = "SPAN copies lost: no buffers"


class L2OutputError(Errors, of="span-l2-output"):
    NO_BUFFERS = "SPAN copies lost: no buffers"


class L2Next(Nexts):
    OUTPUT = "l2-output"


BY_DEVICE = -1  #: instead of a way out: each copy goes to its destination's output node


def _trace(entry: Entry) -> str | None:
    """``SPAN: mirrored pg0 -> pg2``, for each copy."""
    if not entry.record.note:
        return None
    source, destination = entry.record.note >> 32, entry.record.note & 0xFFFFFFFF
    return f"SPAN: mirrored {_name(entry, source)} -> {_name(entry, destination)}"


def _name(entry: Entry, sw_if_index: int) -> str:
    interface = entry.engine[Interfaces].by_index.get(sw_if_index)
    return interface.name if interface else "DELETED"


@node("span-input", trace=_trace)
def span_input(rt: NodeRuntime, pkt: Buffer) -> int:
    """What a device receives, before anything else looks at it."""
    source = pkt.rx_sw_if_index
    mirror(rt, pkt, mirrors[source].device_rx, source, BY_DEVICE, InputError.NO_BUFFERS)
    return next_feature(pkt)


@node("span-output", trace=_trace)
def span_output(rt: NodeRuntime, pkt: Buffer) -> int:
    """What a device sends."""
    source = pkt.tx_sw_if_index
    mirror(rt, pkt, mirrors[source].device_tx, source, BY_DEVICE, OutputError.NO_BUFFERS)
    return next_feature(pkt)


@node("span-l2-input", next=L2Next, trace=_trace)
def span_l2_input(rt: NodeRuntime, pkt: Buffer) -> int:
    """What comes in by a bridged interface, with its tags."""
    source = pkt.rx_sw_if_index
    mirror(rt, pkt, mirrors[source].l2_rx, source, L2Next.OUTPUT, L2InputError.NO_BUFFERS)
    return next_input_feature(pkt, L2_INPUT)


@node("span-l2-output", next=L2Next, trace=_trace)
def span_l2_output(rt: NodeRuntime, pkt: Buffer) -> int:
    """What leaves by a bridged interface, with the tags that it leaves with."""
    source = pkt.tx_sw_if_index
    mirror(rt, pkt, mirrors[source].l2_tx, source, L2Next.OUTPUT, L2OutputError.NO_BUFFERS)
    return next_output_feature(pkt, L2_OUTPUT)


@routine
def mirror(rt: NodeRuntime, pkt: Buffer, to: Destinations, source: int, way: int, error: int) -> int:
    """Send a copy of a packet to each destination; copies are not copied again, so mirrors may face each other."""
    if to.address == 0 or pkt.flags & SPAN_CLONE:
        return 0
    for i in range(to.count):
        destination = to.sw_if_indices[i]
        index = clone(rt.worker.cache, pkt.index)
        if index == 0:
            rt.count(error, 1)
            continue
        copy = buffer_at(index)
        copy.flags = copy.flags | SPAN_CLONE
        copy.tx_sw_if_index = destination
        rt.send(index, sw_interfaces[destination].output_node if way == BY_DEVICE else way)
        if pkt.flags & TRACED:
            trace_note(rt, pkt.index, source << 32 | destination)
    return 0


feature("device-input", "span-input")
feature("interface-output", "span-output")
