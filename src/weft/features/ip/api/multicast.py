"""Multicast routes: declared for clients that ask; there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from weft.core.api import Counted, Fixed, u8, u16, u32
from weft.core.api.interface_types import InterfaceIndex
from weft.core.api.ip_types import Mprefix
from weft.features.fib.api_multicast import MfibEntryFlags, MfibPath
from weft.features.ip.api.module import api
from weft.features.ip.api.tables import IpTable

if TYPE_CHECKING:
    from weft.core.engine import Engine


@api.details("ip_mtable_details", 0xB9D2E09E, head=("client_index", "context"))
class IpMtableDetails(Struct):
    """A multicast table."""

    table: IpTable


@api.unimplemented("ip_mtable_dump", 0x51077D14, details=IpMtableDetails)
def ip_mtable_dump(engine: Engine) -> None:
    """All multicast tables."""


@api.structure("ip_mroute")
class IpMroute(Struct):
    """A multicast route."""

    table_id: u32
    entry_flags: MfibEntryFlags
    rpf_id: u32
    prefix: Mprefix
    n_paths: u8 = 0
    paths: Annotated[list[MfibPath], Counted("n_paths")] = []


@api.reply("ip_mroute_add_del_reply", 0x1992DEAB)
class IpMrouteAddDelReply(Struct):
    """The route's number in the stats segment."""

    stats_index: u32 = 0


@api.unimplemented("ip_mroute_add_del", 0x0DD7E790, reply=IpMrouteAddDelReply)
def ip_mroute_add_del(engine: Engine, *, is_add: bool = True, is_multipath: bool, route: IpMroute) -> None:
    """Add or delete a multicast route or some of its paths."""


@api.details("ip_mroute_details", 0xC5CB23FC)
class IpMrouteDetails(Struct):
    """A multicast route."""

    route: IpMroute


@api.unimplemented("ip_mroute_dump", 0xB9D2E09E, details=IpMrouteDetails)
def ip_mroute_dump(engine: Engine, table: IpTable) -> None:
    """All multicast routes of a table."""


@api.details("mfib_signal_details", 0x6F4A4CFB)
class MfibSignalDetails(Struct):
    """A packet that a multicast route was to signal."""

    sw_if_index: InterfaceIndex
    table_id: u32
    prefix: Mprefix
    ip_packet_len: u16
    ip_packet_data: Annotated[bytes, Fixed(256)]


@api.unimplemented("mfib_signal_dump", 0x51077D14, details=MfibSignalDetails)
def mfib_signal_dump(engine: Engine) -> None:
    """Packets that multicast routes were to signal."""
