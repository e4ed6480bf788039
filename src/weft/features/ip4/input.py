"""ip4-input: checks that need the packet alone (RFC 1812 5.2.2), and what is done with packets that are special."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.node import Nexts, Per, inline, node, routine
from weft.core.runtime import NodeRuntime
from weft.core.table import lookup
from weft.core.view import View, i64
from weft.features.icmp.model import TIME_EXCEEDED, TTL_EXCEEDED, icmp_error
from weft.features.interface.model import ip4_packets
from weft.features.ip4 import arcs
from weft.features.ip4.checksum import checksum, is_header_good
from weft.features.ip4.errors import Ip4Error
from weft.features.ip4.format import trace_forwarded, trace_ip4
from weft.features.ip4.groups import group_key4, groups4
from weft.features.ip4.header import FRAGMENT_OFFSET, MINIMUM, VERSION_IHL, Ip4Header
from weft.features.ip4.interfaces import interfaces4

unicast, multicast = arcs.unicast, arcs.multicast
NOT_IN_IT = 0
MULTICAST = 0xE  #: the first four bits of group addresses (RFC 5771)


class InputNext(Nexts):
    LOOKUP = "ip4-lookup"
    MULTICAST = "ip4-mfib-forward-lookup"
    OPTIONS = "ip4-options"
    ICMP_ERROR = "ip4-icmp-error"
    DROP = "ip4-drop"


class MetaWords(View):
    """IpMeta as it is cleared."""

    adj_and_fib: i64
    rest: i64


@node("ip4-input", next=InputNext, trace=trace_ip4, per=Per.RX)
def ip4_input(rt: NodeRuntime, pkt: Buffer) -> int:
    """Take packets for single hosts whose header has nothing unusual at once; ``judge`` sees to all others."""
    sw_if_index = pkt.rx_sw_if_index
    ip4_packets.add(rt.worker, sw_if_index, 1)
    fib_index = interfaces4[sw_if_index].fib_index
    meta = MetaWords(pkt.opaque)
    meta.adj_and_fib = fib_index << 32
    meta.rest = 0
    ip = Ip4Header(pkt.data)
    length = ip.total_length
    destination = ip.destination
    fine = (ip.version_ihl == VERSION_IHL) & (ip.ttl != 0) & (length >= MINIMUM) & (length <= pkt.current_length)
    if fine & is_header_good(ip) & (destination >> 28 != MULTICAST) & (ip.fragment & FRAGMENT_OFFSET != 1):
        return unicast.start(pkt, sw_if_index, InputNext.LOOKUP)
    return judge(pkt)


@routine
def judge(pkt: Buffer) -> int:
    """Where a packet goes, whatever is the matter with it: each check in its turn."""
    if pkt.current_length < MINIMUM:
        return pkt.fail(Ip4Error.TOO_SHORT, InputNext.DROP)
    ip = Ip4Header(pkt.data)
    header = ip.header_length
    if ip.version_ihl >> 4 != 4:
        return pkt.fail(Ip4Error.VERSION, InputNext.DROP)
    if header < MINIMUM:
        return pkt.fail(Ip4Error.HDR_TOO_SHORT, InputNext.DROP)
    if header > pkt.current_length or ip.total_length > pkt.total_length:
        return pkt.fail(Ip4Error.BAD_LENGTH, InputNext.DROP)
    if ip.total_length < header:
        return pkt.fail(Ip4Error.TOO_SHORT, InputNext.DROP)
    if checksum(ip.address, header) != 0:
        return pkt.fail(Ip4Error.BAD_CHECKSUM, InputNext.DROP)
    if ip.fragment & FRAGMENT_OFFSET == 1:
        return pkt.fail(Ip4Error.FRAGMENT_OFFSET_ONE, InputNext.DROP)
    if ip.ttl == 0:
        icmp_error(pkt, TIME_EXCEEDED, TTL_EXCEEDED, 0)
        return pkt.fail(Ip4Error.TIME_EXPIRED, InputNext.ICMP_ERROR)
    if header > MINIMUM:
        return pkt.fail(Ip4Error.OPTIONS, InputNext.OPTIONS)
    if ip.destination >> 28 == MULTICAST:
        return multicast.start(pkt, pkt.rx_sw_if_index, InputNext.MULTICAST)
    return unicast.start(pkt, pkt.rx_sw_if_index, InputNext.LOOKUP)


class OptionsNext(Nexts):
    PUNT = "ip4-punt"
    LOCAL = "ip4-local"


class Option(View):
    """The beginning of the first option."""

    type: i64


IGMP = 2
ROUTER_ALERT = 0x0494  #: type 148 and length 4, as they stand in memory (RFC 2113)


@inline
def first_option(ip: Ip4Header) -> int:
    return Option(ip.options).type & 0xFFFF


@node("ip4-options", next=OptionsNext, trace=trace_ip4)
def ip4_options(rt: NodeRuntime, pkt: Buffer) -> int:
    """Packets with options are not forwarded. IGMP with a router alert is for this machine."""
    ip = Ip4Header(pkt.data)
    if ip.protocol == IGMP and first_option(ip) == ROUTER_ALERT:
        return OptionsNext.LOCAL
    return OptionsNext.PUNT


class NotEnabledNext(Nexts):
    DROP = "error-drop"


@node("ip4-not-enabled", next=NotEnabledNext, trace=trace_forwarded)
def ip4_not_enabled(rt: NodeRuntime, pkt: Buffer) -> int:
    """An interface without an address takes no IPv4 packets."""
    return NotEnabledNext.DROP


class MulticastNext(Nexts):
    LOCAL = "ip4-receive"
    DROP = "ip4-drop"


@node("ip4-mfib-forward-lookup", next=MulticastNext, trace=trace_forwarded)
def ip4_mfib_forward_lookup(rt: NodeRuntime, pkt: Buffer) -> int:
    """Take what is for groups that this machine is in. No group is forwarded."""
    if lookup(groups4, group_key4(pkt.rx_sw_if_index, Ip4Header(pkt.data).destination), NOT_IN_IT):
        return MulticastNext.LOCAL
    return pkt.fail(Ip4Error.RPF_FAILURE, MulticastNext.DROP)
