"""What the main thread sends on an interface's link."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from weft.core.runtime import DIRECT
from weft.features.ethernet.model import IP6, rewrite
from weft.features.interface.model import Interface

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


def group_mac(group: IPv6Address) -> int:
    """The Ethernet address of a group (RFC 2464 7)."""
    return int.from_bytes(b"\x33\x33" + group.packed[12:], "little")


def link_option(kind: int, interface: Interface) -> bytes:
    """The option with the interface's MAC address."""
    return bytes((kind, 1)) + int(interface.row.mac).to_bytes(6, "little")


def is_up(interface: Interface) -> bool:
    """Whether packets can leave by an interface."""
    return interface.admin_up and interface.link_up and (interface.sup is None or interface.sup.admin_up)


def send(engine: Engine, interface: Interface, packet: bytes, mac: int | None = None) -> None:
    """Send an IPv6 packet by an interface that is up, to a MAC address, or to that of the packet's group."""
    if not is_up(interface):
        return
    if mac is None:
        mac = group_mac(IPv6Address(packet[24:40]))
    header = rewrite(interface, mac, IP6) if interface.device.ethernet else b""
    output = engine.graph.instances[interface.row.output_node & ~DIRECT].name
    index = interface.sw_if_index
    engine.workers.inject(header + packet, output, rx_sw_if_index=index, tx_sw_if_index=index)
