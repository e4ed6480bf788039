"""Mirrors as packet code sees them."""

from __future__ import annotations

from weft.core import arena
from weft.core.graph import MAX_INTERFACES
from weft.core.view import Array, Ref, View, i64, times, u32


class Destinations(View):
    """Where copies go."""

    count: i64
    sw_if_indices: Array[u32] = times(0)


class Mirrors(View):
    """Those of one interface; 0: none."""

    device_rx: Ref[Destinations]
    device_tx: Ref[Destinations]
    l2_rx: Ref[Destinations]
    l2_tx: Ref[Destinations]


mirrors = arena.table("span-mirrors", Mirrors, MAX_INTERFACES)
