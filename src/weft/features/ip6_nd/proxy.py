"""For whom solicitations are answered here though he is on another link (RFC 4389): hosts that the user has named, and
on interfaces that say so whoever is elsewhere.
"""

from __future__ import annotations

from weft.core import arena
from weft.core.graph import MAX_INTERFACES
from weft.core.node import routine
from weft.core.view import u8
from weft.features.fib.load_balance import DROPS, LOCAL, MAX_ROUTES, leaves_by, length_of, route_balance
from weft.features.ip6.header import Ip6Address, is_link_local
from weft.features.ip6.own import interfaces6, is_on_link
from weft.features.ip6.trie import lookup

#: By route: its host is answered for.
proxied_routes = arena.table("nd-proxied-routes", u8, MAX_ROUTES)
#: By sw_if_index: whoever is elsewhere is answered for.
proxying = arena.table("nd-proxying", u8, MAX_INTERFACES)

HOST = 128  #: bits of a host's prefix


@routine
def is_proxied(sw_if_index: int, address: Ip6Address) -> int:
    """Whether an interface answers for an address, which is to be reached by another one."""
    if is_link_local(address):
        return 0
    route = lookup(interfaces6[sw_if_index].fib_index, address)
    elsewhere = (leaves_by(route) != sw_if_index) & (route_balance(route).flags & (DROPS | LOCAL) == 0)
    return elsewhere & (proxied_routes[route] | proxying[sw_if_index])


@routine
def is_behind(sw_if_index: int, address: Ip6Address) -> int:
    """Whether a host that may have this address is behind the interface: on its link, or as a route of its own says."""
    if is_on_link(sw_if_index, address):
        return 1
    route = lookup(interfaces6[sw_if_index].fib_index, address)
    balance = route_balance(route)
    here = (length_of[route] == HOST) & (balance.sw_if_index == sw_if_index)
    return here & (balance.flags & (DROPS | LOCAL) == 0)
