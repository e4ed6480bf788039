"""show interface, show hardware-interfaces, show mode: in VPP's formats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.core.graph import ARCS
from weft.features.interface.address import show_mac
from weft.features.interface.model import COMBINED, PUNTED, SIMPLE, Interface, Interfaces
from weft.features.interface.placement import RxQueues
from weft.features.interface.secondary import SecondaryMacs
from weft.features.vlib.format import centred, joined

if TYPE_CHECKING:
    from weft.core.engine import Engine

Named = list[dict[str, Interface]]


def in_order(interfaces: Iterable[Interface]) -> list[Interface]:
    """By name; sub-interfaces follow their parent, by number."""
    return sorted(interfaces, key=lambda each: ((each.sup or each).name, each.sub.id if each.sub else -1))


def _chosen(engine: Engine, interfaces: Named) -> list[Interface]:
    """The interfaces that a command names, or all."""
    return in_order([each["interface"] for each in interfaces] or engine[Interfaces])


@command(
    "show interface",
    "interfaces:[<interface>]* [address | addr | features | feat | tag] [verbose]",
    help="Show interfaces' states and counters; show interface <interface> address, features or tag",
)
def show_interface(
    engine: Engine,
    interfaces: Named | None = None,
    address: bool = False,
    addr: bool = False,
    features: bool = False,
    feat: bool = False,
    tag: bool = False,
    verbose: bool = False,
) -> str:
    chosen = _chosen(engine, interfaces or [])
    if tag:
        return joined(f"{interface.name}: {interface.tag}" for interface in chosen if interface.tag)
    if address or addr:
        return joined(line for interface in chosen for line in _address(engine, interface))
    if features or feat:
        return joined(line for interface in chosen for line in _features(engine, interface, verbose))
    lines = [
        centred("Name", 32)
        + centred("Idx", 5)
        + centred("State", 10)
        + centred("MTU (L3/IP4/IP6/MPLS)", 21)
        + centred("Counter", 16)
        + centred("Count", 16)
    ]
    return joined([*lines, *(line for interface in chosen for line in _states(interface))])


def _states(interface: Interface) -> Iterator[str]:
    row = interface.row
    line = f"{interface.name:<32}" + centred(interface.sw_if_index, 5)
    state = "up" if interface.admin_up else "down"
    line += centred(f"{state}/punt" if row.flags & PUNTED else state, 10)
    line += centred(f"{row.mtu}/{row.mtu_ip4}/{row.mtu_ip6}/{row.mtu_mpls}", 21)
    for label, count in _counts(interface):
        yield f"{line:<68}{label:<16}{count:>16}"
        line = ""
    if line:
        yield line


def _counts(interface: Interface) -> Iterator[tuple[str, int]]:
    """What an interface has counted, without what it has not."""
    for name, pair in COMBINED.items():
        packets, octets = pair.read(interface.sw_if_index)
        if packets or octets:
            yield f"{name} packets", packets
            yield f"{name} bytes", octets
    for name, counter in SIMPLE.items():
        if count := counter.read(interface.sw_if_index):
            yield name, count


@command("show interface address", "interfaces:[<interface>]*", help="Show interfaces' addresses and bridge domains")
def show_interface_address(engine: Engine, interfaces: Named | None = None) -> str:
    return show_interface(engine, interfaces, address=True)


def _name_and_state(interface: Interface) -> str:
    return f"{interface.name} ({'up' if interface.admin_up else 'dn'}):"


#: The order of the lines about an interface's addresses, by their first words.
ADDRESS_LINES = ("unnumbered,", "L2", "L3")


def _address(engine: Engine, interface: Interface) -> Iterator[str]:
    yield _name_and_state(interface)
    lines = [line for describe in engine[Interfaces].address_lines for line in describe(interface)]
    # Whichever feature was loaded first.
    yield from (f"  {line}" for line in sorted(lines, key=lambda line: ADDRESS_LINES.index(line.split()[0])))


@command(
    "show interface secondary-mac-address", "interfaces:[<interface>]*", help="Show devices' secondary MAC addresses"
)
def show_interface_secondary_mac_address(engine: Engine, interfaces: Named | None = None) -> str:
    lines = []
    for interface in _chosen(engine, interfaces or []):
        lines.append(_name_and_state(interface))
        lines += [f"  {show_mac(mac)}" for mac in engine[SecondaryMacs].of(interface)]
    return joined(lines)


@command("show interface features", "<interface> [verbose]", help="Show the features on an interface's arcs")
def show_interface_features(engine: Engine, interface: Interface, verbose: bool = False) -> str:
    return joined(_features(engine, interface, verbose))


def _features(engine: Engine, interface: Interface, verbose: bool) -> Iterator[str]:
    yield f"Feature paths configured on {interface.name}..."
    for name in ARCS:
        yield ""
        yield f"{name}:"
        enabled = engine.graph.enabled(name, interface.sw_if_index)
        for position, node in enumerate(enabled):
            yield f"  [{position:2}] {node}" if verbose else f"  {node}"
        if not enabled:
            yield "  none configured"
    for lines in engine[Interfaces].feature_lines:
        yield from lines(interface)


@command("show interface tag", "interfaces:[<interface>]*", help="Show what was noted about interfaces")
def show_interface_tag(engine: Engine, interfaces: Named | None = None) -> str:
    return show_interface(engine, interfaces, tag=True)


@command("show mode", "interfaces:[<interface>]*", help="Show which interfaces are in layer 2 and which in layer 3")
def show_mode(engine: Engine, interfaces: Named | None = None) -> str:
    chosen = [each["interface"] for each in interfaces or []] or list(engine[Interfaces])
    return joined(_mode(engine, interface) for interface in chosen)


def _mode(engine: Engine, interface: Interface) -> str:
    found = (text for mode in engine[Interfaces].modes if (text := mode(interface)) is not None)
    return next(found, f"l3 {interface.name}")


@command(
    "show hardware-interfaces",
    "interfaces:[<interface>]* [brief | verbose | detail]",
    help="Show devices: their links, queues and addresses",
)
def show_hardware_interfaces(
    engine: Engine,
    interfaces: Named | None = None,
    brief: bool = False,
    verbose: bool = False,
    detail: bool = False,
) -> str:
    chosen = in_order({id(each.sup or each): each.sup or each for each in _chosen(engine, interfaces or [])}.values())
    lines = [centred("Name", 32) + centred("Idx", 6) + centred("Link", 8) + "Hardware"]
    for interface in chosen:
        lines.append(f"{interface.name:<32}" + centred(interface.hw_if_index, 6) + centred(_link(interface), 8))
        lines[-1] += interface.name
        if not brief:
            lines += [f"  {line}" for line in _hardware(engine, interface)]
    return joined(lines)


def _link(interface: Interface) -> str:
    return "up" if interface.link_up and interface.admin_up else "down"


def _hardware(engine: Engine, interface: Interface) -> Iterator[str]:
    yield f"Link speed: {_speed(interface.speed)}"
    queues = engine[RxQueues].of(interface)
    if queues:
        yield "RX Queues:"
        yield "  queue thread         mode"
        for queue in queues:
            name = "main" if queue.thread == 0 else engine.workers.names[queue.thread]
            yield f"  {queue.number:<6}{f'{name} ({queue.thread})':<15}{queue.mode.value:<10}"
    if interface.device.ethernet:
        yield f"Ethernet address {interface.mac}"
    if interface.device.describe is not None:
        yield from interface.device.describe(engine, interface).splitlines()


def _speed(kbits: int) -> str:
    """``10 Gbps``."""
    if not kbits:
        return "unknown"
    for unit, size in (("Gbps", 1_000_000), ("Mbps", 1000)):
        if kbits >= size:
            return f"{kbits / size:g} {unit}"
    return f"{kbits} Kbps"
