"""ip6-input: checks that need the packet alone (RFC 8200 3, RFC 4291 2.5, 2.7)."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.node import Nexts, Per, node, routine
from weft.core.runtime import NodeRuntime
from weft.core.table import lookup
from weft.core.view import View, i64
from weft.features.icmp.model import icmp_error
from weft.features.icmp6.types import HOP_LIMIT_EXCEEDED, TIME_EXCEEDED
from weft.features.interface.model import ip6_packets
from weft.features.ip6 import arcs
from weft.features.ip6.errors import Ip6Error
from weft.features.ip6.format import trace_forwarded6, trace_ip6
from weft.features.ip6.groups import group_key6, groups6
from weft.features.ip6.header import MINIMUM, Ip6Header, is_multicast
from weft.features.ip6.own import interfaces6

unicast, multicast = arcs.unicast, arcs.multicast


class InputNext(Nexts):
    LOOKUP = "ip6-lookup"
    MULTICAST = "ip6-mfib-forward-lookup"
    ICMP_ERROR = "ip6-icmp-error"
    DROP = "ip6-drop"


class MetaWords(View):
    """IpMeta as it is cleared."""

    adj_and_fib: i64
    rest: i64


@node("ip6-input", next=InputNext, trace=trace_ip6, per=Per.RX)
def ip6_input(rt: NodeRuntime, pkt: Buffer) -> int:
    """Take packets between single hosts at once; ``judge`` sees to all others. (Only addresses of which the upper half
    is 0 are no single host's or mean this machine: ``::`` and ``::1``.)
    """
    sw_if_index = pkt.rx_sw_if_index
    ip6_packets.add(rt.worker, sw_if_index, 1)
    fib_index = interfaces6[sw_if_index].fib_index
    meta = MetaWords(pkt.opaque)
    meta.adj_and_fib = fib_index << 32
    meta.rest = 0
    ip = Ip6Header(pkt.data)
    source, destination = ip.source.high, ip.destination.high
    fine = (ip.version == 6) & (ip.hop_limit != 0) & (ip.total_length <= pkt.current_length)
    if fine & (source != 0) & (destination != 0) & (source >> 56 != -1) & (destination >> 56 != -1):
        return unicast.start(pkt, sw_if_index, InputNext.LOOKUP)
    return judge(pkt)


@routine
def judge(pkt: Buffer) -> int:
    """Where a packet goes, whatever is the matter with it: each check in its turn."""
    if pkt.current_length < MINIMUM:
        return pkt.fail(Ip6Error.TOO_SHORT, InputNext.DROP)
    ip = Ip6Header(pkt.data)
    if ip.version != 6:
        return pkt.fail(Ip6Error.VERSION, InputNext.DROP)
    if ip.total_length > pkt.total_length:
        return pkt.fail(Ip6Error.BAD_LENGTH, InputNext.DROP)
    nobody = (ip.source.high == 0) & (ip.source.low == UNSPECIFIED)
    unheard = nobody & (is_multicast(ip.destination) == 0)
    if unheard | is_multicast(ip.source) | ((ip.source.high == 0) & (ip.source.low == LOOPBACK)):
        return pkt.fail(Ip6Error.BAD_SOURCE, InputNext.DROP)
    if ip.destination.high == 0 and (ip.destination.low == UNSPECIFIED or ip.destination.low == LOOPBACK):
        return pkt.fail(Ip6Error.BAD_DESTINATION, InputNext.DROP)
    if ip.hop_limit == 0:
        icmp_error(pkt, TIME_EXCEEDED, HOP_LIMIT_EXCEEDED, 0)
        return pkt.fail(Ip6Error.TIME_EXPIRED, InputNext.ICMP_ERROR)
    if is_multicast(ip.destination):
        # From nobody, too: who tries whether an address is free (RFC 4862 5.4.2).
        return multicast.start(pkt, pkt.rx_sw_if_index, InputNext.MULTICAST)
    return unicast.start(pkt, pkt.rx_sw_if_index, InputNext.LOOKUP)


UNSPECIFIED, LOOPBACK = 0, 1


class NotEnabledNext(Nexts):
    DROP = "error-drop"


@node("ip6-not-enabled", next=NotEnabledNext, trace=trace_forwarded6)
def ip6_not_enabled(rt: NodeRuntime, pkt: Buffer) -> int:
    """An interface without an address takes no IPv6 packets."""
    return NotEnabledNext.DROP


class MulticastNext(Nexts):
    LOCAL = "ip6-receive"
    DROP = "ip6-drop"


#: The upper half of groups on the link (ff02::/64).
ON_LINK = -0xFE << 48
NOT_IN_IT = 0
ALL_NODES, ALL_ROUTERS, MLD_ROUTERS = 0x1, 0x2, 0x16
SOLICITED_NODE = 0x1FF  #: in ff02::1:ff00:0/104, what is above the last three bytes


@node("ip6-mfib-forward-lookup", next=MulticastNext, trace=trace_forwarded6)
def ip6_mfib_forward_lookup(rt: NodeRuntime, pkt: Buffer) -> int:
    """Take what is for groups on the link that this machine is in (RFC 4291 2.8). No group is forwarded."""
    group = Ip6Header(pkt.data).destination
    low = group.low
    ours = (low == ALL_NODES) | (low == ALL_ROUTERS) | (low == MLD_ROUTERS) | (low >> 24 == SOLICITED_NODE)
    if (group.high == ON_LINK) & ours or lookup(groups6, group_key6(pkt.rx_sw_if_index, group), NOT_IN_IT):
        return MulticastNext.LOCAL
    return pkt.fail(Ip6Error.RPF_FAILURE, MulticastNext.DROP)
