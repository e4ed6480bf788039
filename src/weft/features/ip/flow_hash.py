"""The flow hash: which parts of a packet choose among several paths."""

from __future__ import annotations

import enum

from weft.core import arena
from weft.core.view import View, u32


class Router(View):
    """What tells this router's choices from others'."""

    id: u32  # in all flow hashes


router = arena.root("ip-flow-hash-router", Router)


class FlowHash(enum.IntFlag):
    """Parts of a packet, in VPP's order."""

    SRC = 1 << 0
    DST = 1 << 1
    SPORT = 1 << 2
    DPORT = 1 << 3
    PROTO = 1 << 4
    REVERSE = 1 << 5  #: both directions of a flow give the same
    SYMMETRIC = 1 << 6
    FLOWLABEL = 1 << 7


#: As VPP: ``src dst sport dport proto flowlabel``.
DEFAULT = FlowHash.SRC | FlowHash.DST | FlowHash.SPORT | FlowHash.DPORT | FlowHash.PROTO | FlowHash.FLOWLABEL
