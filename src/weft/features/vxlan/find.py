"""Which tunnel a packet comes out of: by both ends, UDP port, table and VNI."""

from __future__ import annotations

from weft.core import arena
from weft.core.buffer import Buffer
from weft.core.node import inline, routine
from weft.core.runtime import MAX_THREADS, Worker
from weft.core.table import lookup
from weft.core.view import Array, View, times, u32
from weft.features.ip.lookup import MOST_LOOKUPS
from weft.features.ip4.header import Ip4Header
from weft.features.ip4.input import MULTICAST
from weft.features.ip4.lookup import table_of as table_of4
from weft.features.ip6.header import Ip6Address, Ip6Header, is_multicast
from weft.features.ip6.lookup import table_of as table_of6
from weft.features.vxlan.header import Outer4, Outer6
from weft.features.vxlan.layout import MAX_TUNNELS, ends_of, ident_of, key4, key6, tunnels, tunnels4, tunnels6

NONE = 0  #: no tunnel
GROUP_SHIFT = 16  #: above a tunnel's number, the number of the group's tunnel that the packet was sent to, if it was
KNOWN = 1 << 7  #: in IpMeta.flags: what has been found is in ``adj_index``

assert MAX_TUNNELS <= 1 << GROUP_SHIFT and MOST_LOOKUPS < KNOWN


class LastTunnels(View):
    """Where a worker's last packet came out, which is where its next one is looked for first: packets of a tunnel often
    come one after the other. Whether it belongs there, the tunnel itself says, as it does of what the hash table has.
    """

    over4: u32
    over6: u32
    pad: Array[u32] = times(14)


last_tunnels = arena.table("vxlan-last-tunnels", LastTunnels, MAX_THREADS)


@inline
def find4(worker: Worker, pkt: Buffer, ip: Ip4Header, port: int, vni_reserved: int) -> int:
    """The number of the tunnel that a packet over IPv4 belongs to; NONE; or with the group's, see GROUP_SHIFT."""
    ident = ident_of(table_of4(pkt), port, vni_reserved)
    ends = ip.ends
    last = last_tunnels[worker.index]
    index = last.over4
    tunnel = tunnels[index]
    if (tunnel.ident == ident) & (tunnel.ends == ends):
        return index
    return search4(last, ident, ip)


@routine
def search4(last: LastTunnels, ident: int, ip: Ip4Header) -> int:
    """The same for packets of another tunnel than the last one's, and for those to groups."""
    if ip.destination >> 28 != MULTICAST:
        last.over4 = walk4(lookup(tunnels4, key4(ident, ip.ends), NONE), ident, ip.ends)
        return last.over4
    to_group = ends_of(ip.destination, 0)
    group = walk4(lookup(tunnels4, key4(ident, to_group), NONE), ident, to_group)
    if group == NONE:
        return NONE
    ends = ends_of(Outer4(tunnels[group].template).ip.source, ip.source)
    index = walk4(lookup(tunnels4, key4(ident, ends), NONE), ident, ends)
    return NONE if index == NONE else group << GROUP_SHIFT | index


@inline
def walk4(index: int, ident: int, ends: int) -> int:
    """The tunnel among those with the same key."""
    while index != NONE and (tunnels[index].ident != ident or tunnels[index].ends != ends):
        index = tunnels[index].next
    return index


@inline
def find6(worker: Worker, pkt: Buffer, ip: Ip6Header, port: int, vni_reserved: int) -> int:
    """The number of the tunnel that a packet over IPv6 belongs to, likewise."""
    ident = ident_of(table_of6(pkt), port, vni_reserved)
    local, remote = ip.destination, ip.source
    last = last_tunnels[worker.index]
    index = last.over6
    if is_that6(index, ident, local, remote.high, remote.low):
        return index
    return search6(last, ident, ip)


@inline
def is_that6(index: int, ident: int, local: Ip6Address, remote_high: int, remote_low: int) -> int:
    tunnel = tunnels[index]
    same_local = (tunnel.local.high == local.high) & (tunnel.local.low == local.low)
    same_remote = (tunnel.remote.high == remote_high) & (tunnel.remote.low == remote_low)
    return (tunnel.ident == ident) & same_local & same_remote


@routine
def search6(last: LastTunnels, ident: int, ip: Ip6Header) -> int:
    """The same for packets of another tunnel than the last one's, and for those to groups."""
    source = ip.source
    if is_multicast(ip.destination) == 0:
        last.over6 = look6(ident, ip.destination, source.high, source.low)
        return last.over6
    group = look6(ident, ip.destination, 0, 0)
    if group == NONE:
        return NONE
    index = look6(ident, Outer6(tunnels[group].template).ip.source, source.high, source.low)
    return NONE if index == NONE else group << GROUP_SHIFT | index


@inline
def look6(ident: int, local: Ip6Address, remote_high: int, remote_low: int) -> int:
    """The tunnel between these ends."""
    first = lookup(tunnels6, key6(ident, local.high, local.low, remote_high, remote_low), NONE)
    return walk6(first, ident, local, remote_high, remote_low)


@inline
def walk6(index: int, ident: int, local: Ip6Address, remote_high: int, remote_low: int) -> int:
    """The tunnel among those with the same key."""
    while index != NONE and is_that6(index, ident, local, remote_high, remote_low) == 0:
        index = tunnels[index].next
    return index
