"""What ``show vxlan tunnel`` says, in VPP's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.features.vxlan.decap import InputNext
from weft.features.vxlan.model import Record, Tunnels

if TYPE_CHECKING:
    from weft.core.engine import Engine


def tunnel_line(engine: Engine, record: Record) -> str:
    """``[0] instance 0 src 10.0.0.1 dst 10.0.0.2 src_port 4789 dst_port 4789 vni 13 fib-idx 0 ...``"""
    ends = record.ends
    line = (
        f"[{record.index - 1}] instance {record.instance} src {ends.local} dst {ends.remote} src_port {ends.port} "
        f"dst_port {record.dst_port} vni {ends.vni} fib-idx {ends.fib_index} "
        f"sw-if-idx {record.interface.sw_if_index} encap-dpo-idx {engine[Tunnels].way_index(record)}"
    )
    way_out = record.row.decap_next
    if way_out != InputNext.L2:
        line += " decap-next-drop" if way_out == InputNext.DROP else f" decap-next-index {way_out}"
    if record.group_interface is not None:
        line += f" mcast-sw-if-idx {record.group_interface.sw_if_index}"
    return line


def raw_lines(engine: Engine) -> list[str]:
    """The hash tables that packets are looked up in."""
    lines = []
    for title, version in (("IPv4", 4), ("IPv6", 6)):
        table = engine[Tunnels].table(version)
        lines += [f"Raw {title} Hash Table:", *table.describe()]
        lines += [f"  key {key & 0xFFFFFFFFFFFFFFFF:016x} tunnel [{index - 1}]" for key, index in sorted(table.items())]
    return lines
