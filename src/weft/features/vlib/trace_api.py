"""Messages of packet traces."""

from __future__ import annotations

import enum
from collections.abc import Generator, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.api import Module, u8, u32
from weft.core.model import Invalid, model
from weft.core.trace import FILTER_FUNCTION, Traced, check_filter_function

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("tracedump", "0.2.0", "Packet traces")

NONE = ALL = 0xFFFFFFFF


@model
class TraceCache:
    """The traced packets as they were when a client began to read them, so that it can go on where it stopped."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads: dict[int, list[Traced]] | None = None

    @property
    def threads(self) -> dict[int, list[Traced]]:
        """Thread -> its packets, for threads that have some."""
        if self._threads is None:
            dumped = self._engine.trace.dump()
            self._threads = {thread: list(packets) for thread, packets in groupby(dumped, lambda each: each.thread)}
        return self._threads

    def clear(self) -> None:
        """Look anew, the next time."""
        self._threads = None


@api.enum("trace_filter_flag")
class TraceFilterFlag(enum.IntEnum):
    """Which packets are shown."""

    TRACE_FF_NONE = 0
    TRACE_FF_INCLUDE_NODE = 1
    TRACE_FF_EXCLUDE_NODE = 2
    TRACE_FF_INCLUDE_CLASSIFIER = 3
    TRACE_FF_EXCLUDE_CLASSIFIER = 4


@api.details("trace_details", 0x1553E9EB, head=("client_index", "context"))
class TraceDetails(Struct):
    """A packet's way."""

    thread_id: u32
    position: u32
    more_this_thread: u8
    more_threads: u8
    done: u8
    packet_number: u32
    trace_data: str


@api.reply("trace_dump_reply", 0xE0E87F9D)
class TraceDumpReply(Struct):
    """Where the dump has stopped: the last packet's thread and position, and whether there are more."""

    last_thread_id: u32 = 0
    last_position: u32 = 0
    more_this_thread: u8 = 0
    more_threads: u8 = 0
    flush_only: u8 = 0
    done: u8 = 1


@api.dump("trace_dump", 0xC7D6681F, details=TraceDetails, reply=TraceDumpReply)
def trace_dump(
    engine: Engine, clear_cache: u8, thread_id: u32, position: u32, max_records: u32
) -> Generator[TraceDetails, None, TraceDumpReply]:
    """Some packets from a thread's position on, then those of the threads behind it. ``clear_cache``: look anew;
    without it, a client goes on in what it saw at first. No records asked for: only look anew.
    """
    cache = engine[TraceCache]
    if clear_cache:
        cache.clear()
    if max_records == 0:
        return TraceDumpReply(flush_only=1)
    threads = {thread: packets for thread, packets in cache.threads.items() if thread >= thread_id}
    chosen = [each for thread, packets in threads.items() for each in packets[position if thread == thread_id else 0 :]]
    reply = TraceDumpReply(thread_id, position)
    for number, each in enumerate(chosen[:max_records], 1):
        here = each is not threads[each.thread][-1]
        others = each.thread != chosen[-1].thread
        done = number == len(chosen)
        yield TraceDetails(each.thread, each.position, here, others, done, each.position, each.text)
        reply = TraceDumpReply(each.thread, each.position, here, others, 0, done)
    return reply


@api.details("trace_v2_details", 0x91F87D52)
class TraceV2Details(Struct):
    """A packet's way. ``more``: its thread has more."""

    thread_id: u32
    position: u32
    more: bool
    trace_data: str


@api.dump("trace_v2_dump", 0x83F88D8E, details=TraceV2Details)
def trace_v2_dump(
    engine: Engine, *, thread_id: u32 = ALL, position: u32, max: u32 = 50, clear_cache: bool
) -> Iterator[TraceV2Details]:
    """So many packets of one thread, or of each, from a position on; from ~0 on: none."""
    cache = engine[TraceCache]
    if clear_cache:
        cache.clear()
    if position == NONE:
        return
    for thread, packets in cache.threads.items():
        if thread_id in (ALL, thread):
            for each in packets[position : position + max]:
                yield TraceV2Details(thread, each.position, each is not packets[-1], each.text)


@api.request("trace_clear_cache", 0x51077D14)
def trace_clear_cache(engine: Engine) -> None:
    """Look anew, the next time."""
    engine[TraceCache].clear()


@api.request("trace_clear_capture", 0x51077D14)
def trace_clear_capture(engine: Engine) -> None:
    """Forget traced packets, and trace no more."""
    engine.trace.clear()
    engine[TraceCache].clear()


@api.request("trace_capture_packets", 0x9E791A9B)
def trace_capture_packets(
    engine: Engine, node_index: u32, max_packets: u32, use_filter: bool, verbose: bool, pre_capture_clear: bool
) -> None:
    """Trace the next packets that come to a node. The filter applies anyway, and traces are as verbose as can be."""
    node = _node(engine, node_index)
    if pre_capture_clear:
        engine.trace.clear()
        engine[TraceCache].clear()
    engine.trace.add(node, max_packets)


@api.request("trace_set_filters", 0xF522B44A)
def trace_set_filters(
    engine: Engine,
    *,
    flag: TraceFilterFlag,
    count: u32,
    node_index: u32 = NONE,
    classifier_table_index: u32 = NONE,
) -> None:
    """Show only packets that came by a node, or that did not, so many of each thread."""
    match flag:
        case TraceFilterFlag.TRACE_FF_NONE:
            engine.trace.filter = None
        case TraceFilterFlag.TRACE_FF_INCLUDE_NODE | TraceFilterFlag.TRACE_FF_EXCLUDE_NODE:
            included = flag == TraceFilterFlag.TRACE_FF_INCLUDE_NODE
            engine.trace.set_filter(_node(engine, node_index), included, count)
        case _:
            raise Invalid("there are no classifiers that packets could be chosen by", "UNIMPLEMENTED")


def _node(engine: Engine, index: int) -> str:
    """The name of a node in the graph. Raises Invalid."""
    name = next((each.name for each in engine.graph.by_name.values() if each.index == index), None)
    if name is None:
        raise Invalid(f"no node has the index {index}", "NO_SUCH_NODE")
    return name


@api.request("trace_set_filter_function", 0x616ABB92)
def trace_set_filter_function(engine: Engine, filter_function_name: str) -> None:
    """Choose by what packets are chosen. There is one way."""
    check_filter_function(filter_function_name)


@api.details("trace_filter_function_details", 0x28821359)
class TraceFilterFunctionDetails(Struct):
    """A way to choose packets."""

    selected: bool
    name: str


@api.dump("trace_filter_function_dump", 0x51077D14, details=TraceFilterFunctionDetails)
def trace_filter_function_dump(engine: Engine) -> Iterator[TraceFilterFunctionDetails]:
    """The ways to choose packets."""
    yield TraceFilterFunctionDetails(True, FILTER_FUNCTION)
