"""A feature on each arc of IPv4, for the tests: it counts what it sees."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.graph import feature, next_feature
from weft.core.node import Errors, Severity, node
from weft.core.runtime import NodeRuntime
from weft.features.ethernet.model import EthernetHeader
from weft.features.fib.model import IpMeta
from weft.features.ip4.model import arcs

ARCS = ("ip4-unicast", "ip4-output", "ip4-local", "ip4-drop", "ip4-punt")


class UnicastSeen(Errors, of="test-ip4-unicast"):
    SEEN = "packets seen", Severity.INFO


class OutputSeen(Errors, of="test-ip4-output"):
    SEEN = "packets seen", Severity.INFO
    HEADER = "headers in front", Severity.INFO


class LocalSeen(Errors, of="test-ip4-local"):
    SEEN = "packets seen", Severity.INFO


class DropSeen(Errors, of="test-ip4-drop"):
    SEEN = "packets seen", Severity.INFO


class PuntSeen(Errors, of="test-ip4-punt"):
    SEEN = "packets seen", Severity.INFO


@node("test-ip4-unicast")
def see_unicast(rt: NodeRuntime, pkt: Buffer) -> int:
    rt.count(UnicastSeen.SEEN, 1)
    return next_feature(pkt)


@node("test-ip4-output")
def see_output(rt: NodeRuntime, pkt: Buffer) -> int:
    rt.count(OutputSeen.SEEN, 1)
    if IpMeta(pkt.opaque).rewrite_length == 14 and EthernetHeader(pkt.data).ethertype == 0x0800:
        rt.count(OutputSeen.HEADER, 1)
    return next_feature(pkt)


@node("test-ip4-local")
def see_local(rt: NodeRuntime, pkt: Buffer) -> int:
    rt.count(LocalSeen.SEEN, 1)
    return next_feature(pkt)


@node("test-ip4-drop")
def see_drop(rt: NodeRuntime, pkt: Buffer) -> int:
    rt.count(DropSeen.SEEN, 1)
    return next_feature(pkt)


@node("test-ip4-punt")
def see_punt(rt: NodeRuntime, pkt: Buffer) -> int:
    rt.count(PuntSeen.SEEN, 1)
    return next_feature(pkt)


for _arc in ARCS:
    feature(_arc, f"test-{_arc}", before=(arcs.NOT_ENABLED,))
