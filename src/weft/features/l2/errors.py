"""What layer 2 counts, in VPP's words."""

from __future__ import annotations

from weft.core.node import Errors, Severity


class InputError(Errors, of="l2-input"):
    L2INPUT = "L2 input packets"
    DROP = "L2 input drops"


class RewriteError(Errors, of="l2-input-vtr"):
    DROP = "L2 input tag rewrite drops"


class LearnError(Errors, of="l2-learn"):
    L2LEARN = "L2 learn packets"
    MISS = "L2 learn misses"
    MAC_MOVE = "L2 mac moves"
    MAC_MOVE_VIOLATE = "L2 mac move violations"
    LIMIT = "L2 not learned due to limit"
    HIT_UPDATE = "L2 learn hit updates"
    FILTER_DROP = "L2 filter mac drops"


class ForwardError(Errors, of="l2-fwd"):
    FLOOD = "L2 forward misses"
    BVI_BAD_MAC = "BVI L3 MAC mismatch"
    BVI_ETHERTYPE = "BVI packet with unhandled ethertype"
    FILTER_DROP = "Filter Mac Drop"
    REFLECT_DROP = "Reflection Drop"
    STALE_DROP = "Stale entry Drop"


class FloodError(Errors, of="l2-flood"):
    L2FLOOD = "L2 flood packets"
    REPLICATION_FAILED = "L2 replication failures"
    NO_MEMBERS = "L2 replication complete"
    BVI_BAD_MAC = "BVI L3 mac mismatch"
    BVI_ETHERTYPE = "BVI packet with unhandled ethertype"


class UnknownUnicastError(Errors, of="l2-uu-fwd"):
    L2_UU_FWD = "L2 UU-forward packets", Severity.INFO


class OutputError(Errors, of="l2-output"):
    L2OUTPUT = "L2 output packets"
    VTR_DROP = "L2 output tag rewrite drops"
    SHG_DROP = "L2 split horizon drops"
    MAPPING_DROP = "L2 Output interface not valid"


class BitmapError(Errors, of="feature-bitmap-drop"):
    NO_FORWARDING = "L2 feature forwarding disabled"


class ArpTermError(Errors, of="arp-term-l2bd"):
    REPLIES_SENT = "ARP replies sent", Severity.INFO
    L2_TYPE_NOT_ETHERNET = "L2 type not ethernet"
    L3_TYPE_NOT_IP4 = "L3 type not IP4"
    L3_SRC_ADDRESS_NOT_LOCAL = "IP4 source address not local to subnet"
    L2_ADDRESS_MISMATCH = "ARP hw addr does not match L2 frame src addr"
    TOO_SHORT = "ARP packet too short"
