"""VXLAN (RFC 7348): Ethernet frames in UDP datagrams, over IPv4 and IPv6."""

PLUGIN = "vxlan"
