"""What interfaces have of IP: tables, addresses, whether they take its packets. VPP has some of it among the messages
of interfaces.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv6Interface
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from weft.core.api import u32
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.core.api.ip_types import AddressWithPrefix
from weft.core.model import Invalid, model
from weft.features.interface.api import api as interface_api
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip.api.module import api
from weft.features.ip.model import ip_of, models
from weft.features.ip.unnumbered import Unnumbered

if TYPE_CHECKING:
    from weft.core.engine import Engine

IpInterface: TypeAlias = IPv4Interface | IPv6Interface


def _version(is_ipv6: bool) -> int:
    return 6 if is_ipv6 else 4


# --- tables


@interface_api.request("sw_interface_set_table", 0xDF42A577)
def sw_interface_set_table(engine: Engine, sw_if_index: InterfaceIndex, is_ipv6: bool, vrf_id: u32) -> None:
    """Look packets of an interface, which may have no addresses yet, up in a table that is there."""
    interface = engine[Interfaces][sw_if_index]
    ip_of(engine, _version(is_ipv6)).set_table(interface, vrf_id)


@interface_api.reply("sw_interface_get_table_reply", 0xA6EB0109)
class SwInterfaceGetTableReply(Struct):
    """The table's number."""

    vrf_id: u32 = 0


@interface_api.request("sw_interface_get_table", 0x2D033DE4, reply=SwInterfaceGetTableReply)
def sw_interface_get_table(engine: Engine, sw_if_index: InterfaceIndex, is_ipv6: bool) -> SwInterfaceGetTableReply:
    """The table that packets of an interface are looked up in."""
    interface = engine[Interfaces][sw_if_index]
    return SwInterfaceGetTableReply(ip_of(engine, _version(is_ipv6)).table_of(interface).table_id)


# --- addresses


@interface_api.request("sw_interface_add_del_address", 0x5463D73B)
def sw_interface_add_del_address(
    engine: Engine, sw_if_index: InterfaceIndex, is_add: bool, del_all: bool, prefix: AddressWithPrefix
) -> None:
    """Give an interface an address, or take one or all away."""
    interface = engine[Interfaces][sw_if_index]
    if del_all:
        for name in models:
            engine[models[name]].remove_all_addresses(interface)
    elif is_add:
        engine[AddressReplacement].add(interface, prefix)
    else:
        ip_of(engine, prefix.version).remove_address(interface, prefix)


@model
class AddressReplacement:
    """Interfaces' addresses that a client says anew: those that it has not said again are taken away at the end."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._unsaid: set[tuple[int, IpInterface]] = set()

    def begin(self) -> None:
        """From now on, note what is said."""
        self._unsaid = {
            (interface.sw_if_index, address)
            for interface in self._engine[Interfaces]
            for name in models
            for address in self._engine[models[name]].addresses(interface)
        }

    def add(self, interface: Interface, address: IpInterface) -> None:
        """Give an interface an address. What is unsaid makes way for it."""
        ip = ip_of(self._engine, address.version)
        if (interface.sw_if_index, address) in self._present(address.version):
            self._unsaid.discard((interface.sw_if_index, address))
            return
        gone = [
            (index, each)
            for index, each in self._present(address.version)
            if address.ip in each.network or each.ip in address.network
        ]
        for index, each in gone:
            ip.remove_address(self._engine[Interfaces][index], each)
        try:
            ip.add_address(interface, address)
        except Invalid:
            for index, each in gone:
                ip.add_address(self._engine[Interfaces][index], each)
            raise
        self._unsaid -= set(gone)

    def end(self) -> None:
        """Take away what is unsaid."""
        for version in (4, 6):
            for index, address in self._present(version):
                ip_of(self._engine, version).remove_address(self._engine[Interfaces][index], address)
        self._unsaid.clear()

    def _present(self, version: int) -> list[tuple[int, IpInterface]]:
        """What is unsaid, and still there."""
        interfaces = self._engine[Interfaces].by_index
        return [
            (index, address)
            for index, address in self._unsaid
            if address.version == version
            and index in interfaces
            and address in ip_of(self._engine, version).addresses(interfaces[index])
        ]


@interface_api.request("sw_interface_address_replace_begin", 0x51077D14)
def sw_interface_address_replace_begin(engine: Engine) -> None:
    """Say all addresses of all interfaces anew from now on."""
    engine[AddressReplacement].begin()


@interface_api.request("sw_interface_address_replace_end", 0x51077D14)
def sw_interface_address_replace_end(engine: Engine) -> None:
    """Take the addresses away that have not been said since ``sw_interface_address_replace_begin``."""
    engine[AddressReplacement].end()


@api.details("ip_address_details", 0xEE29B797)
class IpAddressDetails(Struct):
    """An address of an interface."""

    sw_if_index: InterfaceIndex
    prefix: AddressWithPrefix


@api.dump("ip_address_dump", 0x2D033DE4, details=IpAddressDetails)
def ip_address_dump(engine: Engine, sw_if_index: InterfaceIndex, is_ipv6: bool) -> Iterator[IpAddressDetails]:
    """The addresses of an interface, or if it is unnumbered those of the one that it uses."""
    for address in ip_of(engine, _version(is_ipv6)).used_addresses(engine[Interfaces][sw_if_index]):
        yield IpAddressDetails(sw_if_index, address)


@interface_api.request("sw_interface_set_unnumbered", 0x154A6439)
def sw_interface_set_unnumbered(
    engine: Engine, sw_if_index: InterfaceIndex, unnumbered_sw_if_index: InterfaceIndex, is_add: bool
) -> None:
    """Let an interface, ``unnumbered_sw_if_index``, use the addresses of another one, or no longer."""
    interfaces = engine[Interfaces]
    interface = interfaces[unnumbered_sw_if_index]
    if is_add:
        engine[Unnumbered].set(interface, interfaces[sw_if_index])
    else:
        engine[Unnumbered].unset(interface)


@api.details("ip_unnumbered_details", 0xCC59BD42)
class IpUnnumberedDetails(Struct):
    """An interface that uses the addresses of another one."""

    sw_if_index: InterfaceIndex
    ip_sw_if_index: InterfaceIndex


@api.dump("ip_unnumbered_dump", 0xF9E6675E, details=IpUnnumberedDetails)
def ip_unnumbered_dump(engine: Engine, sw_if_index: InterfaceIndex = NO_INTERFACE) -> Iterator[IpUnnumberedDetails]:
    """Interfaces that use the addresses of others: one, or all (~0)."""
    for borrower, lender in sorted(engine[Unnumbered].lender.items()):
        if sw_if_index in (NO_INTERFACE, borrower):
            yield IpUnnumberedDetails(borrower, lender)


@interface_api.unimplemented("sw_interface_set_ip_directed_broadcast", 0xAE6CFCFB)
def sw_interface_set_ip_directed_broadcast(engine: Engine, sw_if_index: InterfaceIndex, enable: bool) -> None:
    """Broadcast packets to a subnet's address on its interface (RFC 2644)."""


# --- who takes packets


@api.details("ip_details", 0xEB152D07)
class IpDetails(Struct):
    """An interface that takes packets of a family."""

    sw_if_index: InterfaceIndex
    is_ipv6: bool


@api.dump("ip_dump", 0x98D231CA, details=IpDetails)
def ip_dump(engine: Engine, is_ipv6: bool) -> Iterator[IpDetails]:
    """The interfaces that take packets of a family."""
    ip = ip_of(engine, _version(is_ipv6))
    for interface in list(engine[Interfaces]):
        if ip.is_enabled(interface):
            yield IpDetails(interface.sw_if_index, is_ipv6)
