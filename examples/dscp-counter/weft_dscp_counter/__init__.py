"""A feature in a package of its own: counts IPv4 packets by their DSCP (RFC 2474) on interfaces where it is enabled."""

from __future__ import annotations

from weft import Engine
from weft.core.buffer import Buffer
from weft.core.cli import command
from weft.core.counters import combined
from weft.core.graph import feature, next_feature
from weft.core.node import Nexts, node
from weft.core.runtime import NodeRuntime
from weft.features.interface.model import Interface
from weft.features.ip4.model import Ip4Header

CODE_POINTS = 64
#: Packets and bytes by DSCP, all interfaces together.
by_dscp = combined("/dscp-counter", CODE_POINTS)


class CounterNext(Nexts):
    """The node goes on along its arc; packets are never dropped here."""


@node("dscp-counter", next=CounterNext)
def dscp_counter(rt: NodeRuntime, pkt: Buffer) -> int:
    """Count the packet under its DSCP: the upper six bits of what was once the type of service."""
    by_dscp.add(rt.worker, Ip4Header(pkt.data).tos >> 2, 1, pkt.total_length)
    return next_feature(pkt)


feature("ip4-unicast", "dscp-counter")


@command("set dscp-counter", "<interface> [disable]", help="Count an interface's IPv4 packets by DSCP")
def set_dscp_counter(engine: Engine, interface: Interface, disable: bool = False) -> None:
    engine.graph.enable("ip4-unicast", "dscp-counter", interface.sw_if_index, on=not disable)


@command("show dscp-counter", help="IPv4 packets by DSCP, on the interfaces where they are counted")
def show_dscp_counter(engine: Engine) -> str:
    lines = [f"{'DSCP':>4}{'packets':>16}{'bytes':>20}"]
    for code_point in range(CODE_POINTS):
        packets, octets = by_dscp.read(code_point)
        if packets:
            lines.append(f"{code_point:>4}{packets:>16}{octets:>20}")
    return "\n".join(lines)


@command("clear dscp-counter", help="Start counting packets by DSCP anew")
def clear_dscp_counter(engine: Engine) -> None:
    for code_point in range(CODE_POINTS):
        by_dscp.clear(code_point)
