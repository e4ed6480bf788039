"""Commands about interfaces at layer 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.core.model import Invalid
from weft.features.interface.model import Interface
from weft.features.l2.pipeline import ARP_TERM, FLOOD, FWD, LEARN, UU_FLOOD
from weft.features.l2.port import Layer2, PortType
from weft.features.l2.tags import Operation, TagRewrite

if TYPE_CHECKING:
    from weft.core.engine import Engine


@command(
    "set interface l2 bridge",
    "<interface> <bd-id:u32> [bvi | uu-fwd] [<shg:0-255>]",
    help="Put an interface into a bridge domain, as its virtual interface (bvi) or the one for unknown unicast",
)
def set_interface_l2_bridge(
    engine: Engine, interface: Interface, bd_id: int, bvi: bool = False, uu_fwd: bool = False, shg: int = 0
) -> None:
    kind = PortType.BVI if bvi else PortType.UU_FWD if uu_fwd else PortType.NORMAL
    engine[Layer2].bridge(interface, bd_id, kind, shg)


@command(
    "set interface l2 xconnect",
    "<interface> <peer:interface>",
    help="Send all that comes in by an interface out by another",
)
def set_interface_l2_xconnect(engine: Engine, interface: Interface, peer: Interface) -> None:
    engine[Layer2].cross_connect(interface, peer)


@command("set interface l3", "<interface>", help="Take an interface back from layer 2")
def set_interface_l3(engine: Engine, interface: Interface) -> None:
    engine[Layer2].layer_3(interface)


@command("set interface l2 learn", "<interface> [disable]", help="Learn addresses from an interface's packets, or not")
def set_interface_l2_learn(engine: Engine, interface: Interface, disable: bool = False) -> None:
    engine[Layer2].set_feature(interface, LEARN, not disable)


@command("set interface l2 forward", "<interface> [disable]", help="Forward an interface's known unicast, or not")
def set_interface_l2_forward(engine: Engine, interface: Interface, disable: bool = False) -> None:
    engine[Layer2].set_feature(interface, FWD, not disable)


@command("set interface l2 flood", "<interface> [disable]", help="Flood an interface's broadcast, or not")
def set_interface_l2_flood(engine: Engine, interface: Interface, disable: bool = False) -> None:
    engine[Layer2].set_feature(interface, FLOOD, not disable)


@command("set interface l2 uu-flood", "<interface> [disable]", help="Flood an interface's unknown unicast, or not")
def set_interface_l2_uu_flood(engine: Engine, interface: Interface, disable: bool = False) -> None:
    engine[Layer2].set_feature(interface, UU_FLOOD, not disable)


@command("set interface l2 arp-term", "<interface> [disable]", help="Answer an interface's ARP requests here, or not")
def set_interface_l2_arp_term(engine: Engine, interface: Interface, disable: bool = False) -> None:
    engine[Layer2].set_feature(interface, ARP_TERM, not disable)


OPERATIONS = {(each.pop, each.push): each for each in Operation}


@command(
    "set interface l2 tag-rewrite",
    "<interface> ( disable | pop <pop:1-2> | push (dot1q | dot1ad) <vlan:0-4094> [<inner:0-4094>]"
    " | translate <translate:1-1|1-2|2-1|2-2> (dot1q | dot1ad) <vlan:0-4094> [<inner:0-4094>] )",
    help="Take tags off an interface's packets, and put tags on; the opposite when packets leave",
)
def set_interface_l2_tag_rewrite(
    engine: Engine,
    interface: Interface,
    disable: bool = False,
    pop: int = 0,
    push: bool = False,
    translate: str = "",
    dot1q: bool = False,
    dot1ad: bool = False,
    vlan: int | None = None,
    inner: int | None = None,
) -> None:
    vlans = tuple(each for each in (vlan, inner) if each is not None)
    if disable:
        engine[Layer2].set_rewrite(interface, None)
        return
    if translate:
        pop, wanted = int(translate[0]), int(translate[2])
        if wanted != len(vlans):
            raise Invalid(f"translate {translate} needs {wanted} tag{'s' if wanted > 1 else ''}, not {len(vlans)}")
    engine[Layer2].set_rewrite(interface, TagRewrite(OPERATIONS[pop, len(vlans)], vlans, dot1ad))
