"""What the nodes of ARP count, in VPP's words."""

from __future__ import annotations

from weft.core.node import Errors, Severity


class ArpInputError(Errors, of="arp-input", named=True):
    TOO_SHORT = "ARP packet too short"
    L2_TYPE_NOT_ETHERNET = "L2 type not ethernet"
    L3_TYPE_NOT_IP4 = "L3 type not IP4"
    L3_DST_ADDRESS_UNSET = "IP4 destination address is unset"


class ArpDisabledError(Errors, of="arp-disabled", named=True):
    DISABLED = "ARP Disabled"


class ArpReplyError(Errors, of="arp-reply", named=True):
    REPLIES_SENT = "ARP replies sent", Severity.INFO
    L3_SRC_ADDRESS_NOT_LOCAL = "IP4 source address not local to subnet"
    L3_DST_ADDRESS_NOT_LOCAL = "IP4 destination address not local to subnet"
    L3_SRC_ADDRESS_IS_LOCAL = "IP4 source address matches local interface"
    L3_SRC_ADDRESS_LEARNED = "ARP request IP4 source address learned", Severity.INFO
    REPLIES_RECEIVED = "ARP replies received", Severity.INFO
    OPCODE_NOT_REQUEST = "ARP opcode not request"
    L2_ADDRESS_MISMATCH = "ARP hw addr does not match L2 frame src addr"
    GRATUITOUS_ARP = "ARP probe or announcement dropped"
    INTERFACE_NOT_IP_ENABLED = "Interface is not IP enabled"


class ArpProxyError(Errors, of="arp-proxy", named=True):
    PROXY_ARP_REPLIES_SENT = "Proxy ARP replies sent", Severity.INFO


class ResolveError(Errors, of="ip4-arp", named=True):
    THROTTLED = "ARP requests throttled", Severity.INFO
    RESOLVED = "ARP requests resolved", Severity.INFO
    NO_BUFFERS = "ARP requests out of buffer"
    REQUEST_SENT = "ARP requests sent", Severity.INFO
    NON_ARP_ADJ = "ARPs to non-ARP adjacencies"
    NO_SOURCE_ADDRESS = "no source address for ARP request"


class GleanError(Errors, of="ip4-glean", named=True):
    THROTTLED = "ARP requests throttled", Severity.INFO
    RESOLVED = "ARP requests resolved", Severity.INFO
    NO_BUFFERS = "ARP requests out of buffer"
    REQUEST_SENT = "ARP requests sent", Severity.INFO
    NON_ARP_ADJ = "ARPs to non-ARP adjacencies"
    NO_SOURCE_ADDRESS = "no source address for ARP request"
