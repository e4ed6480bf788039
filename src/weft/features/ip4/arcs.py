"""The feature arcs of IPv4, as VPP's."""

from __future__ import annotations

from weft.core.graph import arc, feature

#: Packets that have come in, before the lookup.
unicast = arc("ip4-unicast", end="ip4-lookup")
multicast = arc("ip4-multicast", end="ip4-mfib-forward-lookup")
#: Packets that leave, with their new Ethernet header in front (``IpMeta.rewrite_length`` bytes).
output = arc("ip4-output", end="interface-output")
#: Packets to this machine that have been checked.
local = arc("ip4-local", end="ip4-local-end-of-arc")
punted = arc("ip4-punt", end="error-punt")
dropped = arc("ip4-drop", end="error-drop")

#: On all interfaces that have no IPv4. It is the last, so that features see the packets before.
NOT_ENABLED = "ip4-not-enabled"
RECEIVING = ("ip4-unicast", "ip4-multicast")

for _name in RECEIVING:
    feature(_name, NOT_ENABLED)
