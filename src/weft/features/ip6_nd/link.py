"""What the main thread sends on an interface's link."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from weft.features.ethernet.model import IP6, say
from weft.features.interface.model import Interface
from weft.features.ip.groups import group_mac

if TYPE_CHECKING:
    from weft.core.engine import Engine

UNSPECIFIED = IPv6Address(0)
ALL_NODES = IPv6Address("ff02::1")
ALL_ROUTERS = IPv6Address("ff02::2")
MLD_ROUTERS = IPv6Address("ff02::16")
SOLICITED_NODE = int(IPv6Address("ff02::1:ff00:0"))


def solicited_node(address: IPv6Address) -> IPv6Address:
    """The group in which whoever has an address listens for solicitations (RFC 4291 2.7.1)."""
    return IPv6Address(SOLICITED_NODE | int(address) & 0xFFFFFF)


def link_option(kind: int, interface: Interface) -> bytes:
    """The option with the interface's MAC address."""
    return bytes((kind, 1)) + int(interface.row.mac).to_bytes(6, "little")


def send(engine: Engine, interface: Interface, packet: bytes, mac: int | None = None) -> None:
    """Send an IPv6 packet by an interface that is up, to a MAC address, or to that of the packet's group."""
    say(engine, interface, group_mac(IPv6Address(packet[24:40])) if mac is None else mac, IP6, packet)
