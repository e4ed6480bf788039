"""What tells IPv4 from IPv6 where all else is the same."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import cached_property
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from weft.core.model import Invalid
from weft.features.fib.path import Path
from weft.features.fib.source import Source

if TYPE_CHECKING:
    from weft.core.engine import Engine
    from weft.core.view import Rows
    from weft.features.ip.lpm import Lpm

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
IpInterface: TypeAlias = IPv4Interface | IPv6Interface

#: How a prefix may be given: ``192.0.2.0/24``, or an object that says the same, or address and length as numbers.
Prefix: TypeAlias = str | Network | IpInterface | tuple[int, int]

#: A route that a table has from the start: address, length, who says so, and where it leads.
Special: TypeAlias = tuple[int, int, Source, Path]


class Family(Struct, frozen=True, dict=True):
    """IPv4 or IPv6."""

    name: str  #: "ip4"
    label: str  #: "ipv4", as tables are called
    title: str  #: "IPv4"
    bits: int
    address: type[Any]
    network: type[Any]
    interface: type[Any]
    example: str
    #: The routes that every table has, as VPP's do.
    special: tuple[Special, ...]
    #: What makes the structure in which packets of a table are looked up: of the engine and a fib_index.
    lpm: Callable[[Engine, int], Lpm]
    flow_hashes: Rows[int]
    socket: int = socket.AF_INET

    @cached_property
    def masks(self) -> list[int]:
        """By length, the bits of a prefix that count."""
        every = (1 << self.bits) - 1
        return [every << (self.bits - length) & every for length in range(self.bits + 1)]

    def prefix(self, prefix: Prefix) -> tuple[int, int]:
        """A prefix as the subnet's address and its length. Raises Invalid."""
        if isinstance(prefix, str):
            address, _, bits = prefix.partition("/")
            try:
                number = int.from_bytes(socket.inet_pton(self.socket, address), "big")
                length = int(bits or self.bits)
            except (OSError, ValueError):
                message = f"{prefix} is no {self.title} prefix; one is {self.example}"
                raise Invalid(message) from None
        elif isinstance(prefix, tuple):
            number, length = prefix
        else:
            network = prefix.network if isinstance(prefix, IPv4Interface | IPv6Interface) else prefix
            if not isinstance(network, self.network):
                raise Invalid(f"{prefix} is no {self.title} prefix; one is {self.example}")
            number, length = int(network.network_address), network.prefixlen
        if not (0 <= length <= self.bits and number >> self.bits == 0):
            message = f"{prefix} is no {self.title} prefix; its length is 0 to {self.bits}"
            raise Invalid(message)
        return number & self.masks[length], length
