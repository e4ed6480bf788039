"""The feature arcs of IPv6, as VPP's."""

from __future__ import annotations

from weft.core.graph import arc, feature

#: Packets that have come in, before the lookup.
unicast = arc("ip6-unicast", end="ip6-lookup")
multicast = arc("ip6-multicast", end="ip6-mfib-forward-lookup")
#: Packets that leave, with their new Ethernet header in front (``IpMeta.rewrite_length`` bytes).
output = arc("ip6-output", end="interface-output")
#: Packets to this machine that have been checked.
local = arc("ip6-local", end="ip6-local-end-of-arc")
punted = arc("ip6-punt", end="error-punt")
dropped = arc("ip6-drop", end="error-drop")

#: On all interfaces that have no IPv6. It is the last, so that features see the packets before.
NOT_ENABLED = "ip6-not-enabled"
RECEIVING = ("ip6-unicast", "ip6-multicast")

for _name in RECEIVING:
    feature(_name, NOT_ENABLED)
