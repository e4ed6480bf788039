"""Tunnels as packet code sees them."""

from __future__ import annotations

from weft.core import arena
from weft.core.memory import wrap
from weft.core.node import inline
from weft.core.table import HashTable, hash_of
from weft.core.view import Bytes, View, i64, times, u32
from weft.features.ip6.header import Ip6Address
from weft.features.vxlan.header import OUTER6

MAX_TUNNELS = 1 << 16

# Tunnel.flags
UP = 1 << 0
BY_VERSION = 1 << 1  #: what comes out goes to IPv4 or IPv6, whichever it is


class Tunnel(View):
    """A tunnel. The first cache line is for what comes in, the second for what goes out. Number 0 is none."""

    next: u32  # another tunnel with the same key in the hash table; 0: none
    sw_if_index: u32
    decap_next: u32  # the input node's way out
    flags: u32
    ident: i64  # see ``ident_of``
    ends: i64  # over IPv4: see ``ends_of``
    local: Ip6Address  # over IPv6; a group's tunnel has the group here
    remote: Ip6Address  # and 0 here
    way: i64  # where packets go then, as in a load-balance
    template: Bytes = times(OUTER6)  # the headers


WAY = Tunnel.fields["way"].offset

assert Tunnel.size == 128 and WAY == 64

tunnels = arena.table("vxlan-tunnels", Tunnel, MAX_TUNNELS)
#: Hashes of what tells a tunnel -> its number.
tunnels4 = arena.root("vxlan4-tunnels", HashTable)
tunnels6 = arena.root("vxlan6-tunnels", HashTable)

FIB_SHIFT = 48


@inline
def ident_of(fib_index: int, port: int, vni_reserved: int) -> int:
    """What beside its ends tells a tunnel: its table, its UDP port, its VNI with the reserved byte behind it."""
    return fib_index << FIB_SHIFT | port << 32 | vni_reserved


@inline
def ends_of(local: int, remote: int) -> int:
    """Both IPv4 addresses, as in a header of a packet that comes in; a group's tunnel has the group as the local one, 0
    as the remote one.
    """
    return wrap(remote << 32 | local)


@inline
def key4(ident: int, ends: int) -> int:
    """Where ``tunnels4`` has it."""
    return wrap(hash_of(ends) ^ ident) | 1


@inline
def key6(ident: int, local_high: int, local_low: int, remote_high: int, remote_low: int) -> int:
    """Where ``tunnels6`` has it."""
    local = hash_of(local_high ^ hash_of(local_low))
    return hash_of(remote_high ^ hash_of(wrap(remote_low + local) ^ ident)) | 1
