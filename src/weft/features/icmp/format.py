"""ICMP messages as traces show them."""

from __future__ import annotations

from weft.features.icmp.model import CODE_NAMES, ECHO_REPLY, ECHO_REQUEST, TYPE_NAMES


def format_type_and_code(type: int, code: int) -> str:
    """``time_exceeded ttl_exceeded_in_transit``."""
    name = TYPE_NAMES.get(type)
    if name is None:
        return f"unknown 0x{type:x}"
    code_name = CODE_NAMES.get((type, code))
    return f"{name} {code_name}" if code_name else name


def format_icmp(data: bytes) -> list[str]:
    """The line about an ICMP message, of which at least the first four bytes are there."""
    if len(data) < 4:
        return ["ICMP header truncated"]
    checksum = int.from_bytes(data[2:4], "big")
    line = f"ICMP {format_type_and_code(data[0], data[1])} checksum 0x{checksum:x}"
    if data[0] in (ECHO_REQUEST, ECHO_REPLY) and len(data) >= 6:
        line += f" id {int.from_bytes(data[4:6], 'big')}"
    return [line]
