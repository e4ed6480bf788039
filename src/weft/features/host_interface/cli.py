"""Commands of host-interfaces."""

from __future__ import annotations

from weft.core.cli import command
from weft.core.engine import Engine
from weft.features.host_interface.device import HostInterfaces


@command(
    "create host-interface",
    "name <name> [num-rx-queues <num-rx-queues:u32>] [num-tx-queues <num-tx-queues:u32>] [hw-addr <hw-addr:mac>]"
    " [mode ip] [qdisc-bypass-disable] [cksum-gso-disable]",
    help="Create a port on a Linux interface",
)
def create_host_interface(
    engine: Engine,
    name: str,
    num_rx_queues: int = 1,
    num_tx_queues: int = 1,
    hw_addr: int | None = None,
    mode_ip: bool = False,
    qdisc_bypass_disable: bool = False,
    cksum_gso_disable: bool = False,
) -> str:
    """Every worker sends by itself, so ``num-tx-queues`` changes nothing."""
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


@command("delete host-interface", "name <name>", help="Delete a port on a Linux interface")
def delete_host_interface(engine: Engine, name: str) -> None:
    engine[HostInterfaces].delete(name)
