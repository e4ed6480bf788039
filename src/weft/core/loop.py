"""The loops that the framework writes around the functions of nodes. The graph calls these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weft.core.buffer import Buffer, buffer_at
from weft.core.memory import prefetch
from weft.core.node import UNLIKE, Kind, Node, inline
from weft.core.runtime import FOLLOWING, Frame, NodeRuntime, hand_on, probe_frame, scatter, trace_frame

Loop = Callable[[int, int, int], int]

AHEAD = 6  #: packets for whose memory a loop asks in advance, if they are not in the cache yet


def loop_of(node: Node) -> Loop:
    """The function that the graph calls for a node: its own within a loop. Takes the addresses of the node's runtime
    and of a frame (of a queue, for an input node), and the number of packets.
    """
    match node.kind:
        case Kind.PACKET:
            counted = -1 if node.counts is None else int(node.counts)
            parts = node.whole or each_apart, node.waits or nothing, node.function
            loop = _packets(*parts, AHEAD if node.cold else 0, counted, node.waits is not None)
        case Kind.FRAME:
            loop = _frame(node.function)
        case Kind.INPUT:
            loop = _input(node.function)
    loop.__name__ = loop.__qualname__ = "node_" + node.name.replace("-", "_")
    return loop


@inline
def each_apart(rt: NodeRuntime, frame: Frame) -> int:
    """For nodes that do not look at whole frames."""
    return UNLIKE


@inline
def nothing(rt: NodeRuntime, pkt: Buffer) -> None:
    """For nodes that do not wait."""


def _packets(
    whole: Callable[..., int],
    waits: Callable[..., None],
    function: Callable[..., Any],
    ahead: int,
    counted: int,
    waiting: bool,
) -> Loop:
    """Around a function that may deal with a frame whose packets are alike (while some are traced or followed, each is
    looked at alone), one of what is done to all packets first, and one of the rest. The others are constants to the
    compiler.
    """

    def loop(rt_address: int, frame_address: int, n: int) -> int:
        rt = NodeRuntime(rt_address)
        frame = Frame(frame_address)
        worker = rt.worker
        vector = frame.vector
        nexts = worker.nexts
        way = whole(rt, frame) if worker.tracing == 0 and worker.probing != FOLLOWING else UNLIKE
        if way != UNLIKE:
            if counted >= 0:
                rt.count(counted, n)
            return hand_on(rt, frame, way)
        if waiting:
            for i in range(n):
                waits(rt, buffer_at(vector[i]))
        for i in range(n):
            if ahead > 0 and i + ahead < n:
                coming = buffer_at(vector[i + ahead]).address
                prefetch(coming)
                prefetch(coming + 256)
            nexts[i] = function(rt, buffer_at(vector[i]))
        if counted >= 0:
            rt.count(counted, n)
        if worker.tracing:
            trace_frame(rt, frame)
        if worker.probing:
            probe_frame(rt, frame, 0)
        return scatter(rt, frame)

    return loop


def _frame(function: Callable[..., Any]) -> Loop:
    """Around a function of a whole frame, which passes the frame on or frees it."""

    def loop(rt_address: int, frame_address: int, n: int) -> int:
        rt = NodeRuntime(rt_address)
        frame = Frame(frame_address)
        if rt.worker.tracing:
            trace_frame(rt, frame)
        if rt.worker.probing:
            probe_frame(rt, frame, 1)
        function(rt, frame)
        return n

    return loop


def _input(function: Callable[..., Any]) -> Loop:
    """Around a function that reads a receive queue and returns how many packets it has sent on."""

    def loop(rt_address: int, queue_address: int, n: int) -> int:
        received: int = function(NodeRuntime(rt_address), queue_address)
        return received

    return loop
