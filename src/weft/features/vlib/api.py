"""Messages of the graph, the threads and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from weft.core.api import Counted, Module, Text, f64, u32, u64
from weft.core.cli import CliError
from weft.core.model import Invalid
from weft.core.runtime import threads_in_use
from weft.features.vlib import feature_api, trace_api, vpe_api
from weft.features.vlib.machine import place

if TYPE_CHECKING:
    from weft.core.engine import Engine

__all__ = ["api", "feature_api", "trace_api", "vpe_api"]

api = Module("vlib", "1.0.0", "Graph, threads, command line")

NONE = 0xFFFFFFFF
UNKNOWN_NODES = ("NO_SUCH_NODE", "NO_SUCH_NODE2")
SHARED_MEMORY = "the API has no shared-memory transport, so no text can be passed there"


@api.reply("cli_reply", 0x06D68297)
class CliReply(Struct):
    """Shared memory is not offered."""

    reply_in_shmem: u64 = 0


@api.unimplemented("cli", 0x23BFBFFF, reply=CliReply)
def cli(engine: Engine, cmd_in_shmem: u64) -> None:
    """Run a command that stands in shared memory, which is not offered: use ``cli_inband``."""


@api.reply("cli_inband_reply", 0x05879051)
class CliInbandReply(Struct):
    """What the command has printed; with a retval, the error."""

    reply: str = ""


@api.request("cli_inband", 0xF8377302, reply=CliInbandReply)
async def cli_inband(engine: Engine, cmd: str) -> CliInbandReply:
    """Run a command."""
    try:
        return CliInbandReply(await engine.commands.run_async(engine, cmd))
    except CliError as error:
        raise Invalid(str(error), "CLI_ERROR") from None


@api.reply("get_node_index_reply", 0xA8600B89)
class GetNodeIndexReply(Struct):
    """The node's number."""

    node_index: u32 = NONE


@api.request("get_node_index", 0xF1984C64, reply=GetNodeIndexReply)
def get_node_index(engine: Engine, node_name: Annotated[str, Text(64)]) -> GetNodeIndexReply:
    """The number of a node."""
    if node_name not in engine.graph.by_name:
        raise Invalid(f"there is no node {node_name}", "NO_SUCH_NODE")
    return GetNodeIndexReply(engine.graph[node_name].index)


@api.reply("add_node_next_reply", 0x2ED75F32)
class AddNodeNextReply(Struct):
    """Which way out it is."""

    next_index: u32 = NONE


@api.request("add_node_next", 0x2457116D, reply=AddNodeNextReply)
def add_node_next(
    engine: Engine, node_name: Annotated[str, Text(64)], next_name: Annotated[str, Text(64)]
) -> AddNodeNextReply:
    """Give a node a way out. Ours are declared with it: those that there are can be asked for."""
    try:
        return AddNodeNextReply(way_out(engine, node_name, next_name))
    except Invalid as error:
        if error.error in UNKNOWN_NODES:
            raise
        raise Invalid(str(error), "UNIMPLEMENTED") from None


@api.reply("get_next_index_reply", 0x2ED75F32)
class GetNextIndexReply(Struct):
    """Which way out it is."""

    next_index: u32 = NONE


@api.request("get_next_index", 0x2457116D, reply=GetNextIndexReply)
def get_next_index(
    engine: Engine, node_name: Annotated[str, Text(64)], next_name: Annotated[str, Text(64)]
) -> GetNextIndexReply:
    """Which way out of a node leads to another."""
    return GetNextIndexReply(way_out(engine, node_name, next_name))


def way_out(engine: Engine, node: str, next: str) -> int:
    """The position of a node among another's ways out. Raises Invalid."""
    known = engine.graph.by_name
    if node not in known:
        raise Invalid(f"there is no node {node}", "NO_SUCH_NODE")
    if next not in known:
        raise Invalid(f"there is no node {next}", "NO_SUCH_NODE2")
    nexts = engine.graph[node].nexts
    if next not in nexts:
        raise Invalid(f"{node} has no way out to {next}; it has {', '.join(nexts) or 'none'}")
    return nexts.index(next)


@api.structure("thread_data")
class ThreadData(Struct):
    """A thread. Its place is where it runs now."""

    id: u32
    name: Annotated[str, Text(64)]
    type: Annotated[str, Text(64)]
    pid: u32
    cpu_id: u32
    core: u32
    cpu_socket: u32


@api.reply("show_threads_reply", 0xEFD78E83)
class ShowThreadsReply(Struct):
    """The threads."""

    count: u32 = 0
    thread_data: Annotated[list[ThreadData], Counted("count")] = []


@api.request("show_threads", 0x51077D14, reply=ShowThreadsReply)
def show_threads(engine: Engine) -> ShowThreadsReply:
    """The main thread and the workers."""
    found = []
    for thread in threads_in_use():
        lwp = engine.workers.lwp.get(thread)
        cpu, core, socket = (int(each) if each.isdecimal() else 0 for each in place(lwp))
        kind = "workers" if thread else ""
        found.append(ThreadData(thread, engine.workers.names[thread], kind, lwp or 0, cpu, core, socket))
    return ShowThreadsReply(thread_data=found)


@api.reply("get_node_graph_reply", 0x06D68297)
class GetNodeGraphReply(Struct):
    """Shared memory is not offered."""

    reply_in_shmem: u64 = 0


@api.unimplemented("get_node_graph", 0x51077D14, reply=GetNodeGraphReply)
def get_node_graph(engine: Engine) -> None:
    """The graph, in shared memory, which is not offered: ``show vlib graph`` shows it."""


@api.reply("get_f64_endian_value_reply", 0x7E02E404, head=("context",))
class GetF64EndianValueReply(Struct):
    """The number one."""

    retval: u32 = 0
    f64_one_result: f64 = 0.0


@api.request("get_f64_endian_value", 0x809FCD44, reply=GetF64EndianValueReply)
def get_f64_endian_value(engine: Engine, f64_one: f64 = 1.0) -> GetF64EndianValueReply:
    """Check that both ends write numbers of type f64 alike, by sending the number one."""
    if f64_one != 1.0:
        raise Invalid(f"{f64_one} arrived for 1.0: f64 is little-endian on the wire", "API_ENDIAN_FAILED")
    return GetF64EndianValueReply(f64_one_result=1.0)


@api.reply("get_f64_increment_by_one_reply", 0xD25DBAA3, head=("context",))
class GetF64IncrementByOneReply(Struct):
    """The number plus one."""

    retval: u32 = 0
    f64_value: f64 = 0.0


@api.request("get_f64_increment_by_one", 0xB64F027E, reply=GetF64IncrementByOneReply)
def get_f64_increment_by_one(engine: Engine, f64_value: f64 = 1.0) -> GetF64IncrementByOneReply:
    """Add one to a number."""
    return GetF64IncrementByOneReply(f64_value=f64_value + 1.0)
