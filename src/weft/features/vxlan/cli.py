"""Commands of VXLAN."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from weft.core.cli import argument, command
from weft.core.model import Invalid
from weft.features.interface.model import Interface
from weft.features.vlib.format import joined
from weft.features.vxlan.decap import InputNext
from weft.features.vxlan.model import Tunnels
from weft.features.vxlan.offload import offload
from weft.features.vxlan.show import raw_lines, tunnel_line

if TYPE_CHECKING:
    from weft.core.engine import Engine

WAYS = [member.node_name for member in InputNext]


@argument("vxlan-decap-node", "where what comes out of a tunnel goes", complete=lambda engine, prefix: WAYS, free=True)
def decap_node(engine: Engine, word: str) -> str:
    """A way out of the input nodes, by name. Others are refused by the model, which says which there are."""
    return word


@command(
    "create vxlan tunnel",
    "( src <src:address> ) ( dst <dst:address> | group <group:address> <mcast:interface> ) ( vni <vni:u32> )"
    " [instance <instance:u32>] [encap-vrf-id <encap-vrf-id:u32>]"
    " [decap-next ( l2 | node <node:vxlan-decap-node> | <next:u32> )]"
    " [src_port <src-port:1-65535>] [dst_port <dst-port:1-65535>] [l3] [del]",
    help="Create or delete a VXLAN tunnel to an address, or to a group by an interface",
)
def create_vxlan_tunnel(
    engine: Engine,
    src: IPv4Address | IPv6Address,
    vni: int,
    dst: IPv4Address | IPv6Address | None = None,
    group: IPv4Address | IPv6Address | None = None,
    mcast: Interface | None = None,
    instance: int | None = None,
    encap_vrf_id: int = 0,
    l2: bool = False,
    node: str | None = None,
    next: int | None = None,
    src_port: int = 0,
    dst_port: int = 0,
    l3: bool = False,
    del_: bool = False,
) -> str | None:
    remote = group or dst
    assert remote is not None
    if group is not None and not group.is_multicast:
        raise Invalid("tunnel group address not multicast")
    if dst is not None and dst.is_multicast:
        raise Invalid("dst address must be unicast; a group is given with its interface: group GROUP INTERFACE")
    if del_:
        engine[Tunnels].delete(src, remote, vni, table_id=encap_vrf_id, src_port=src_port)
        return None
    made = engine[Tunnels].create(
        src,
        remote,
        vni,
        table_id=encap_vrf_id,
        src_port=src_port,
        dst_port=dst_port,
        instance=instance,
        decap_next=int(InputNext.L2) if l2 else node if node is not None else next,
        l3=l3,
        group_interface=mcast,
    )
    return made.name


@command("show vxlan tunnel", "[raw]", help="Show the VXLAN tunnels, and the tables in which packets look for them")
def show_vxlan_tunnel(engine: Engine, raw: bool = False) -> str:
    lines = [tunnel_line(engine, record) for record in engine[Tunnels]] or ["No vxlan tunnels configured..."]
    return joined(lines + (raw_lines(engine) if raw else []))


@command(
    "set interface ip vxlan-bypass",
    "<interface> [del]",
    help="Let VXLAN's datagrams over IPv4 that come in by an interface go to their tunnels at once, or as all others",
)
def set_interface_ip_vxlan_bypass(engine: Engine, interface: Interface, del_: bool = False) -> None:
    engine[Tunnels].set_bypass(interface, 4, not del_)


@command(
    "set interface ip6 vxlan-bypass",
    "<interface> [del]",
    help="Let VXLAN's datagrams over IPv6 that come in by an interface go to their tunnels at once, or as all others",
)
def set_interface_ip6_vxlan_bypass(engine: Engine, interface: Interface, del_: bool = False) -> None:
    engine[Tunnels].set_bypass(interface, 6, not del_)


@command(
    "set flow-offload vxlan",
    "( hw <hw:interface> ) ( rx <rx:interface> ) [del]",
    help="Let a device sort out a tunnel's packets",
)
def set_flow_offload_vxlan(engine: Engine, hw: Interface, rx: Interface, del_: bool = False) -> None:
    offload(engine, hw, rx, not del_)
