"""Why frames are dropped, in VPP's words."""

from __future__ import annotations

from weft.core.node import Errors


class EthernetError(Errors, of="ethernet-input"):
    BAD_LLC_LENGTH = "llc length > packet length"
    UNKNOWN_TYPE = "unknown ethernet type"
    UNKNOWN_VLAN = "unknown vlan"
    L3_MAC_MISMATCH = "l3 mac mismatch"
    DOWN = "subinterface down"
    PUNTED = "interface punts all packets"
    TOO_SHORT = "l2 too short"
