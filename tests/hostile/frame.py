"""A frame, and where it comes in."""

from __future__ import annotations

from dataclasses import dataclass

from scapy.packet import Packet

EVERYBODY = "ff:ff:ff:ff:ff:ff"
OTHER = 0x88B5  #: an ethertype that nobody here takes


@dataclass(frozen=True)
class Frame:
    """A frame and the interface that it comes in by."""

    port: str
    packet: Packet

    @property
    def data(self) -> bytes:
        return bytes(self.packet)
