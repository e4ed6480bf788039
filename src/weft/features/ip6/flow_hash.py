"""The flow hash: what of a packet chooses among several paths, by table."""

from __future__ import annotations

from weft.core import arena
from weft.core.buffer import Buffer
from weft.core.graph import MAX_INTERFACES
from weft.core.memory import mix
from weft.core.node import inline, routine
from weft.core.view import View, be16, u32
from weft.features.ip.flow_hash import router
from weft.features.ip.ply import MAX_FIBS
from weft.features.ip6.header import FLOW_LABEL, MINIMUM, TCP, UDP, Ip6Address, Ip6Header

#: By table, link-local ones behind the others: what of a packet counts, as ``FlowHash``.
flow_hashes = arena.table("ip6-flow-hashes", u32, MAX_FIBS + MAX_INTERFACES)

SCTP = 132

# Plain numbers for packet code.
_SRC, _DST, _SPORT, _DPORT = 1, 2, 4, 8
_PROTO, _REVERSE, _SYMMETRIC, _FLOWLABEL = 16, 32, 64, 128


class Ports(View):
    """What TCP, UDP and SCTP begin with."""

    source: be16
    destination: be16


PORTS = Ports.size


@inline
def mixed(address: Ip6Address) -> int:
    """An address as 32 bits."""
    return mix(mix(address.high) << 32 ^ address.low)


@routine
def flow_hash(pkt: Buffer, wanted: int) -> int:
    """The hash of the IPv6 packet that starts where the buffer does; not 0."""
    return hash_of(Ip6Header(pkt.data), pkt.current_length, wanted)


@inline
def hash_of(ip: Ip6Header, available: int, wanted: int) -> int:
    """The hash of an IPv6 packet of which so many bytes are there, a header at least. Behind extension headers no ports
    are looked for, so all fragments go the same way.
    """
    source = mixed(ip.source) if wanted & _SRC else 0
    destination = mixed(ip.destination) if wanted & _DST else 0
    sport = 0
    dport = 0
    protocol = ip.next_header
    ported = (protocol == TCP) | (protocol == UDP) | (protocol == SCTP)
    if ported and available >= MINIMUM + PORTS:
        ports = Ports(ip.address + MINIMUM)
        sport = ports.source if wanted & _SPORT else 0
        dport = ports.destination if wanted & _DPORT else 0
    if wanted & _PROTO == 0:
        protocol = 0
    label = ip.first & FLOW_LABEL if wanted & _FLOWLABEL else 0
    backwards = wanted & _REVERSE != 0
    if wanted & _SYMMETRIC:
        backwards = (source << 16 | sport) > (destination << 16 | dport)
    if backwards:
        source, destination = destination, source
        sport, dport = dport, sport
    rest = (sport << 16 | dport) ^ protocol ^ router.id
    hash = mix(mix(source << 32 | destination) << 32 | rest)
    return mix(hash << 32 | label) | 1 << 31
