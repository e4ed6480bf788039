"""set interface ...: states, sizes, addresses, names, tags; clearing counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.cli import command, describe_words
from weft.core.model import Invalid
from weft.features.interface.model import Interface, Interfaces
from weft.features.interface.secondary import SecondaryMacs

if TYPE_CHECKING:
    from weft.core.engine import Engine

describe_words("set interface", "Set an interface's parameters")


@command(
    "set interface state",
    "<interface> <state:up|down|punt|enable>",
    help="Set an interface up or down; punt all that it receives, or forward it again (enable)",
)
def set_interface_state(engine: Engine, interface: Interface, state: str) -> str | None:
    """A sub-interface that is to go up takes its parent up with it, and says so; the model itself is strict."""
    if state in ("punt", "enable"):
        engine[Interfaces].set_punt(interface, state == "punt")
        return None
    up = state == "up"
    parent = interface.sup
    said = None
    if up and parent is not None and not parent.admin_up:
        engine[Interfaces].set_admin(parent, True)
        said = f"{parent.name} was down and is up now, as {interface.name} needs it"
    engine[Interfaces].set_admin(interface, up)
    return said


@command(
    "set interface mtu",
    "[packet | ip4 | ip6 | mpls] <mtu:u32> <interface>",
    help="Set the largest packet, without its Ethernet header, of all protocols or of one; 0: as all, or the device",
)
def set_interface_mtu(engine: Engine, mtu: int, interface: Interface, **protocol: bool) -> None:
    chosen = next(iter(protocol), "packet")
    engine[Interfaces].set_mtu(interface, mtu, "l3" if chosen == "packet" else chosen)


@command("set interface mac address", "<interface> <mac>", help="Set an interface's MAC address")
def set_interface_mac_address(engine: Engine, interface: Interface, mac: int) -> None:
    engine[Interfaces].set_mac(interface, mac)


@command(
    "set interface secondary-mac-address",
    "<interface> <mac> [add | del]",
    help="Let a device take frames for another MAC address beside its own, or no longer (del)",
)
def set_interface_secondary_mac_address(
    engine: Engine, interface: Interface, mac: int, add: bool = False, del_: bool = False
) -> None:
    macs = engine[SecondaryMacs]
    (macs.remove if del_ else macs.add)(interface, mac)


@command("set interface promiscuous", "(on | off) (<interface>)", help="Let a device deliver frames for anybody")
def set_interface_promiscuous(engine: Engine, interface: Interface, on: bool = False, off: bool = False) -> None:
    engine[Interfaces].set_promiscuous(interface, on)


@command("set interface name", "<interface> <name>", help="Give an interface another name")
def set_interface_name(engine: Engine, interface: Interface, name: str) -> None:
    engine[Interfaces].rename(interface, name)


@command("set interface tag", "<interface> <tag:string>", help="Note something about an interface")
def set_interface_tag(engine: Engine, interface: Interface, tag: str) -> None:
    engine[Interfaces].set_tag(interface, tag)


@command(
    "clear interfaces",
    "[tag <interface>]",
    help="Set all interfaces' counters to zero; or forget what was noted about one",
    aliases=("clear interface",),
)
def clear_interfaces(engine: Engine, interface: Interface | None = None) -> None:
    if interface is not None:
        engine[Interfaces].set_tag(interface, "")
        return
    for each in engine[Interfaces]:
        engine[Interfaces].clear_counters(each)


@command("clear hardware-interfaces", "interfaces:[<interface>]*", help="Set the counters of devices to zero")
def clear_hardware_interfaces(engine: Engine, interfaces: list[dict[str, Interface]] | None = None) -> None:
    chosen = [each["interface"] for each in interfaces or []] or list(engine[Interfaces])
    for interface in chosen:
        engine[Interfaces].clear_counters(interface.sup or interface)


describe_words("test", "Commands for tests of what uses the engine")


@command(
    "test interface link-state",
    "<interface> <state:up|down>",
    help="Do as if the device had said that its link is there, or is not, until it says something itself",
)
def test_interface_link_state(engine: Engine, interface: Interface, state: str) -> None:
    if interface.sup is not None:
        raise Invalid(f"{interface.name} has the link of {interface.sup.name}: name that")
    engine[Interfaces].set_link(interface, state == "up")
