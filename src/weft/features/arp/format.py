"""ARP packets as traces show them."""

from __future__ import annotations

from ipaddress import IPv4Address

from weft.features.arp.packet import ETHERNET, LENGTH, OPCODES

HARDWARE_TYPES = {1: "ethernet", 2: "experimental_ethernet", 6: "ieee_802", 7: "arcnet", 15: "frame_relay", 16: "atm"}
PROTOCOL_TYPES = {0x0800: "IP4", 0x86DD: "IP6", 0x8847: "MPLS"}


def format_arp(data: bytes) -> list[str]:
    """Two lines about an ARP packet that starts at the first byte of ``data``."""
    if len(data) < 8:
        return ["ARP header truncated"]
    hardware, protocol = int.from_bytes(data[0:2], "big"), int.from_bytes(data[2:4], "big")
    hardware_length, protocol_length = data[4], data[5]
    opcode = int.from_bytes(data[6:8], "big")
    first = (
        f"{OPCODES.get(opcode, f'unknown 0x{opcode:x}')}, "
        f"type {HARDWARE_TYPES.get(hardware, f'unknown 0x{hardware:x}')}/"
        f"{PROTOCOL_TYPES.get(protocol, f'unknown 0x{protocol:x}')}, "
        f"address size {hardware_length}/{protocol_length}"
    )
    if hardware == ETHERNET and protocol == 0x0800 and (hardware_length, protocol_length) == (6, 4):
        if len(data) < LENGTH:
            return [first, "ARP addresses truncated"]
        sender = f"{data[8:14].hex(':')}/{IPv4Address(data[14:18])}"
        target = f"{data[18:24].hex(':')}/{IPv4Address(data[24:28])}"
        return [first, f"{sender} -> {target}"]
    half = hardware_length + protocol_length
    return [first, f"{data[8 : 8 + half].hex()} -> {data[8 + half : 8 + 2 * half].hex()}"]
