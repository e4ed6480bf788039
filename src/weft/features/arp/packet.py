"""The ARP packet (RFC 826), for IPv4 over Ethernet."""

from __future__ import annotations

from weft.core.view import View, be16, be32, mac, u8

ETHERNET = 1  #: the hardware type
MAC_LENGTH = 6
IP4_LENGTH = 4

REQUEST = 1
REPLY = 2
#: Opcodes by number (https://www.iana.org/assignments/arp-parameters).
OPCODES = {
    1: "request",
    2: "reply",
    3: "reverse_request",
    4: "reverse_reply",
    5: "drarp_request",
    6: "drarp_reply",
    7: "drarp_error",
    8: "inarp_request",
    9: "inarp_reply",
    10: "arp_nak",
}


class ArpHeader(View):
    """ARP for IPv4 over Ethernet."""

    hardware_type: be16
    protocol_type: be16
    hardware_length: u8
    protocol_length: u8
    opcode: be16
    sender_mac: mac
    sender: be32
    target_mac: mac
    target: be32


LENGTH = ArpHeader.size
