"""Messages of the L2 FIB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.api import u32
from weft.core.api.ethernet_types import MacAddress
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.core.model import Invalid
from weft.features.interface.address import show_mac
from weft.features.interface.model import Interfaces
from weft.features.l2.api.module import api
from weft.features.l2.domain import BridgeDomains
from weft.features.l2.fib import L2Fib
from weft.features.l2.layout import BVI_ENTRY
from weft.features.l2.port import Layer2

if TYPE_CHECKING:
    from weft.core.engine import Engine


@api.details("l2_fib_table_details", 0xA44EF6B8)
class L2FibTableDetails(Struct):
    """Where an address is."""

    bd_id: u32
    mac: MacAddress
    sw_if_index: InterfaceIndex
    static_mac: bool
    filter_mac: bool
    bvi_mac: bool


@api.dump("l2_fib_table_dump", 0xC25FDCE6, details=L2FibTableDetails)
def l2_fib_table_dump(engine: Engine, bd_id: u32) -> Iterator[L2FibTableDetails]:
    """The addresses of a bridge domain."""
    domain = engine[BridgeDomains][bd_id]
    for entry in engine[L2Fib].entries():
        if entry.bd_index == domain.index:
            where = NO_INTERFACE if entry.filter else entry.sw_if_index
            yield L2FibTableDetails(bd_id, entry.mac, where, entry.static, entry.filter, entry.bvi)


@api.request("l2_fib_clear_table", 0x51077D14)
def l2_fib_clear_table(engine: Engine) -> None:
    """Remove all addresses but those of bridge domains' virtual interfaces."""
    engine[L2Fib].remove_all(keep=BVI_ENTRY)


@api.request("l2fib_flush_all", 0x51077D14)
def l2fib_flush_all(engine: Engine) -> None:
    """Forget all that was learned."""
    engine[Layer2].flush_all()


@api.request("l2fib_flush_bd", 0xC25FDCE6)
def l2fib_flush_bd(engine: Engine, bd_id: u32) -> None:
    """Forget what was learned in a bridge domain."""
    engine[Layer2].flush_domain(engine[BridgeDomains][bd_id])


@api.request("l2fib_flush_int", 0xF9E6675E)
def l2fib_flush_int(engine: Engine, sw_if_index: InterfaceIndex) -> None:
    """Forget what was learned at an interface."""
    engine[Layer2].flush_port(engine[Interfaces][sw_if_index])


@api.request("l2fib_add_del", 0xEDDDA487)
def l2fib_add_del(
    engine: Engine,
    *,
    mac: MacAddress,
    bd_id: u32,
    sw_if_index: InterfaceIndex,
    is_add: bool = True,
    static_mac: bool,
    filter_mac: bool,
    bvi_mac: bool,
) -> None:
    """Say where an address is (or, of a filter, that frames from and to it are dropped), or forget it."""
    domain = engine[BridgeDomains][bd_id]
    fib = engine[L2Fib]
    if is_add:
        interface = None if filter_mac else engine[Interfaces][sw_if_index]
        fib.add_many(bd_id, interface, [mac], static=static_mac, bvi=bvi_mac)
    elif not fib.remove(domain.index, mac):
        raise Invalid(f"bridge domain {bd_id} does not know {show_mac(mac)}", "NO_SUCH_ENTRY")
