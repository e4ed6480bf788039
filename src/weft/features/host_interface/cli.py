"""Commands of host-interfaces."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from weft.core.cli import argument, command
from weft.core.engine import Engine
from weft.features.host_interface.device import HostInterfaces
from weft.features.interface.model import Interface


def _in_linux(engine: Engine, prefix: str) -> Iterable[str]:
    return (name for _, name in socket.if_nameindex() if name not in engine[HostInterfaces].by_name)


def _ours(engine: Engine, prefix: str) -> Iterable[str]:
    return engine[HostInterfaces].by_name


@argument("linux-interface", "an interface's name in Linux", complete=_in_linux, free=True)
@argument("host-interface", "a host-interface's name in Linux", complete=_ours, free=True)
def linux_interface(engine: Engine, word: str) -> str:
    return word


@command(
    "create host-interface",
    "[v2] (name <name:linux-interface>)"
    " [num-rx-queues <num-rx-queues:u32>] [num-tx-queues <num-tx-queues:u32>] [hw-addr <hw-addr:mac>]"
    " [mode ip] [qdisc-bypass-disable] [cksum-gso-disable]",
    help="Create a port on a Linux interface",
)
def create_host_interface(
    engine: Engine,
    name: str,
    v2: bool = False,
    num_rx_queues: int = 1,
    num_tx_queues: int = 1,
    hw_addr: int | None = None,
    mode_ip: bool = False,
    qdisc_bypass_disable: bool = False,
    cksum_gso_disable: bool = False,
) -> str:
    """Every worker sends by itself, so ``num-tx-queues`` changes nothing; nor does ``v2``: all rings are the same."""
    return (
        engine[HostInterfaces]
        .create(
            name,
            mac=hw_addr,
            layer3=mode_ip,
            queues=num_rx_queues,
            qdisc_bypass=not qdisc_bypass_disable,
            offloads=not cksum_gso_disable,
        )
        .name
    )


@command("delete host-interface", "name <name:host-interface>", help="Delete a port on a Linux interface")
def delete_host_interface(engine: Engine, name: str) -> None:
    engine[HostInterfaces].delete(name)


@command(
    "set host-interface l4-cksum-offload",
    "<interface> <on:on-off>",
    help="Let Linux finish checksums and cut segments of what is sent, or not",
)
def set_offload(engine: Engine, interface: Interface, on: bool) -> None:
    engine[HostInterfaces].set_offloads(interface, on)
