"""Commands of taps."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

from weft.core.cli import command
from weft.core.engine import Engine
from weft.core.model import Invalid
from weft.features.interface.address import show_mac
from weft.features.interface.model import Interface
from weft.features.tap.device import Options, Tap, Taps, check_ring
from weft.features.tap.linux import HostSide


@command(
    "create tap",
    "[id <id:u32>] [hw-addr <hw-addr:mac>] [num-rx-queues <num-rx-queues:u32>] [num-tx-queues <num-tx-queues:u32>]"
    " [rx-ring-size <rx-ring-size:u32>] [tx-ring-size <tx-ring-size:u32>] [host-ns <host-ns:name>]"
    " [host-bridge <host-bridge:name>] [host-ip4-addr <host-ip4-addr:ip4-prefix>]"
    " [host-ip6-addr <host-ip6-addr:ip6-prefix>] [host-ip4-gw <host-ip4-gw:ip4>] [host-ip6-gw <host-ip6-gw:ip6>]"
    " [host-mac-addr <host-mac-addr:mac>] [host-if-name <host-if-name:name>] [host-mtu-size <host-mtu-size:u32>]"
    " [no-gso | gso | csum-offload] [gro-coalesce] [persist] [attach] [tun] [packed] [in-order] [consistent-qp]",
    help="Create an interface between the engine and Linux",
)
def create_tap(
    engine: Engine,
    id: int | None = None,
    hw_addr: int | None = None,
    num_rx_queues: int = 1,
    num_tx_queues: int = 1,
    rx_ring_size: int | None = None,
    tx_ring_size: int | None = None,
    host_ns: str | None = None,
    host_bridge: str | None = None,
    host_ip4_addr: IPv4Interface | None = None,
    host_ip6_addr: IPv6Interface | None = None,
    host_ip4_gw: IPv4Address | None = None,
    host_ip6_gw: IPv6Address | None = None,
    host_mac_addr: int | None = None,
    host_if_name: str | None = None,
    host_mtu_size: int | None = None,
    no_gso: bool = False,
    gso: bool = False,
    gro_coalesce: bool = False,
    csum_offload: bool = False,
    persist: bool = False,
    attach: bool = False,
    tun: bool = False,
    packed: bool = False,
    in_order: bool = False,
    consistent_qp: bool = False,
) -> str:
    """Every worker sends by itself, and there is no virtqueue, so ``num-tx-queues``, ``tx-ring-size``,
    ``gro-coalesce``, ``packed``, ``in-order`` and ``consistent-qp`` change nothing.
    """
    for ring in (rx_ring_size, tx_ring_size):
        if ring is not None:
            check_ring(ring)
    taps = engine[Taps]
    number = taps.free_number() if id is None else id
    host = HostSide(
        name=host_if_name or f"{'tun' if tun else 'tap'}{number}",
        mac=None if host_mac_addr is None else show_mac(host_mac_addr),
        mtu=host_mtu_size,
        bridge=host_bridge,
        ip4=host_ip4_addr,
        ip6=host_ip6_addr,
        ip4_gateway=host_ip4_gw,
        ip6_gateway=host_ip6_gw,
        queue_length=rx_ring_size,
    )
    options = Options(
        queues=num_rx_queues,
        layer3=tun,
        mac=hw_addr,
        gso=gso,
        checksum_offload=csum_offload,
        persist=persist,
        attach=attach,
    )
    return taps.create(number, host, host_ns, options).name


@command("delete tap", "(<name> | sw_if_index <sw-if-index:u32>)", help="Delete a tap")
def delete_tap(engine: Engine, name: str = "", sw_if_index: int | None = None) -> None:
    engine[Taps].delete(name if sw_if_index is None else sw_if_index)


@command("show tap", "[<interface>]", help="Show taps")
def show_tap(engine: Engine, interface: Interface | None = None) -> str:
    taps = engine[Taps].by_number.values()
    if interface is not None and not isinstance(interface.private, Tap):
        raise Invalid(f"{interface.name} is no tap")
    return "\n".join(line for tap in taps if interface in (None, tap.interface) for line in _lines(tap))


def _lines(tap: Tap) -> Iterator[str]:
    """A tap as VPP shows it, as far as it is the same thing."""
    interface, host = tap.interface, tap.host
    yield f"Interface: {interface.name} (ifindex {interface.hw_if_index})"
    yield f'  name "{host.name}"'
    yield f'  host-ns "{tap.namespace or "(nil)"}"'
    if host.mtu is not None:
        yield f'  host-mtu-size "{host.mtu}"'
    if host.mac is not None:
        yield f"  host-mac-addr: {host.mac}"
    if host.bridge is not None:
        yield f'  host-bridge "{host.bridge}"'
    for name, address in (("ip4", host.ip4), ("ip6", host.ip6)):
        if address is not None:
            yield f"  host-{name}-addr {address}"
    yield f"  host-carrier-up: {int(interface.link_up)}"
    yield f"  tap-fds{''.join(f' {fd}' for fd in tap.descriptors)}"
    yield f"  gso-enabled {int(tap.options.gso)}"
    yield f"  csum-enabled {int(tap.options.checksum_offload)}"
    yield f"  Mac Address: {interface.mac}"
    yield f"  Device instance: {tap.number}"
    yield f"  flags 0x{int(interface.admin_up):x}"
    if interface.admin_up:
        yield "    admin-up (0)"
    yield f"  Number of RX Virtqueue  {len(tap.descriptors)}"
    yield f"  Number of TX Virtqueue  {len(tap.descriptors)}"
