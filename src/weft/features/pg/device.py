"""Kinds of packet-generator interfaces: frames, or packets of IP without layer 2; with offloads, or without."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from weft.core.model import Invalid
from weft.features.interface.model import CHECKSUM_OFFLOAD, GSO, DeviceClass, Interface
from weft.features.pcap.file import ETHERNET, RAW

MAX_PG = 1024
MAX_GSO_SIZE = 65535


class Mode(Enum):
    """What an interface's packets are."""

    ETHERNET = "ethernet"
    IP4 = "ip4"
    IP6 = "ip6"

    @property
    def node(self) -> str:
        """Where packets start that come in."""
        return f"{self.value}-input"

    @property
    def link(self) -> int:
        """The link type of capture files."""
        return ETHERNET if self is Mode.ETHERNET else RAW


class Options(Struct, frozen=True):
    """How an interface is to be."""

    mode: Mode = Mode.ETHERNET
    #: Takes packets larger than the MTU, to be cut further on, and makes such with segments of this size; 0: no.
    gso_size: int = 0
    #: Takes packets that owe their layer-4 checksum, and makes such.
    checksum_offload: bool = False

    def check(self) -> None:
        if not 0 <= self.gso_size <= MAX_GSO_SIZE:
            raise Invalid(f"a gso-size is 1 to {MAX_GSO_SIZE} bytes, not {self.gso_size}")

    @property
    def flags(self) -> int:
        """Of the interface's row."""
        if self.gso_size:
            return CHECKSUM_OFFLOAD | GSO
        return CHECKSUM_OFFLOAD if self.checksum_offload else 0


def number_of(name: str) -> int:
    """3, for ``pg3``."""
    number = int(name[2:]) if name[:2] == "pg" and name[2:].isdecimal() and len(name) < 7 else -1
    if not 0 <= number < MAX_PG or name != f"pg{number}":
        raise Invalid(f"a packet-generator interface is named pg0 to pg{MAX_PG - 1}, not {name}")
    return number


def options_of(interface: Interface) -> Options:
    """How a packet-generator interface is."""
    options = (interface.sup or interface).private
    return options if isinstance(options, Options) else Options()


PG = DeviceClass("packet-generator", tx="pg-tx")
PG_IP = replace(PG, name="packet-generator-ip", ethernet=False)


def is_pg(interface: Interface) -> bool:
    """Whether it is such an interface, and no sub-interface of one."""
    return interface.device in (PG, PG_IP) and interface.sup is None
