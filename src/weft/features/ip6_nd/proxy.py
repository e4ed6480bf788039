"""Addresses of others for which solicitations are answered here (RFC 4389), by interface."""

from __future__ import annotations

from weft.core import arena
from weft.core.graph import MAX_INTERFACES
from weft.core.node import routine
from weft.core.view import Array, View, i64, times
from weft.features.ip6.header import Ip6Address, same


class Proxies(View):
    """The addresses that an interface answers for."""

    count: i64
    addresses: Array[Ip6Address] = times(0)


#: By sw_if_index, the addresses of blocks; 0: none.
proxies = arena.table("nd-proxies", i64, MAX_INTERFACES)


@routine
def is_proxied(sw_if_index: int, address: Ip6Address) -> int:
    """Whether an interface answers for an address."""
    block = Proxies(proxies[sw_if_index])
    if block.address == 0:
        return 0
    for i in range(block.count):
        if same(block.addresses[i], address):
            return 1
    return 0
