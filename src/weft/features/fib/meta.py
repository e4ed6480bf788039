"""What the nodes of IPv4 and IPv6 tell one another about a packet."""

from __future__ import annotations

from weft.core.view import View, u8, u32

#: ``IpMeta.fib_index``: the table of the interface that the packet came in by.
BY_INTERFACE = 0xFFFFFFFF


class IpMeta(View):
    """In ``pkt.opaque`` from ``ip4-input``, or whoever starts a packet at ``ip4-lookup``, to the output node."""

    adj_index: u32  # after a lookup: the adjacency, the receive record, or what else the next node knows by number
    fib_index: u32  # the table to look in; BY_INTERFACE if the maker of the packet does not care
    flow_hash: u32
    rewrite_length: u8  # after ip4-rewrite: bytes of the header that it has put in front
    flags: u8
    protocol: u8  # in packets to this machine: what the IPv6 packet carries, behind all extension headers
    pad: u8
