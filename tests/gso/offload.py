"""Packets that owe something, made to leave by an interface."""

from __future__ import annotations

from socket import AF_INET, AF_INET6, inet_pton

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet
from tests.conftest import Lab

from weft.core import memory
from weft.core.buffer import DATA_SIZE, NEXT_PRESENT, OFFLOAD, Buffer, buffer_at
from weft.core.runtime import DIRECT, append, runtimes, workers
from weft.core.worker import allocate_packet
from weft.features.interface.model import Interface

TCPV4, TCPV6, UDP_L4 = 1, 4, 5


def make(lab: Lab, data: bytes) -> Buffer:
    """A packet of these bytes, a chain if it is long."""
    index = lab.engine.call(allocate_packet, workers[0].cache, len(data))
    pkt = first = buffer_at(index)
    for start in range(0, len(data), DATA_SIZE):
        memory.write(pkt.data, data[start : start + DATA_SIZE])
        if pkt.flags & NEXT_PRESENT:
            pkt = buffer_at(pkt.next_buffer)
    return first


def owed(
    lab: Lab, port: Interface, packet: Packet, *, start: int, offset: int, kind: int = 0, size: int = 0
) -> list[Packet]:
    """Let a packet leave by a port, owing a checksum from ``start`` on; what left."""
    pkt = make(lab, bytes(packet))
    pkt.tx_sw_if_index = port.sw_if_index
    pkt.flags = pkt.flags | OFFLOAD
    pkt.gso_type, pkt.gso_size, pkt.csum_start, pkt.csum_offset = kind, size, start, offset
    node = lab.engine.graph[f"{port.name}-output"].index
    lab.engine.call(append, runtimes[node], pkt.index, DIRECT | node)
    lab.engine.step()
    return lab.output().get(port.name, [])


def pseudo_header(packet: Packet, length: int) -> int:
    """The folded sum of a packet's pseudo-header (RFC 9293 3.1, RFC 8200 8.1)."""
    if IPv6 in packet:
        data = inet_pton(AF_INET6, packet[IPv6].src) + inet_pton(AF_INET6, packet[IPv6].dst)
    else:
        data = inet_pton(AF_INET, packet[IP].src) + inet_pton(AF_INET, packet[IP].dst)
    data += (6 if TCP in packet else 17).to_bytes(2, "big") + length.to_bytes(2, "big")
    total = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def send_owing(
    lab: Lab, port: Interface, packet: Packet, kind: int = 0, size: int = 0, *, start: int | None = None
) -> list[Packet]:
    """Let a packet leave with its layer-4 checksum owed, as Linux hands them over; what left."""
    packet = Ether(bytes(packet))
    layer = TCP if TCP in packet else UDP
    offset = 16 if layer is TCP else 6
    if start is None:
        start = len(packet) - len(packet[layer])
        packet[layer].chksum = pseudo_header(packet, len(packet[layer]))
    return owed(lab, port, packet, start=start, offset=offset, kind=kind, size=size)
