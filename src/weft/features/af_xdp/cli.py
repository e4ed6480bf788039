"""Commands of AF_XDP ports."""

from __future__ import annotations

from weft.core.cli import command
from weft.core.engine import Engine
from weft.core.model import Invalid
from weft.features.af_xdp.device import ALL, XdpInterfaces
from weft.features.af_xdp.socket import Mode, Options
from weft.features.interface.model import Interface, Interfaces


@command(
    "create interface af_xdp",
    "host-if <host-if:linux-interface> [name <name:word>] [rx-queue-size <rx-queue-size:u32>]"
    " [tx-queue-size <tx-queue-size:u32>] [num-rx-queues ( <num-rx-queues:u32> | all )] [netns <netns:word>]"
    " [ zero-copy | no-zero-copy ] [no-syscall-lock] [mac-reuse]",
    help="Create an AF_XDP port on a Linux interface",
)
def create_af_xdp(
    engine: Engine,
    host_if: str,
    name: str = "",
    rx_queue_size: int = 1024,
    tx_queue_size: int = 1024,
    num_rx_queues: int = 1,
    all: bool = False,
    netns: str | None = None,
    zero_copy: bool = False,
    no_zero_copy: bool = False,
    no_syscall_lock: bool = False,
    mac_reuse: bool = False,
) -> str:
    """``no-syscall-lock`` changes nothing: threads take turns at a ring, not at system calls."""
    mode = Mode.ZERO_COPY if zero_copy else Mode.COPY if no_zero_copy else Mode.AUTO
    options = Options(ALL if all else num_rx_queues, rx_queue_size, tx_queue_size, mode)
    made = engine[XdpInterfaces].create(host_if, name=name, options=options, namespace=netns, mac_of_linux=mac_reuse)
    return made.name


@command(
    "delete interface af_xdp",
    "( <interface> | sw_if_index <sw-if-index:u32> )",
    help="Delete an AF_XDP port",
)
def delete_af_xdp(engine: Engine, interface: Interface | None = None, sw_if_index: int | None = None) -> None:
    if interface is None:
        interface = engine[Interfaces].by_index.get(sw_if_index or 0)
    if interface is None:
        raise Invalid(f"there is no interface with sw_if_index {sw_if_index}")
    engine[XdpInterfaces].delete(interface)
