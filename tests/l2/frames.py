"""Frames between hosts that tests number."""

from __future__ import annotations

from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

BROADCAST = "ff:ff:ff:ff:ff:ff"


def mac(number: int) -> str:
    """A unicast MAC address for a host."""
    return "02:00:00:" + ":".join(f"{byte:02x}" for byte in number.to_bytes(3, "big"))


def frame(source: int | str, destination: int | str, payload: bytes = b"x" * 46) -> Packet:
    """A frame between two hosts, with an ethertype that nobody cares for."""
    addresses = [each if isinstance(each, str) else mac(each) for each in (source, destination)]
    return Ether(src=addresses[0], dst=addresses[1], type=0x88B5) / Raw(payload)
