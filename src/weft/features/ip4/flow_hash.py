"""The flow hash: what of a packet chooses among several paths, by table."""

from __future__ import annotations

from weft.core import arena
from weft.core.buffer import Buffer
from weft.core.memory import mix
from weft.core.node import inline, routine
from weft.core.view import View, be16, u32
from weft.features.ip.flow_hash import router
from weft.features.ip.ply import MAX_FIBS
from weft.features.ip4.header import FRAGMENT_OFFSET, MORE_FRAGMENTS, Ip4Header

flow_hashes = arena.table("ip4-flow-hashes", u32, MAX_FIBS)

TCP, UDP, SCTP = 6, 17, 132

# Plain numbers for packet code.
_SRC, _DST, _SPORT, _DPORT = 1, 2, 4, 8
_PROTO, _REVERSE, _SYMMETRIC = 16, 32, 64


class Ports(View):
    """What TCP, UDP and SCTP begin with."""

    source: be16
    destination: be16


PORTS = Ports.size


@routine
def flow_hash(pkt: Buffer, wanted: int) -> int:
    """The hash of the IPv4 packet that starts where the buffer does; not 0."""
    return hash_of(Ip4Header(pkt.data), pkt.current_length, wanted)


@inline
def hash_of(ip: Ip4Header, available: int, wanted: int) -> int:
    """The hash of an IPv4 packet of which so many bytes are there, a header at least. Fragments have no ports: all of
    a datagram go the same way.
    """
    source = ip.source if wanted & _SRC else 0
    destination = ip.destination if wanted & _DST else 0
    header = ip.header_length
    sport = 0
    dport = 0
    protocol = ip.protocol
    ported = protocol in (UDP, TCP, SCTP)
    whole = ip.fragment & (FRAGMENT_OFFSET | MORE_FRAGMENTS) == 0
    if ported and whole and available >= header + PORTS:
        ports = Ports(ip.address + header)
        sport = ports.source if wanted & _SPORT else 0
        dport = ports.destination if wanted & _DPORT else 0
    if wanted & _PROTO == 0:
        protocol = 0
    backwards = wanted & _REVERSE != 0
    if wanted & _SYMMETRIC:
        backwards = (source << 16 | sport) > (destination << 16 | dport)
    if backwards:
        source, destination = destination, source
        sport, dport = dport, sport
    rest = (sport << 16 | dport) ^ protocol ^ router.id
    return mix(mix(source << 32 | destination) << 32 | rest) | 1 << 31
