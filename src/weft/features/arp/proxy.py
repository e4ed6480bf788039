"""arp-proxy: answers for addresses that the user has named, where that is switched on (RFC 1027)."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.graph import feature, next_feature
from weft.core.node import node, routine
from weft.core.runtime import NodeRuntime
from weft.features.arp.errors import ArpProxyError
from weft.features.arp.input import trace_arp
from weft.features.arp.packet import REQUEST, ArpHeader
from weft.features.arp.reply import answer
from weft.features.arp.table import ArpInterface, ProxyRanges, arp_interfaces, proxy_ranges


@node("arp-proxy", trace=trace_arp)
def arp_proxy(rt: NodeRuntime, pkt: Buffer) -> int:
    """Answer a request that ``arp-reply`` has not, if the address is in one of the ranges."""
    arp = ArpHeader(pkt.data)
    block = ArpInterface(arp_interfaces[pkt.rx_sw_if_index])
    if arp.opcode != REQUEST or block.address == 0 or is_proxied(pkt.rx_sw_if_index, arp.target) == 0:
        return next_feature(pkt)
    rt.count(ArpProxyError.PROXY_ARP_REPLIES_SENT, 1)
    return answer(pkt, block)


@routine
def is_proxied(sw_if_index: int, address: int) -> int:
    """Whether a range of the interface's table has the address."""
    block = ProxyRanges(proxy_ranges[sw_if_index])
    if block.address == 0:
        return 0
    for i in range(block.count):
        if block.ranges[i].low <= address and address <= block.ranges[i].high:
            return 1
    return 0


feature("arp", "arp-proxy", after=("arp-reply",))
