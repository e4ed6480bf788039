"""Messages of AF_XDP ports."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from weft.core.api import Module, Text, u8, u16
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.core.model import Invalid
from weft.features.af_xdp.device import XdpInterfaces
from weft.features.af_xdp.socket import Mode, Options
from weft.features.interface.model import Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("af_xdp", "1.0.0", "AF_XDP: ports on Linux interfaces that share memory with the kernel")


@api.enum("af_xdp_mode")
class AfXdpMode(enum.IntEnum):
    """Who copies frames."""

    AF_XDP_API_MODE_AUTO = 0
    AF_XDP_API_MODE_COPY = 1
    AF_XDP_API_MODE_ZERO_COPY = 2


@api.enum("af_xdp_flag", u8, late=("AF_XDP_API_FLAGS_MAC_REUSE",))
class AfXdpFlag(enum.IntFlag):
    """How the port is to be. Threads take turns at a ring, not at system calls, so there is no such lock."""

    AF_XDP_API_FLAGS_NO_SYSCALL_LOCK = 1
    AF_XDP_API_FLAGS_MAC_REUSE = 2


NO_FLAGS = AfXdpFlag(0)


@api.reply("af_xdp_create_v3_reply", 0x5383D31F)
class AfXdpCreateV3Reply(Struct):
    """The interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("af_xdp_create_v3", 0xCF4B1827, reply=AfXdpCreateV3Reply)
def af_xdp_create_v3(
    engine: Engine,
    *,
    host_if: Annotated[str, Text(64)],
    name: Annotated[str, Text(64)],
    rxq_num: u16 = 1,
    rxq_size: u16 = 0,
    txq_size: u16 = 0,
    mode: AfXdpMode = AfXdpMode.AF_XDP_API_MODE_AUTO,
    flags: AfXdpFlag = NO_FLAGS,
    prog: Annotated[str, Text(256)],
    netns: Annotated[str, Text(64)],
) -> AfXdpCreateV3Reply:
    """Make a port on a Linux interface, perhaps of another network namespace. ``rxq_num`` 65535: all its receive
    queues; a size of 0: the usual one. The program is our own: none can be named.
    """
    if prog:
        raise Invalid(f"the program is the engine's own: {prog} cannot be loaded", "UNIMPLEMENTED")
    usual = Options()
    made = engine[XdpInterfaces].create(
        host_if,
        name=name,
        options=Options(rxq_num, rxq_size or usual.rx_size, txq_size or usual.tx_size, Mode(int(mode))),
        namespace=netns or None,
        mac_of_linux=bool(flags & AfXdpFlag.AF_XDP_API_FLAGS_MAC_REUSE),
    )
    return AfXdpCreateV3Reply(made.sw_if_index)


@api.request("af_xdp_delete", 0xF9E6675E)
def af_xdp_delete(engine: Engine, sw_if_index: InterfaceIndex) -> None:
    """Delete a port."""
    engine[XdpInterfaces].delete(engine[Interfaces][sw_if_index])
