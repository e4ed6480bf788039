"""Detailed counters: unicast, multicast and broadcast apart, on interfaces where ``stats-collect`` is enabled."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.graph import feature, next_feature
from weft.core.node import node
from weft.core.runtime import NodeRuntime
from weft.features.ethernet.header import GROUP, HEADER, EthernetHeader
from weft.features.interface.address import BROADCAST
from weft.features.interface.model import (
    rx_broadcast,
    rx_multicast,
    rx_unicast,
    tx_broadcast,
    tx_multicast,
    tx_unicast,
)


@node("stats-collect-rx")
def stats_collect_rx(rt: NodeRuntime, pkt: Buffer) -> int:
    """Count a received frame by the kind of its destination."""
    if pkt.current_length >= HEADER:
        destination = EthernetHeader(pkt.data).destination
        if destination & GROUP == 0:
            rx_unicast.add(rt.worker, pkt.rx_sw_if_index, 1, pkt.total_length)
        elif destination == BROADCAST:
            rx_broadcast.add(rt.worker, pkt.rx_sw_if_index, 1, pkt.total_length)
        else:
            rx_multicast.add(rt.worker, pkt.rx_sw_if_index, 1, pkt.total_length)
    return next_feature(pkt)


@node("stats-collect-tx")
def stats_collect_tx(rt: NodeRuntime, pkt: Buffer) -> int:
    """Count a frame that leaves by the kind of its destination."""
    if pkt.current_length >= HEADER:
        destination = EthernetHeader(pkt.data).destination
        if destination & GROUP == 0:
            tx_unicast.add(rt.worker, pkt.tx_sw_if_index, 1, pkt.total_length)
        elif destination == BROADCAST:
            tx_broadcast.add(rt.worker, pkt.tx_sw_if_index, 1, pkt.total_length)
        else:
            tx_multicast.add(rt.worker, pkt.tx_sw_if_index, 1, pkt.total_length)
    return next_feature(pkt)


feature("device-input", "stats-collect-rx")
feature("interface-output", "stats-collect-tx")
