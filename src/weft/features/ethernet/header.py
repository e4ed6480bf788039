"""The Ethernet header and VLAN tags as they stand in a frame (IEEE 802.3, 802.1Q)."""

from __future__ import annotations

from weft.core.node import inline, routine
from weft.core.view import Bytes, View, be16, mac, times, u8

HEADER = 14  #: bytes of an Ethernet header without tags
TAG = 4  #: bytes of a tag

# Ethertypes. Those of tags say whose tag follows.
IP4, ARP, IP6, MPLS = 0x0800, 0x0806, 0x86DD, 0x8847
DOT1Q, DOT1AD, DOT1Q_9100, DOT1Q_9200 = 0x8100, 0x88A8, 0x9100, 0x9200
TAG_TYPES = (DOT1Q, DOT1AD, DOT1Q_9100, DOT1Q_9200)
SMALLEST_TAG = DOT1Q
FIRST_TYPE = 0x0600  #: what is smaller is a length, and LLC follows (IEEE 802.3 3.2.6)

VLAN_MASK = 0x0FFF
ANY_VLAN = 4096  #: the row of a VLAN table for those who take any
GROUP = 1  #: in an address as packet code compares it: multicast or broadcast


class EthernetHeader(View):
    """The beginning of a frame."""

    destination: mac
    source: mac
    ethertype: be16
    payload: Bytes = times(0)


class VlanTag(View):
    """What follows a tag's ethertype: priority, drop eligibility and VLAN, then the next ethertype."""

    tci: be16
    ethertype: be16
    payload: Bytes = times(0)


class LlcHeader(View):
    """The length in the ethertype's place, and the LLC header behind it (IEEE 802.2)."""

    length: be16
    dsap: u8
    ssap: u8
    control: u8
    payload: Bytes = times(0)


class SnapHeader(View):
    """The SNAP header behind LLC's (RFC 1042)."""

    oui_high: u8
    oui_low: be16
    ethertype: be16


@inline
def is_tag(ethertype: int) -> int:
    """Whether a tag follows (802.1Q, 802.1ad, and the two numbers in use before 802.1ad)."""
    return (ethertype == DOT1Q) | (ethertype == DOT1AD) | (ethertype == DOT1Q_9100) | (ethertype == DOT1Q_9200)


@inline
def header_length(frame: EthernetHeader, available: int) -> int:
    """Bytes of a frame's header with up to two tags, of which so many bytes are there; 0 if it is cut off."""
    if available >= HEADER and (frame.ethertype < SMALLEST_TAG or frame.ethertype == IP6):
        return HEADER
    return length_with_tags(frame, available)


@routine
def length_with_tags(frame: EthernetHeader, available: int) -> int:
    """The same for any frame."""
    if available < HEADER:
        return 0
    length = HEADER
    if is_tag(frame.ethertype):
        length = HEADER + TAG
        if available >= length and VlanTag(frame.payload).ethertype == DOT1Q:
            length = HEADER + 2 * TAG
    return length if available >= length else 0
