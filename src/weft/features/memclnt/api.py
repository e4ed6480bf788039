"""Messages about the API itself. Their order gives them the numbers that clients know before they have the table."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from weft.core.api import Client, Counted, Fixed, Module, Text, i32, u8, u16, u32, u64
from weft.core.api.describe import describe_all
from weft.core.api.errors import ApiError
from weft.core.api.module import MODULES
from weft.core.model import Invalid

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("memclnt", "2.1.0", "Clients of the API")

SHARED_MEMORY = "the API has no shared-memory transport; connect to its socket with sockclnt_create"


@api.structure("module_version")
class ModuleVersion(Struct):
    """A module's version."""

    major: u32
    minor: u32
    patch: u32
    name: Annotated[str, Text(64)]


@api.structure("message_table_entry")
class MessageTableEntry(Struct):
    """A message's number and its name with the CRC."""

    index: u16
    name: Annotated[str, Text(64)]


@api.reply("memclnt_create_reply", 0x42EC4560, head=("context",))
class MemclntCreateReply(Struct):
    """Shared memory is not offered."""

    response: i32 = -9
    handle: u64 = 0
    index: u32 = 0
    message_table: u64 = 0


@api.request("memclnt_create", 0x9C5E1C2F, head=("context",), reply=MemclntCreateReply, deprecated=None)
def memclnt_create(
    engine: Engine,
    ctx_quota: i32,
    input_queue: u64,
    name: Annotated[str, Text(64)],
    api_versions: Annotated[list[u32], Fixed(8)],
) -> MemclntCreateReply:
    """Connect through shared memory, which is not offered: connect to the socket."""
    return MemclntCreateReply()


@api.reply("memclnt_delete_reply", 0x3D3B6312, head=())
class MemclntDeleteReply(Struct):
    """Shared memory is not offered."""

    response: i32 = -9
    handle: u64 = 0


@api.request("memclnt_delete", 0x7E1C04E3, head=(), reply=MemclntDeleteReply)
def memclnt_delete(engine: Engine, index: u32, handle: u64, do_cleanup: bool) -> MemclntDeleteReply:
    """Disconnect from shared memory, which is not offered."""
    return MemclntDeleteReply()


@api.request("rx_thread_exit", 0xC3A3A452, head=(), silent=True)
def rx_thread_exit(engine: Engine, dummy: u8) -> None:
    """What a shared-memory client's receiving thread is told; from a client it means nothing."""


@api.request("memclnt_rx_thread_suspend", 0xC3A3A452, head=(), silent=True)
def memclnt_rx_thread_suspend(engine: Engine, dummy: u8) -> None:
    """What a shared-memory client's receiving thread is told; from a client it means nothing."""


@api.request("memclnt_read_timeout", 0xC3A3A452, head=(), silent=True)
def memclnt_read_timeout(engine: Engine, dummy: u8) -> None:
    """What a shared-memory client's receiving thread is told; from a client it means nothing."""


@api.request("rpc_call", 0x7E8A2C95)
def rpc_call(
    engine: Engine,
    function: u64,
    multicast: u8,
    need_barrier_sync: u8,
    send_reply: u8,
    data_len: u32,
    data: Annotated[bytes, Counted("data_len")],
) -> None:
    """Call a function by its address. No client may do that."""
    raise Invalid("a client cannot call functions of the engine", "UNIMPLEMENTED")


@api.reply("get_first_msg_id_reply", 0x7D337472)
class GetFirstMsgIdReply(Struct):
    """Where a module's messages begin in the table."""

    first_msg_id: u16 = 0xFFFF


@api.request("get_first_msg_id", 0xEBF79A66, reply=GetFirstMsgIdReply)
def get_first_msg_id(engine: Engine, client: Client, name: Annotated[str, Text(64)]) -> GetFirstMsgIdReply:
    """The number of a module's first message; VPP's clients write the name with the CRC of the module behind it."""
    first = client.table.first_of(name.rpartition("_")[0]) or client.table.first_of(name)
    if first is None:
        raise Invalid(f"there is no API module {name}")
    return GetFirstMsgIdReply(first)


@api.reply("api_versions_reply", 0x5F0D99D6)
class ApiVersionsReply(Struct):
    """The versions of all modules."""

    count: u32 = 0
    api_versions: Annotated[list[ModuleVersion], Counted("count")] = []


@api.request("api_versions", 0x51077D14, reply=ApiVersionsReply)
def api_versions(engine: Engine) -> ApiVersionsReply:
    """Which modules there are."""
    versions = []
    for name, module in sorted(MODULES.items()):
        major, minor, patch = (int(part) for part in module.version.split("."))
        versions.append(ModuleVersion(major, minor, patch, f"{name}.api"))
    return ApiVersionsReply(api_versions=versions)


@api.request("trace_plugin_msg_ids", 0xF476D3CE, silent=True)
def trace_plugin_msg_ids(
    engine: Engine, plugin_name: Annotated[str, Text(128)], first_msg_id: u16, last_msg_id: u16
) -> None:
    """A record in an API trace of where a module's messages began; it asks for nothing."""


@api.reply("sockclnt_create_reply", 0x35166268, head=("client_index", "context"))
class SockclntCreateReply(Struct):
    """The message table."""

    response: i32 = 0
    index: u32 = 0
    count: u16 = 0
    message_table: Annotated[list[MessageTableEntry], Counted("count")] = []


@api.request("sockclnt_create", 0x455FB9C4, head=("context",), reply=SockclntCreateReply)
def sockclnt_create(engine: Engine, client: Client, name: Annotated[str, Text(64)]) -> SockclntCreateReply:
    """Introduce oneself, and get the number of each message."""
    client.name = name or client.name
    table = [MessageTableEntry(entry.number, entry.message.name_crc) for entry in client.table.entries]
    return SockclntCreateReply(index=client.index, message_table=table)


@api.reply("sockclnt_delete_reply", 0x8F38B1EE, head=("context",))
class SockclntDeleteReply(Struct):
    """The client may close its connection."""

    response: i32 = 0


@api.request("sockclnt_delete", 0x8AC76DB6, reply=SockclntDeleteReply)
def sockclnt_delete(engine: Engine, client: Client, index: u32) -> SockclntDeleteReply:
    """Take one's leave. A client can speak for itself alone."""
    if index != client.index:
        return SockclntDeleteReply(response=ApiError.INVALID_VALUE)
    client.leave()
    return SockclntDeleteReply()


@api.request("sock_init_shm", 0x51646D92)
def sock_init_shm(
    engine: Engine, requested_size: u32, nitems: u8, configs: Annotated[list[u64], Counted("nitems")]
) -> None:
    """Go on in shared memory, which is not offered."""
    raise Invalid(SHARED_MEMORY, "UNIMPLEMENTED")


@api.request("memclnt_keepalive", 0x51077D14)
def memclnt_keepalive(engine: Engine) -> None:
    """Ask whether the other end is there."""


@api.reply("control_ping_reply", 0xF6B0B8CA)
class ControlPingReply(Struct):
    """All that was asked before has been answered."""

    client_index: u32 = 0
    vpe_pid: u32 = 0


@api.request("control_ping", 0x51077D14, reply=ControlPingReply)
def control_ping(engine: Engine, client: Client) -> ControlPingReply:
    """Ask for an answer, behind those to all that was asked before."""
    return ControlPingReply(client.index, os.getpid())


@api.reply("memclnt_create_v2_reply", 0x42EC4560, head=("context",))
class MemclntCreateV2Reply(Struct):
    """Shared memory is not offered."""

    response: i32 = -9
    handle: u64 = 0
    index: u32 = 0
    message_table: u64 = 0


@api.request("memclnt_create_v2", 0xC4BD4882, head=("context",), reply=MemclntCreateV2Reply)
def memclnt_create_v2(
    engine: Engine,
    ctx_quota: i32,
    input_queue: u64,
    name: Annotated[str, Text(64)],
    api_versions: Annotated[list[u32], Fixed(8)],
    keepalive: bool = True,
) -> MemclntCreateV2Reply:
    """Connect through shared memory, which is not offered: connect to the socket."""
    return MemclntCreateV2Reply()


@api.reply("get_api_json_reply", 0xEA715B59)
class GetApiJsonReply(Struct):
    """All modules in JSON."""

    json: str = ""


@api.request("get_api_json", 0x51077D14, reply=GetApiJsonReply)
def get_api_json(engine: Engine) -> GetApiJsonReply:
    """All messages, described as in the files that VPP's clients read."""
    return GetApiJsonReply(describe_all())
