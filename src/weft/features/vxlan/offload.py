"""Devices that sort out a tunnel's packets themselves: VPP has them, by DPDK; none of ours does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.model import Invalid
from weft.features.interface.model import Interface
from weft.features.ip4.model import Ip4
from weft.features.vxlan.model import Tunnels

if TYPE_CHECKING:
    from weft.core.engine import Engine


def offload(engine: Engine, device: Interface, tunnel: Interface, on: bool) -> None:
    """Ask a device to do it, or not to. Raises Invalid, in VPP's order of checks; to do it no longer is always well."""
    record = engine[Tunnels].find(tunnel)
    if record is None:
        raise Invalid(f"{tunnel.name} is no vxlan tunnel", "INVALID_SW_IF_INDEX_2")
    if record.ends.version != 4:
        raise Invalid("only tunnels over IPv4 can be offloaded", "INVALID_ADDRESS_FAMILY")
    if record.ends.fib_index != engine[Ip4].table_of(device).fib_index:
        raise Invalid(f"{device.name} is in another table than {tunnel.name}'s encap-vrf-id", "NO_SUCH_FIB")
    if on:
        raise Invalid(f"{device.name} cannot sort out packets; the engine does it", "UNSPECIFIED")
