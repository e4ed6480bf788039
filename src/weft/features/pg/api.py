"""Messages of the packet generator."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.api import Module, u8, u32
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.core.model import Invalid
from weft.features.interface.model import Interface, Interfaces
from weft.features.pg.model import Mode, Options, PacketGenerator

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("pg", "2.1.0", "The packet generator")


@api.enum("pg_interface_mode", u8)
class PgInterfaceMode(enum.IntEnum):
    """What an interface's packets are."""

    PG_API_MODE_ETHERNET = 0
    PG_API_MODE_IP4 = 1
    PG_API_MODE_IP6 = 2


@api.enum("pg_interface_flags")
class PgInterfaceFlags(enum.IntFlag):
    """What an interface leaves to others."""

    PG_API_FLAG_NONE = 0
    PG_API_FLAG_CSUM_OFFLOAD = 1
    PG_API_FLAG_GSO = 2
    PG_API_FLAG_GRO_COALESCE = 4


MODES = dict(zip(PgInterfaceMode, (Mode.ETHERNET, Mode.IP4, Mode.IP6), strict=True))


@api.reply("pg_create_interface_reply", 0x5383D31F)
class PgCreateInterfaceReply(Struct):
    """The interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("pg_create_interface", 0xB7C893D7, reply=PgCreateInterfaceReply)
def pg_create_interface(
    engine: Engine, interface_id: InterfaceIndex, gso_enabled: bool, gso_size: u32
) -> PgCreateInterfaceReply:
    """Make an interface pgN for Ethernet frames; if there is one like that, it is the one."""
    flags = PgInterfaceFlags.PG_API_FLAG_GSO if gso_enabled else PgInterfaceFlags.PG_API_FLAG_NONE
    mode = PgInterfaceMode.PG_API_MODE_ETHERNET
    return PgCreateInterfaceReply(_create(engine, interface_id, flags, gso_size, mode))


@api.reply("pg_create_interface_v2_reply", 0x5383D31F)
class PgCreateInterfaceV2Reply(Struct):
    """The interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("pg_create_interface_v2", 0x8657466A, reply=PgCreateInterfaceV2Reply)
def pg_create_interface_v2(
    engine: Engine, interface_id: InterfaceIndex, gso_enabled: bool, gso_size: u32, mode: PgInterfaceMode
) -> PgCreateInterfaceV2Reply:
    """Make an interface pgN for Ethernet frames, or for packets of IPv4 or IPv6 without layer 2."""
    flags = PgInterfaceFlags.PG_API_FLAG_GSO if gso_enabled else PgInterfaceFlags.PG_API_FLAG_NONE
    return PgCreateInterfaceV2Reply(_create(engine, interface_id, flags, gso_size, mode))


@api.reply("pg_create_interface_v3_reply", 0x5383D31F)
class PgCreateInterfaceV3Reply(Struct):
    """The interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("pg_create_interface_v3", 0xB2AAC653, reply=PgCreateInterfaceV3Reply)
def pg_create_interface_v3(
    engine: Engine,
    interface_id: InterfaceIndex,
    pg_flags: PgInterfaceFlags,
    gso_size: u32,
    mode: PgInterfaceMode,
) -> PgCreateInterfaceV3Reply:
    """Make an interface pgN: what it leaves to others, and what its packets are."""
    return PgCreateInterfaceV3Reply(_create(engine, interface_id, pg_flags, gso_size, mode))


def _create(engine: Engine, number: int, flags: PgInterfaceFlags, gso_size: int, mode: PgInterfaceMode) -> int:
    generator = engine[PacketGenerator]
    gso = bool(flags & PgInterfaceFlags.PG_API_FLAG_GSO)
    coalesce = bool(flags & PgInterfaceFlags.PG_API_FLAG_GRO_COALESCE)
    if coalesce and not gso:
        raise Invalid("segments can be put together again only with PG_API_FLAG_GSO", "CANNOT_ENABLE_DISABLE_FEATURE")
    if gso and not gso_size:
        raise Invalid("PG_API_FLAG_GSO needs a gso_size")
    made = generator.create(
        f"pg{number}",
        Options(
            mode=MODES[mode],
            gso_size=gso_size if gso else 0,
            checksum_offload=bool(flags & PgInterfaceFlags.PG_API_FLAG_CSUM_OFFLOAD),
        ),
    )
    if coalesce:
        generator.set_coalescing(made, True)
    return made.sw_if_index


@api.request("pg_delete_interface", 0xF9E6675E)
def pg_delete_interface(engine: Engine, sw_if_index: InterfaceIndex) -> None:
    """Delete an interface pgN, with its streams."""
    engine[PacketGenerator].delete_interface(engine[Interfaces][sw_if_index])


@api.request("pg_interface_enable_disable_coalesce", 0xA2EF99E7)
def pg_interface_enable_disable_coalesce(engine: Engine, sw_if_index: InterfaceIndex, coalesce_enabled: bool) -> None:
    """Put TCP segments that leave by an interface together again, or not."""
    engine[PacketGenerator].set_coalescing(engine[Interfaces][sw_if_index], coalesce_enabled)


@api.request("pg_capture", 0x3712FB6C)
def pg_capture(
    engine: Engine, *, interface_id: InterfaceIndex, is_enabled: bool = True, count: u32, pcap_file_name: str
) -> None:
    """Write what leaves by pgN to a pcap file, so many packets at the most (0: all), or end that."""
    interface = _interface(engine, interface_id)
    if not is_enabled:
        engine[PacketGenerator].end_capture_to(interface)
        return
    if not pcap_file_name:
        raise Invalid("a capture needs the name of its file", "CANNOT_CREATE_PCAP_FILE")
    try:
        engine[PacketGenerator].capture_to(interface, Path(pcap_file_name), count)
    except Invalid as error:
        raise Invalid(str(error), "CANNOT_CREATE_PCAP_FILE") from None


def _interface(engine: Engine, number: int) -> Interface:
    """pgN."""
    return engine[Interfaces][f"pg{number}"]


@api.request("pg_enable_disable", 0x01F94F3A)
def pg_enable_disable(engine: Engine, *, is_enabled: bool = True, stream_name: str) -> None:
    """Let a stream run, or all; or stop them."""
    generator = engine[PacketGenerator]
    for name in generator.named(stream_name or None):
        (generator.enable if is_enabled else generator.disable)(name)
